/* elf.c: see elf.h. Names are those of the System V ABI, chapter 4 and 5. */
#include "arch.h"
#include "lib/memory.h"
#include "mm/direct.h"
#include "proc/elf.h"

struct elf_header {
    uint8_t identification[16];
    uint16_t type, machine;
    uint32_t version;
    uint64_t entry, program_headers, section_headers;
    uint32_t flags;
    uint16_t header_size, program_header_size, program_header_count;
    uint16_t section_header_size, section_header_count, section_names;
};

struct program_header {
    uint32_t type, flags;
    uint64_t offset, address, physical, file_size, memory_size, alignment;
};

constexpr uint32_t PT_LOAD = 1, PF_X = 1, PF_W = 2, PF_R = 4;
constexpr uint16_t ET_EXEC = 2;
/* class 64, little endian, version 1 */
static uint8_t const IDENTIFICATION[7] = { 0x7f, 'E', 'L', 'F', 2, 1, 1 };

static enum status load_page(uint8_t const *content, struct program_header const *segment, uintptr_t page,
                             enum map_flags flags, struct address_space *space)
{
    paddr_t frame;
    enum status status = space_map_new(space, page, flags, &frame);
    if (status == STATUS_OVERLAP || status == STATUS_BAD_ARGUMENT) return STATUS_BAD_IMAGE;
    if (status != STATUS_OK) return status;
    /* The part of the segment's file bytes that falls into this page. */
    uintptr_t from = page > segment->address ? page : segment->address;
    uintptr_t file_end = segment->address + segment->file_size;
    uintptr_t to = page + PAGE_BYTES < file_end ? page + PAGE_BYTES : file_end;
    if (from < to)
        memcpy((char *)direct_map(frame) + (from - page), content + segment->offset + (from - segment->address),
               to - from);
    return STATUS_OK;
}

static enum status load_segment(struct initrd_file const *file, struct program_header const *segment,
                                struct address_space *space)
{
    if (segment->file_size > segment->memory_size || segment->offset > file->size
        || segment->file_size > file->size - segment->offset || segment->address >= ARCH_USER_TOP
        || segment->memory_size > ARCH_USER_TOP - segment->address) return STATUS_BAD_IMAGE;
    enum map_flags flags = 0;
    if ((segment->flags & PF_R) != 0) flags |= MAP_READ;
    if ((segment->flags & PF_W) != 0) flags |= MAP_WRITE | MAP_READ;
    if ((segment->flags & PF_X) != 0) flags |= MAP_EXECUTE;
    uintptr_t first = segment->address & ~(uintptr_t)(PAGE_BYTES - 1);
    for (uintptr_t page = first; page < segment->address + segment->memory_size; page += PAGE_BYTES) {
        enum status status = load_page(file->content, segment, page, flags, space);
        if (status != STATUS_OK) return status;
    }
    return STATUS_OK;
}

enum status elf_load(struct initrd_file const *file, struct address_space *space, uintptr_t *entry)
{
    struct elf_header header;
    if (file->size < sizeof header) return STATUS_BAD_IMAGE;
    memcpy(&header, file->content, sizeof header);
    if (memcmp(header.identification, IDENTIFICATION, sizeof IDENTIFICATION) != 0 || header.type != ET_EXEC
        || header.machine != ARCH_ELF_MACHINE || header.program_header_size != sizeof(struct program_header)
        || header.program_headers > file->size
        || (file->size - header.program_headers) / sizeof(struct program_header) < header.program_header_count
        || header.entry >= ARCH_USER_TOP) return STATUS_BAD_IMAGE;
    for (size_t i = 0; i < header.program_header_count; i++) {
        struct program_header segment;
        memcpy(&segment, file->content + header.program_headers + i * sizeof segment, sizeof segment);
        if (segment.type != PT_LOAD || segment.memory_size == 0) continue;
        enum status status = load_segment(file, &segment, space);
        if (status != STATUS_OK) return status;
    }
    arch_instruction_sync();
    *entry = header.entry;
    return STATUS_OK;
}
