// Programs at work: in malloc and free all the time, growing, or a gibibyte large.

#define _GNU_SOURCE
#include "cases.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { churn_slots = 1000, churn_threads = 64 };
static void *volatile churn_live[churn_threads][churn_slots];

__attribute__((noinline)) static void churn_once(unsigned index, uint64_t *state) {
    unsigned slot = demo_random(state) % churn_slots;
    free(churn_live[index][slot]);
    churn_live[index][slot] = NULL;
    churn_live[index][slot] = demo_block(16 + demo_random(state) % 2000);
}

static void churn(unsigned index) {
    uint64_t state = index + 1;
    for (unsigned round = 0; round < 5000; round++) churn_once(index, &state);
    demo_settle();
    for (;;) churn_once(index, &state);
}

static void lose(unsigned count) {
    for (unsigned index = 0; index < count; index++) demo_note(DEMO_DEFINITE, demo_block(400), NULL);
}

void demo_churn(const char *argument) {
    unsigned count = (unsigned)demo_number(argument, 4);
    if (count > churn_threads) demo_give_up("too many threads");
    lose(24);
    demo_scrub();
    for (unsigned index = 0; index < count; index++) demo_start_thread(churn, index);
    demo_await_settled(count);
}

static void churn_in_main(void) { churn(0); }

void demo_churn_single(const char *argument) {
    (void)argument;
    lose(7);
    demo_after_ready = churn_in_main;
}

static void grow(void) {
    for (;;) {
        usleep(10000);
        demo_print(DEMO_DEFINITE, demo_block(512));
        demo_scrub();
    }
}

void demo_grow(const char *argument) {
    (void)argument;
    demo_after_ready = grow;
}

struct tree_node {
    struct tree_node *child;
    struct tree_node *sibling;
};

// A random tree: every block hangs below a random earlier one. 593 more hang nowhere.
void demo_big(const char *argument) {
    unsigned long count = demo_number(argument, 8000000);
    if (count < 1000 || count > 100000000) demo_give_up("between a thousand and a hundred million blocks");
    size_t bytes = count * sizeof(struct tree_node *);
    struct tree_node **nodes = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (nodes == MAP_FAILED) demo_give_up("no memory");
    uint64_t state = 17;
    unsigned long lost = 0;
    for (unsigned long index = 0; index < count; index++) {
        // 24 to 216 bytes: 128 on average, header included.
        size_t size = 24 + demo_random(&state) % 13 * 16;
        struct tree_node *node = demo_block(size);
        node->child = NULL;
        node->sibling = NULL;
        nodes[index] = node;
        if (index > 0) {
            struct tree_node *parent = nodes[demo_random(&state) % index];
            node->sibling = parent->child;
            parent->child = node;
        }
        if (index % (count / 593) == 0 && lost < 593) {
            demo_note(DEMO_DEFINITE, demo_block(size), NULL);
            lost++;
        }
    }
    demo_visible[0] = nodes[0];
    demo_note(DEMO_REACHABLE, nodes[0], NULL);
    munmap(nodes, bytes);
}

static int64_t now_in_nanoseconds(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

// Looks at the clock without a break. A jump is time in which it did not run; the longest of each 0.1 s is printed.
static void watch_clock(void) {
    int64_t last = now_in_nanoseconds();
    int64_t window = last;
    int64_t longest = 0;
    for (;;) {
        int64_t now = now_in_nanoseconds();
        if (now - last > longest) longest = now - last;
        last = now;
        if (now - window < 100000000) continue;
        demo_say("gap", (long)longest);
        longest = 0;
        last = window = now_in_nanoseconds();
    }
}

void demo_gaps(const char *argument) {
    demo_big(argument);
    demo_after_ready = watch_clock;
}
