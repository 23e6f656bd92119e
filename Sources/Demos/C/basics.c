// Lost blocks, lists, rings: what a program loses, and what only looks lost.

#include "cases.h"

#include <stdlib.h>

struct node {
    struct node *next;
    struct node *other;
    char payload[48];
};

static struct node *new_node(void) {
    struct node *node = demo_block(sizeof *node);
    node->next = NULL;
    node->other = NULL;
    return node;
}

// The program of the README.
void demo_overwrite(const char *argument) {
    (void)argument;
    for (int round = 0; round < 100; round++) {
        demo_visible[0] = demo_block(1024);
        demo_note(round < 99 ? DEMO_DEFINITE : DEMO_REACHABLE, demo_visible[0], NULL);
    }
}

void demo_reachable(const char *argument) {
    (void)argument;
    struct node *head = NULL;
    for (int round = 0; round < 1000; round++) {
        struct node *node = new_node();
        node->next = head;
        head = node;
        demo_note(DEMO_REACHABLE, node, NULL);
    }
    demo_visible[0] = head;

    void **table = demo_block(512 * sizeof *table);
    for (int index = 0; index < 512; index++) {
        table[index] = demo_block(16 + 8 * (size_t)index);
        demo_note(DEMO_REACHABLE, table[index], NULL);
    }
    demo_note(DEMO_REACHABLE, table, NULL);
    demo_visible[1] = table;
}

static struct node *lost_list(unsigned count) {
    struct node *head = NULL;
    for (unsigned round = 0; round < count; round++) {
        struct node *node = new_node();
        node->next = head;
        head = node;
        demo_note(round + 1 < count ? DEMO_INDIRECT : DEMO_DEFINITE, node, NULL);
    }
    return head;
}

void demo_list(const char *argument) {
    (void)argument;
    lost_list(1000);
}

static struct node *lost_ring(unsigned ring, unsigned count) {
    struct node *first = new_node();
    struct node *last = first;
    demo_note_ring(ring, first);
    for (unsigned round = 1; round < count; round++) {
        last->next = new_node();
        last = last->next;
        demo_note_ring(ring, last);
    }
    last->next = first;
    return first;
}

void demo_rings(const char *argument) {
    (void)argument;
    for (unsigned ring = 0; ring < 50; ring++) lost_ring(ring, 2);
}

void demo_long_ring(const char *argument) {
    (void)argument;
    // With a tail: the tail is lost with the ring.
    struct node *ring = lost_ring(0, 10000);
    for (unsigned round = 0; round < 100; round++) {
        struct node *node = new_node();
        node->next = ring->other;
        ring->other = node;
        demo_note(DEMO_INDIRECT, node, NULL);
    }
    // A block that only itself holds.
    struct node *alone = new_node();
    alone->next = alone;
    demo_note_ring(1, alone);
    // A ring that a lost block holds is lost with that block, and no leader.
    struct node *above = new_node();
    demo_note(DEMO_DEFINITE, above, NULL);
    struct node *first = new_node();
    struct node *second = new_node();
    first->next = second;
    second->next = first;
    above->other = second;
    demo_note(DEMO_INDIRECT, first, NULL);
    demo_note(DEMO_INDIRECT, second, NULL);
    // A ring that is in use.
    struct node *used = new_node();
    used->next = new_node();
    used->next->next = used;
    demo_note(DEMO_REACHABLE, used, NULL);
    demo_note(DEMO_REACHABLE, used->next, NULL);
    demo_visible[0] = used;
}

struct tree_node {
    struct tree_node *parent;
    struct tree_node *children[2];
    char payload[24];
};

static struct tree_node *lost_tree(struct tree_node *parent, unsigned depth) {
    struct tree_node *node = demo_block(sizeof *node);
    demo_note_ring(0, node);
    node->parent = parent;
    for (int index = 0; index < 2; index++) {
        node->children[index] = depth > 0 ? lost_tree(node, depth - 1) : NULL;
    }
    return node;
}

void demo_tree(const char *argument) {
    (void)argument;
    lost_tree(NULL, 9);
}

// The offset is none that a second base, an array's cookie or a string in place could explain.
static void *inside(void *block) { return (char *)block + 44; }

void demo_interior(const char *argument) {
    (void)argument;
    for (int index = 0; index < 20; index++) {
        struct node *held = new_node();
        held->next = new_node();
        held->next->next = new_node();
        demo_note(DEMO_POSSIBLE, held, NULL);
        demo_note(DEMO_POSSIBLE, held->next, NULL);
        demo_note(DEMO_POSSIBLE, held->next->next, NULL);
        demo_visible[index] = inside(held);
    }
    // A pointer from a block in use counts like one from a variable.
    struct node *used = new_node();
    struct node *below = new_node();
    used->next = inside(below);
    demo_visible[20] = used;
    demo_note(DEMO_REACHABLE, used, NULL);
    demo_note(DEMO_POSSIBLE, below, NULL);
    // Interior and exact together: exact wins.
    struct node *both = new_node();
    demo_visible[21] = inside(both);
    demo_visible[22] = both;
    demo_note(DEMO_REACHABLE, both, NULL);
    // A pointer just behind a block is none into it. The size fills its chunk, so the next block begins there.
    char *before = demo_block(1024);
    char *after = demo_block(1024);
    demo_note(DEMO_DEFINITE, before, NULL);
    demo_note(DEMO_REACHABLE, after, NULL);
    demo_visible[23] = after;
}
