/* initrd.c: see initrd.h. A header is 110 characters: a magic and 13 fields of 8 hexadecimal digits. */
#include "lib/memory.h"
#include "mm/direct.h"
#include "proc/initrd.h"

constexpr size_t HEADER = 110;
constexpr size_t FIELD_SIZE = 6, FIELD_NAME_SIZE = 11;      /* numbers of the fields that matter */
constexpr char TRAILER[] = "TRAILER!!!";

static uint8_t const *archive;
static size_t archive_size;

void initrd_init(struct boot_info const *info)
{
    archive = direct_map(info->initrd);
    archive_size = info->initrd_size;
}

static bool hexadecimal(uint8_t const *digits, size_t *value)
{
    *value = 0;
    for (size_t i = 0; i < 8; i++) {
        uint8_t digit = digits[i];
        unsigned number;
        if (digit >= '0' && digit <= '9') number = digit - '0';
        else if (digit >= 'a' && digit <= 'f') number = digit - 'a' + 10u;
        else if (digit >= 'A' && digit <= 'F') number = digit - 'A' + 10u;
        else return false;
        *value = *value << 4 | number;
    }
    return true;
}

/* The entry at `*at`; moves `*at` to the next one. */
static bool next_entry(size_t *at, char const **name, struct initrd_file *file)
{
    if (*at > archive_size || archive_size - *at < HEADER) return false;
    uint8_t const *header = archive + *at;
    size_t left = archive_size - *at, name_size;
    if (memcmp(header, "070701", 6) != 0) return false;
    if (!hexadecimal(header + 6 + 8 * FIELD_SIZE, &file->size)) return false;
    if (!hexadecimal(header + 6 + 8 * FIELD_NAME_SIZE, &name_size)) return false;
    size_t content = (HEADER + name_size + 3) & ~(size_t)3;
    if (name_size == 0 || content > left || file->size > left - content) return false;
    *name = (char const *)header + HEADER;
    if ((*name)[name_size - 1] != '\0' || string_equal(*name, TRAILER)) return false;
    file->content = header + content;
    *at += (content + file->size + 3) & ~(size_t)3;
    return true;
}

bool initrd_find(char const *name, struct initrd_file *file)
{
    char const *found;
    for (size_t at = 0; next_entry(&at, &found, file);)
        if (string_equal(found, name)) return true;
    return false;
}

size_t initrd_count(void)
{
    size_t count = 0;
    char const *name;
    struct initrd_file file;
    for (size_t at = 0; next_entry(&at, &name, &file);) count++;
    return count;
}
