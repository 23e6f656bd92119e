// Programs whose use of memory or descriptors is known over time: growing, or only looking so.

#define _GNU_SOURCE
#include "cases.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { tick_us = 10000 };

static unsigned long bytes_a_second;

/// Memory of its own mapping, so that what is given back leaves the resident set.
static void *take(size_t size) {
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) demo_give_up("no memory");
    memset(memory, 0x5a, size);
    return memory;
}

/// Loses blocks so that the sum follows the clock, however long a sleep takes.
static void lose_until(double start, double *lost) {
    double due = (demo_now() - start) * (double)bytes_a_second;
    while (*lost + 1024 <= due) {
        void *volatile block = malloc(1008);
        if (!block) demo_give_up("no memory");
        memset(block, 0x5a, 1008);
        *lost += 1024;
    }
}

static void leaking(void) {
    double lost = 0;
    for (double start = demo_now();; usleep(tick_us)) lose_until(start, &lost);
}

void demo_leaking(const char *argument) {
    bytes_a_second = demo_number(argument, 4 << 20);
    demo_after_ready = leaking;
}

static void leaking_unseen(void) {
    enum { slots = 16, size = 64 << 10 };
    void *held[slots] = {NULL};
    uint64_t state = 1;
    double lost = 0;
    for (double start = demo_now();; usleep(tick_us)) {
        lose_until(start, &lost);
        unsigned slot = demo_random(&state) % slots;
        if (held[slot]) {
            munmap(held[slot], size);
            held[slot] = NULL;
        } else {
            held[slot] = take(size);
        }
    }
}

void demo_leaking_unseen(const char *argument) {
    bytes_a_second = demo_number(argument, 256 << 10);
    demo_after_ready = leaking_unseen;
}

/// How many ticks of so many microseconds are over: what is done by these follows the clock, however long a sleep takes.
static unsigned long ticks(double start, unsigned long length_us) {
    return (unsigned long)((demo_now() - start) * 1e6 / (double)length_us);
}

static void saw_tooth(void) {
    enum { teeth = 32, size = 256 << 10 };
    void *held[teeth];
    unsigned count = 0;
    unsigned long tooth = 0;
    for (double start = demo_now();; usleep(tick_us)) {
        unsigned long due = ticks(start, tick_us);
        if (due / teeth != tooth) {
            while (count > 0) munmap(held[--count], size);
            tooth = due / teeth;
        }
        while (count <= due % teeth) held[count++] = take(size);
    }
}

void demo_saw_tooth(const char *argument) {
    (void)argument;
    demo_after_ready = saw_tooth;
}

static void cache(void) {
    enum { slots = 128, size = 64 << 10 };
    static void *held[slots];
    double start = demo_now();
    for (unsigned index = 0; index < slots; index++) {
        held[index] = take(size);
        if (index >= ticks(start, tick_us / 2)) usleep(tick_us / 2);
    }
    uint64_t state = 1;
    for (;; usleep(tick_us)) {
        unsigned slot = demo_random(&state) % slots;
        munmap(held[slot], size);
        held[slot] = take(size);
    }
}

void demo_cache(const char *argument) {
    (void)argument;
    demo_after_ready = cache;
}

static void opening(void) {
    unsigned long count = 0;
    for (double start = demo_now();; usleep(2 * tick_us)) {
        for (; count <= ticks(start, 2 * tick_us); count++) {
            if (open("/dev/null", O_RDONLY | O_CLOEXEC) < 0) demo_give_up("no more descriptors");
        }
    }
}

void demo_opening(const char *argument) {
    (void)argument;
    demo_after_ready = opening;
}
