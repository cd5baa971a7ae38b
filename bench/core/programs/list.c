#include "kernels.h"

#include <stddef.h>

constexpr int node_count = 64, rounds = 6, searches = 20;

/* Keys are unique and tell the original place, values are random and repeat. */
struct node {
    struct node *next;
    int16_t key, value;
};

typedef int comparison(const struct node *left, const struct node *right);

static int by_key(const struct node *left, const struct node *right) { return left->key - right->key; }

static int by_value(const struct node *left, const struct node *right) { return left->value - right->value; }

/* Nodes lie in memory in another order than in the list: key k in place 27 k modulo the number of nodes. */
static struct node *build(struct node pool[], uint32_t *random) {
    constexpr int scatter = 27;
    struct node *first = nullptr;
    for (int key = node_count - 1; key >= 0; key--) {
        struct node *node = &pool[key * scatter % node_count];
        *node = (struct node){first, (int16_t)key, (int16_t)(random_next(random) % 200 - 100)};
        first = node;
    }
    return first;
}

static const struct node *find_value(const struct node *node, int16_t value, uint32_t *steps) {
    for (; node != nullptr && node->value != value; node = node->next) ++*steps;
    return node;
}

static const struct node *find_key(const struct node *node, int16_t key, uint32_t *steps) {
    for (; node->key != key; node = node->next) ++*steps;
    return node;
}

static struct node *reverse(struct node *node) {
    struct node *reversed = nullptr;
    while (node != nullptr) {
        struct node *next = node->next;
        node->next = reversed;
        reversed = node;
        node = next;
    }
    return reversed;
}

/* Bottom-up merge sort, stable. */
static struct node *sort(struct node *list, comparison *compare) {
    for (int run = 1, merges = 2; merges > 1; run *= 2) {
        struct node *left = list, **tail = &list;
        for (merges = 0; left != nullptr; merges++) {
            struct node *right = left;
            int left_size = 0, right_size = run;
            for (; left_size < run && right != nullptr; left_size++) right = right->next;
            while (left_size > 0 || (right_size > 0 && right != nullptr)) {
                struct node **from;
                if (left_size > 0 && (right_size == 0 || right == nullptr || compare(left, right) <= 0)) {
                    from = &left;
                    left_size--;
                } else {
                    from = &right;
                    right_size--;
                }
                *tail = *from;
                tail = &(*from)->next;
                *from = *tail;
            }
            left = right;
        }
        *tail = nullptr;
    }
    return list;
}

/* Every fifth node goes to the end, in order. */
static struct node *move_fifths(struct node *list) {
    struct node *moved = nullptr, **moved_tail = &moved, **link = &list;
    for (int place = 1; *link != nullptr; place++) {
        if (place % 5 == 0) {
            *moved_tail = *link;
            moved_tail = &(*link)->next;
            *link = *moved_tail;
        } else {
            link = &(*link)->next;
        }
    }
    *moved_tail = nullptr;
    *link = moved;
    return list;
}

static uint16_t sample(uint16_t crc, const struct node *node) {
    for (int place = 0; node != nullptr; node = node->next, place++) {
        if (place % 8 == 0) crc = crc_half(crc, (uint16_t)(node->key * 256 + (node->value & 0xff)));
    }
    return crc;
}

uint16_t list_kernel(uint32_t seed) {
    static struct node pool[node_count];
    struct node *list = build(pool, &seed);
    uint16_t crc = 0;
    for (int round = 0; round < rounds; round++) {
        uint32_t steps = 0;
        for (int search = 0; search < searches; search++) {
            const struct node *found = find_key(list, (int16_t)(random_next(&seed) % node_count), &steps);
            found = find_value(list, (int16_t)(found->value + search % 2), &steps);
            steps += found != nullptr ? (uint32_t)found->key : 1000;
        }
        crc = crc_word(crc, steps);
        list = reverse(list);
        list = sort(list, by_value);
        crc = sample(crc, list);
        list = move_fifths(list);
        crc = sample(crc, list);
        list = sort(list, by_key);
        list = move_fifths(list);
    }
    return sample(crc, list);
}
