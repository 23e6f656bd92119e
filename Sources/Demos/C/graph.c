// A random graph of blocks, and what is true of each by the plainest walk there is.

#define _GNU_SOURCE
#include "cases.h"

#include <stdlib.h>
#include <sys/mman.h>

enum { node_count = 1200, edge_limit = 4, root_count = 40 };

struct edge {
    short to;
    short interior;
};

// The graph as numbers: no addresses, so that the truth is no root.
static struct edge edges[node_count][edge_limit];
static short degree[node_count];
static struct edge roots[root_count];
static unsigned char reached[node_count][node_count];

static void walk(int from, int node) {
    for (int index = 0; index < degree[node]; index++) {
        int to = edges[node][index].to;
        if (reached[from][to]) continue;
        reached[from][to] = 1;
        walk(from, to);
    }
}

static unsigned char in_use[node_count];
static unsigned char possible[node_count];

static void use(int node) {
    if (in_use[node]) return;
    in_use[node] = 1;
    for (int index = 0; index < degree[node]; index++) {
        if (!edges[node][index].interior) use(edges[node][index].to);
    }
}

static void suspect(int node) {
    if (in_use[node] || possible[node]) return;
    possible[node] = 1;
    for (int index = 0; index < degree[node]; index++) suspect(edges[node][index].to);
}

static int is_lost(int node) { return !in_use[node] && !possible[node]; }

// Whether another lost node reaches this one and is not reached back: then that one's leader stands for it.
static int is_below(int node) {
    for (int other = 0; other < node_count; other++) {
        if (is_lost(other) && reached[other][node] && !reached[node][other]) return 1;
    }
    return 0;
}

static int ring_of(int node) {
    for (int other = 0; other < node_count; other++) {
        if (reached[node][other] && reached[other][node]) return other;
    }
    return -1;
}

static void find_truth(void) {
    for (int index = 0; index < root_count; index++) {
        if (!roots[index].interior) use(roots[index].to);
    }
    for (int index = 0; index < root_count; index++) {
        if (roots[index].interior) suspect(roots[index].to);
    }
    for (int node = 0; node < node_count; node++) {
        if (!in_use[node]) continue;
        for (int index = 0; index < degree[node]; index++) suspect(edges[node][index].to);
    }
    for (int node = 0; node < node_count; node++) walk(node, node);
}

static void note(int node, void *block) {
    if (in_use[node]) {
        demo_note(DEMO_REACHABLE, block, NULL);
    } else if (possible[node]) {
        demo_note(DEMO_POSSIBLE, block, NULL);
    } else if (is_below(node)) {
        demo_note(DEMO_INDIRECT, block, NULL);
    } else if (ring_of(node) >= 0) {
        demo_note_ring((unsigned)ring_of(node), block);
    } else {
        demo_note(DEMO_DEFINITE, block, NULL);
    }
}

static struct edge random_edge(uint64_t *state) {
    return (struct edge){(short)(demo_random(state) % node_count), demo_random(state) % 8 == 0};
}

void demo_random_graph(const char *argument) {
    uint64_t state = demo_number(argument, 1) * 7919 + 1;
    for (int node = 0; node < node_count; node++) {
        // Near one edge a node on average: many small islands, some rings, some large parts.
        static const short degrees[] = {0, 0, 0, 1, 1, 1, 1, 1, 2, 2};
        degree[node] = degrees[demo_random(&state) % 10];
        for (int index = 0; index < degree[node]; index++) edges[node][index] = random_edge(&state);
    }
    // Chance alone closes few rings that nothing else points to.
    for (int node = 0; node + 1 < node_count; node += 20) {
        degree[node] = degree[node + 1] = 1;
        edges[node][0] = (struct edge){(short)(node + 1), 0};
        edges[node + 1][0] = (struct edge){(short)node, node % 60 == 0};
    }
    for (int index = 0; index < root_count; index++) roots[index] = random_edge(&state);
    find_truth();

    static demo_hidden blocks[node_count];
    for (int node = 0; node < node_count; node++) {
        // Now and then one with a mapping of its own.
        size_t size = 64 + (demo_random(&state) % 50 == 0 ? 200000 : demo_random(&state) % 900);
        blocks[node] = demo_hide(demo_block(size));
    }
    for (int node = 0; node < node_count; node++) {
        char **words = demo_reveal(blocks[node]);
        for (int index = 0; index < degree[node]; index++) {
            char *target = demo_reveal(blocks[edges[node][index].to]);
            words[index * 3] = target + (edges[node][index].interior ? 44 : 0);
        }
        note(node, words);
    }
    for (int index = 0; index < root_count; index++) {
        char *target = demo_reveal(blocks[roots[index].to]);
        demo_visible[index] = target + (roots[index].interior ? 44 : 0);
    }
}
