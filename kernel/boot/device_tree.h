/*
 * device_tree.h: reads a flattened device tree (Devicetree Specification v0.4, chapter 5) in place.
 *
 * The tree comes from firmware: it is believed as to devices, but its structure is checked, and a broken tree reads as
 * one that ends early. No allocation, no state outside the caller's variables; any context.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include "boot_info.h"

struct device_tree {
    uint8_t const *structure;
    uint8_t const *strings;
    uint8_t const *reservations;
    uint32_t structure_size, strings_size, reservations_size;
    uint32_t total_size;
};

/* A node, found by one of the functions below. */
struct device_tree_node {
    char const *name;            /* with unit address; "" for the root */
    uint32_t properties;         /* offset of the first token inside the node */
    unsigned depth;              /* root is 0 */
    uint32_t address_cells;      /* the parent's, for this node's `reg` */
    uint32_t size_cells;
    char const *parent;          /* name of the parent */
};

constexpr unsigned DEVICE_TREE_DEPTH = 8;

/* Walk over all nodes in order. */
struct device_tree_walk {
    struct device_tree const *tree;
    uint32_t position;
    unsigned depth;                                  /* open nodes */
    struct { char const *name; uint32_t address_cells, size_cells; } open[DEVICE_TREE_DEPTH];
};

/* Is there a tree at `blob`? `blob` stays in use as long as `tree`. */
[[nodiscard]] bool device_tree_open(struct device_tree *tree, void const *blob);

void device_tree_walk_start(struct device_tree_walk *walk, struct device_tree const *tree);
[[nodiscard]] bool device_tree_walk_next(struct device_tree_walk *walk, struct device_tree_node *node);

/* First node whose `compatible` lists `name`, or whose path's last part is `name` (with or without unit address). */
[[nodiscard]] bool device_tree_find_compatible(struct device_tree const *tree, char const *name,
                                               struct device_tree_node *node);
[[nodiscard]] bool device_tree_find_name(struct device_tree const *tree, char const *name,
                                         struct device_tree_node *node);

/* The node's property `name`: its bytes and their number; nullptr if it has none. */
void const *device_tree_property(struct device_tree const *tree, struct device_tree_node const *node,
                                 char const *name, uint32_t *length);

/* 32-bit cell `index` of a property; `otherwise` if there is none. */
uint32_t device_tree_cell(struct device_tree const *tree, struct device_tree_node const *node, char const *name,
                          uint32_t index, uint32_t otherwise);

/* Entry `index` of `reg`. */
[[nodiscard]] bool device_tree_reg(struct device_tree const *tree, struct device_tree_node const *node, uint32_t index,
                                   struct memory_range *range);

/* Text property, NUL terminated inside its bytes; nullptr if there is none. */
char const *device_tree_text(struct device_tree const *tree, struct device_tree_node const *node, char const *name);

/* Is `name` among the texts of the property `compatible`? */
bool device_tree_compatible(struct device_tree const *tree, struct device_tree_node const *node, char const *name);

/*
 * Fills in what boot_info.h can learn from a tree at physical address `address`: memory, reserved ranges (with the
 * tree itself and the initrd), initrd, command line, number of CPUs, machine, capability unit and mailbox.
 * The image of the kernel is the architecture's to reserve.
 */
void device_tree_boot_info(struct device_tree const *tree, paddr_t address, struct boot_info *info);
