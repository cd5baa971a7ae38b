/* device_tree.c: see device_tree.h. Section numbers are those of the Devicetree Specification v0.4. */
#include "boot/device_tree.h"
#include "boot/boot.h"
#include "lib/memory.h"

/* 5.2 header, 5.4.1 tokens */
constexpr uint32_t MAGIC = 0xd00dfeed;
constexpr uint32_t BEGIN_NODE = 1, END_NODE = 2, PROPERTY = 3, SKIP = 4;

static uint32_t big32(uint8_t const *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static uint64_t big64(uint8_t const *at) { return (uint64_t)big32(at) << 32 | big32(at + 4); }

bool device_tree_open(struct device_tree *tree, void const *blob)
{
    uint8_t const *base = blob;
    if (big32(base) != MAGIC) return false;
    uint32_t total = big32(base + 4), structure = big32(base + 8), strings = big32(base + 12);
    uint32_t reservations = big32(base + 16), strings_size = big32(base + 32), structure_size = big32(base + 36);
    if (structure > total || structure_size > total - structure || strings > total
        || strings_size > total - strings || reservations > total) return false;
    *tree = (struct device_tree){
        .structure = base + structure, .structure_size = structure_size,
        .strings = base + strings, .strings_size = strings_size,
        .reservations = base + reservations, .reservations_size = total - reservations, .total_size = total,
    };
    return true;
}

/* One token of the structure block. `next` is where the following one starts. */
struct tree_token { uint32_t kind; uint32_t next; uint8_t const *content; uint32_t length; char const *name; };

static bool read_token(struct device_tree const *tree, uint32_t at, struct tree_token *token)
{
    if (at > tree->structure_size || tree->structure_size - at < 4) return false;
    uint32_t left = tree->structure_size - at - 4;
    uint8_t const *body = tree->structure + at + 4;
    token->kind = big32(tree->structure + at);
    token->next = at + 4;
    switch (token->kind) {
    case BEGIN_NODE: {
        size_t length = string_length((char const *)body, left);
        if (length == left) return false;
        token->name = (char const *)body;
        token->next += ((uint32_t)length + 4) & ~3u;
        return true;
    }
    case PROPERTY: {
        if (left < 8) return false;
        uint32_t length = big32(body), name = big32(body + 4);
        if (length > left - 8 || name >= tree->strings_size) return false;
        if (string_length((char const *)tree->strings + name, tree->strings_size - name)
            == tree->strings_size - name) return false;
        token->name = (char const *)tree->strings + name;
        token->content = body + 8;
        token->length = length;
        token->next += 8 + ((length + 3) & ~3u);
        return true;
    }
    case END_NODE: case SKIP: return true;
    default: return false;   /* FDT_END, or nothing we know */
    }
}

void device_tree_walk_start(struct device_tree_walk *walk, struct device_tree const *tree)
{
    *walk = (struct device_tree_walk){ .tree = tree };
}

bool device_tree_walk_next(struct device_tree_walk *walk, struct device_tree_node *node)
{
    struct tree_token token;
    while (read_token(walk->tree, walk->position, &token)) {
        walk->position = token.next;
        switch (token.kind) {
        case BEGIN_NODE: {
            if (walk->depth == DEVICE_TREE_DEPTH) return false;
            unsigned depth = walk->depth++;
            /* 2.3.5: without the properties, 2 and 1 */
            walk->open[depth].name = token.name;
            walk->open[depth].address_cells = 2;
            walk->open[depth].size_cells = 1;
            *node = (struct device_tree_node){
                .name = token.name, .properties = token.next, .depth = depth,
                .address_cells = depth > 0 ? walk->open[depth - 1].address_cells : 2,
                .size_cells = depth > 0 ? walk->open[depth - 1].size_cells : 1,
                .parent = depth > 0 ? walk->open[depth - 1].name : "",
            };
            return true;
        }
        case PROPERTY:
            if (walk->depth == 0 || token.length != 4) break;
            if (string_equal(token.name, "#address-cells"))
                walk->open[walk->depth - 1].address_cells = big32(token.content);
            else if (string_equal(token.name, "#size-cells"))
                walk->open[walk->depth - 1].size_cells = big32(token.content);
            break;
        case END_NODE:
            if (walk->depth == 0) return false;
            walk->depth--;
            break;
        default: break;
        }
    }
    return false;
}

void const *device_tree_property(struct device_tree const *tree, struct device_tree_node const *node,
                                 char const *name, uint32_t *length)
{
    struct tree_token token;
    for (uint32_t at = node->properties; read_token(tree, at, &token); at = token.next) {
        if (token.kind == BEGIN_NODE || token.kind == END_NODE) return nullptr;   /* properties come first */
        if (token.kind != PROPERTY || !string_equal(token.name, name)) continue;
        *length = token.length;
        return token.content;
    }
    return nullptr;
}

uint32_t device_tree_cell(struct device_tree const *tree, struct device_tree_node const *node, char const *name,
                          uint32_t index, uint32_t otherwise)
{
    uint32_t length;
    uint8_t const *content = device_tree_property(tree, node, name, &length);
    if (content == nullptr || index >= length / 4) return otherwise;
    return big32(content + 4 * index);
}

char const *device_tree_text(struct device_tree const *tree, struct device_tree_node const *node, char const *name)
{
    uint32_t length;
    char const *text = device_tree_property(tree, node, name, &length);
    return text != nullptr && string_length(text, length) < length ? text : nullptr;
}

bool device_tree_reg(struct device_tree const *tree, struct device_tree_node const *node, uint32_t index,
                     struct memory_range *range)
{
    uint32_t length, cells = node->address_cells + node->size_cells;
    uint8_t const *content = device_tree_property(tree, node, "reg", &length);
    if (content == nullptr || node->address_cells - 1 > 1 || node->size_cells > 2) return false;
    if (length / 4 / cells <= index) return false;
    content += (size_t)index * cells * 4;
    range->base = node->address_cells == 2 ? big64(content) : big32(content);
    content += node->address_cells * 4;
    range->size = node->size_cells == 2 ? big64(content) : node->size_cells == 1 ? big32(content) : 0;
    return true;
}

bool device_tree_compatible(struct device_tree const *tree, struct device_tree_node const *node, char const *name)
{
    uint32_t length;
    char const *text = device_tree_property(tree, node, "compatible", &length);
    while (text != nullptr && length > 0) {
        size_t used = string_length(text, length);
        if (used == length) return false;
        if (string_equal(text, name)) return true;
        text += used + 1;
        length -= (uint32_t)used + 1;
    }
    return false;
}

bool device_tree_find_compatible(struct device_tree const *tree, char const *name, struct device_tree_node *node)
{
    struct device_tree_walk walk;
    device_tree_walk_start(&walk, tree);
    while (device_tree_walk_next(&walk, node))
        if (device_tree_compatible(tree, node, name)) return true;
    return false;
}

static bool same_name(char const *full, char const *name)
{
    while (*name != '\0' && *full == *name) full++, name++;
    return *name == '\0' && (*full == '\0' || *full == '@');
}

bool device_tree_find_name(struct device_tree const *tree, char const *name, struct device_tree_node *node)
{
    struct device_tree_walk walk;
    device_tree_walk_start(&walk, tree);
    while (device_tree_walk_next(&walk, node))
        if (same_name(node->name, name)) return true;
    return false;
}

/* ---- boot_info ------------------------------------------------------------------------------------------------ */

/* /chosen gives addresses as one or two cells. */
static uint64_t chosen_address(struct device_tree const *tree, struct device_tree_node const *node, char const *name)
{
    uint32_t length;
    uint8_t const *content = device_tree_property(tree, node, name, &length);
    if (content == nullptr) return 0;
    return length == 8 ? big64(content) : length == 4 ? big32(content) : 0;
}

static void read_chosen(struct device_tree const *tree, struct device_tree_node const *node, struct boot_info *info)
{
    char const *arguments = device_tree_text(tree, node, "bootargs");
    if (arguments != nullptr) string_copy(info->command_line, arguments, sizeof info->command_line);
    uint64_t start = chosen_address(tree, node, "linux,initrd-start");
    uint64_t end = chosen_address(tree, node, "linux,initrd-end");
    if (end <= start) return;
    info->initrd = start;
    info->initrd_size = end - start;
    boot_reserve(info, start, end - start);
}

static void read_node(struct device_tree const *tree, struct device_tree_node const *node, struct boot_info *info)
{
    struct memory_range range;
    char const *type = device_tree_text(tree, node, "device_type");
    if (type != nullptr && string_equal(type, "memory")) {
        for (uint32_t i = 0; device_tree_reg(tree, node, i, &range); i++)
            if (range.size > 0 && info->memory_count < BOOT_RANGES) info->memory[info->memory_count++] = range;
    } else if (type != nullptr && string_equal(type, "cpu")) {
        char const *status = device_tree_text(tree, node, "status");
        if (status == nullptr || string_equal(status, "okay")) info->cpu_count++;
    } else if (string_equal(node->parent, "reserved-memory")) {
        for (uint32_t i = 0; device_tree_reg(tree, node, i, &range); i++) boot_reserve(info, range.base, range.size);
    } else if (node->depth == 1 && string_equal(node->name, "chosen")) {
        read_chosen(tree, node, info);
    } else if (node->depth == 0) {
        char const *model = device_tree_text(tree, node, "model");
        if (model == nullptr) model = device_tree_text(tree, node, "compatible");
        string_copy(info->machine, model != nullptr ? model : "unknown", sizeof info->machine);
    } else if (device_tree_compatible(tree, node, "veridian,capability-unit")) {
        if (device_tree_reg(tree, node, 0, &range)) info->capability_unit = range.base;
    } else if (device_tree_compatible(tree, node, "veridian,mailbox")) {
        if (device_tree_reg(tree, node, 0, &range)) info->mailbox = range.base;
        info->mailbox_interrupt = device_tree_cell(tree, node, "interrupts", 0, 0);
    }
}

void device_tree_boot_info(struct device_tree const *tree, paddr_t address, struct boot_info *info)
{
    info->device_tree = address;
    boot_reserve(info, address, tree->total_size);
    /* 5.3.2: pairs of address and size until both are zero */
    for (uint32_t at = 0; at + 16 <= tree->reservations_size; at += 16) {
        uint64_t base = big64(tree->reservations + at), size = big64(tree->reservations + at + 8);
        if (base == 0 && size == 0) break;
        boot_reserve(info, base, size);
    }
    struct device_tree_walk walk;
    struct device_tree_node node;
    device_tree_walk_start(&walk, tree);
    while (device_tree_walk_next(&walk, &node)) read_node(tree, &node, info);
}
