// What an allocator can look like inside: free lists full, breaks that cannot grow, blocks of every origin.

#define _GNU_SOURCE
#include "cases.h"

#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static unsigned long visible_count;

// Keeps `block` in use.
static void hold(void *block) {
    demo_note(DEMO_REACHABLE, block, NULL);
    demo_visible[visible_count++] = block;
}

static void lose(void *block) { demo_note(DEMO_DEFINITE, block, NULL); }

void demo_bins(const char *argument) {
    (void)argument;
    // Freed blocks of every size class, with a block in use behind each so that they do not melt into one.
    static demo_hidden freed[13500];
    static const size_t sizes[] = {24, 56, 120, 200, 504, 1000, 1500, 2000, 4000, 9000, 20000, 70000};
    enum { size_count = sizeof sizes / sizeof sizes[0], count = sizeof freed / sizeof freed[0] };
    for (int index = 0; index < count; index++) {
        freed[index] = demo_hide(demo_block(index < 12000 ? sizes[index % 4] : sizes[index % size_count]));
        if (index % 9 == 0) hold(demo_block(24));
        if (index % 3000 == 1500) lose(demo_block(sizes[index / 3000]));
    }
    lose(demo_block(333));
    for (int index = 0; index < count; index++) {
        // Half of them before large requests, which sort the unsorted list into the small and large bins.
        if (index == count / 2) {
            for (int round = 0; round < 4; round++) hold(demo_block(100000));
        }
        free(demo_reveal(freed[index]));
        freed[index] = 0;
    }
}

void demo_sizes(const char *argument) {
    (void)argument;
    static const size_t sizes[] = {0, 1, 24, 25, 1032, 1033, 131072, 135168, 1 << 20, 40 << 20};
    for (size_t index = 0; index < sizeof sizes / sizeof sizes[0]; index++) {
        lose(demo_block(sizes[index]));
        hold(demo_block(sizes[index]));
    }
    for (size_t alignment = 32; alignment <= 1 << 16; alignment *= 2) {
        lose(demo_fill(memalign(alignment, 100)));
        hold(demo_fill(aligned_alloc(alignment, alignment * 2)));
        // Of a mapping of its own, with the old header left in front.
        lose(demo_fill(memalign(alignment, 300000)));
        void *block = NULL;
        if (posix_memalign(&block, alignment, 200000) != 0) demo_give_up("no memory");
        hold(demo_fill(block));
    }
    lose(demo_fill(calloc(100, 8)));
    lose(demo_fill(calloc(100, 8000)));
    lose(demo_fill(valloc(5000)));
    lose(demo_fill(reallocarray(NULL, 50, 50)));
    // Small to large, large to larger (moved by the kernel), large to small.
    lose(demo_fill(realloc(demo_block(100), 500000)));
    lose(demo_fill(realloc(demo_block(500000), 9000000)));
    lose(demo_fill(realloc(demo_block(9000000), 300000)));
    lose(demo_fill(realloc(demo_block(500000), 64)));
    lose(demo_fill(realloc(demo_block(4000), 1000)));
    // Aligned, with a mapping of its own, then resized by the kernel: the header in front keeps the old size.
    lose(demo_fill(realloc(demo_fill(memalign(2048, 300000)), 5000000)));
    lose(demo_fill(realloc(demo_fill(memalign(512, 5000000)), 400000)));
    hold(demo_fill(realloc(demo_fill(memalign(64, 700000)), 900000)));
}

void demo_million(const char *argument) {
    (void)argument;
    enum { count = 1000000 };
    void **table = demo_block(count * sizeof *table);
    uint64_t state = 9;
    for (int index = 0; index < count; index++) {
        table[index] = demo_block(16 + demo_random(&state) % 80);
        if (index % 1000 == 500) {
            lose(table[index]);
            table[index] = NULL;
        }
    }
    hold(table);
}

void demo_noncontiguous(const char *argument) {
    (void)argument;
    hold(demo_block(100));
    // A page right behind the break stops it for ever.
    uintptr_t end = ((uintptr_t)sbrk(0) + 4095) & ~(uintptr_t)4095;
    void *page = mmap((void *)end, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    if (page == MAP_FAILED) demo_give_up("cannot block the break");
    for (int index = 0; index < 40; index++) {
        void *block = demo_block(100000);
        if (index < 39) lose(block); else hold(block);
        hold(demo_block(40));
        hold(demo_block(3000));
    }
}

void demo_foreign_sbrk(const char *argument) {
    (void)argument;
    // The program's own memory lies between two parts of the heap, and keeps blocks alive.
    for (int round = 0; round < 5; round++) {
        lose(demo_block(5000));
        void **own = sbrk(3 * 4096 + 40);
        if (own == (void *)-1) demo_give_up("no break");
        own = (void **)(((uintptr_t)own + 15) & ~(uintptr_t)15);
        own[7] = demo_block(200);
        demo_note(DEMO_REACHABLE, own[7], NULL);
        // Larger than what is left: the heap has to grow behind the program's part.
        for (int index = 0; index < 5; index++) hold(demo_block(60000));
        lose(demo_block(77));
    }
}

void demo_epoll(const char *argument) {
    (void)argument;
    int poll = epoll_create1(EPOLL_CLOEXEC);
    for (int index = 0; index < 3; index++) {
        int ends[2];
        if (pipe(ends) != 0) demo_give_up("no pipe");
        struct epoll_event event = {.events = EPOLLIN};
        event.data.ptr = demo_block(128);
        demo_note(DEMO_REACHABLE, event.data.ptr, NULL);
        if (epoll_ctl(poll, EPOLL_CTL_ADD, ends[0], &event) != 0) demo_give_up("no epoll");
    }
    for (int index = 0; index < 10; index++) lose(demo_block(128));
}

void demo_signalled(const char *argument) {
    (void)argument;
    // A timer of 10 days, a signal for the process and one for the thread; both stay blocked.
    void *blocks[3];
    for (int index = 0; index < 3; index++) {
        blocks[index] = demo_block(136);
        demo_note(DEMO_REACHABLE, blocks[index], NULL);
    }
    sigset_t blocked;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGRTMIN);
    sigaddset(&blocked, SIGRTMIN + 1);
    pthread_sigmask(SIG_BLOCK, &blocked, NULL);
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN, .sigev_value.sival_ptr = blocks[0]};
    timer_t timer;
    if (timer_create(CLOCK_MONOTONIC, &event, &timer) != 0) demo_give_up("no timer");
    // Before glibc 2.34 a timer's name is the address of a block.
    demo_visible[visible_count++] = timer;
    struct itimerspec later = {.it_value.tv_sec = 864000};
    timer_settime(timer, 0, &later, NULL);
    union sigval value = {.sival_ptr = blocks[1]};
    if (sigqueue(getpid(), SIGRTMIN, value) != 0) demo_give_up("no signal");
    value.sival_ptr = blocks[2];
    if (pthread_sigqueue(pthread_self(), SIGRTMIN + 1, value) != 0) demo_give_up("no signal");
    for (int index = 0; index < 10; index++) lose(demo_block(136));
}

void demo_piped(const char *argument) {
    (void)argument;
    // Messages of 13 bytes from the process to itself, with a pointer in each.
    int ends[2];
    if (pipe(ends) != 0) demo_give_up("no pipe");
    for (int index = 0; index < 20; index++) {
        void *block = demo_block(152);
        demo_note(DEMO_REACHABLE, block, NULL);
        char message[13] = "job: ";
        memcpy(message + 5, &block, sizeof block);
        if (write(ends[1], message, sizeof message) != sizeof message) demo_give_up("the pipe is full");
    }
    for (int index = 0; index < 10; index++) lose(demo_block(152));
}

void demo_trimmed(const char *argument) {
    (void)argument;
    static demo_hidden freed[20000];
    for (int index = 0; index < 20000; index++) {
        freed[index] = demo_hide(demo_block(3000));
        if (index % 500 == 0) lose(demo_block(48));
        if (index % 500 == 250) hold(demo_block(48));
    }
    for (int index = 0; index < 20000; index++) free(demo_reveal(freed[index]));
    malloc_trim(0);
}

enum { history_threads = 8, history_slots = 300, history_steps = 12000 };
static void *volatile history_live[history_threads][history_slots];
static uint64_t history_seed;

static size_t history_size(uint64_t *state) {
    uint64_t kind = demo_random(state) % 100;
    if (kind < 60) return demo_random(state) % 128;
    if (kind < 85) return demo_random(state) % 2000;
    if (kind < 98) return demo_random(state) % 20000;
    return demo_random(state) % 400000;
}

static void *history_new(uint64_t *state) {
    size_t size = history_size(state);
    switch (demo_random(state) % 8) {
    case 0: return demo_fill(calloc(1, size));
    case 1: return demo_fill(memalign((size_t)16 << demo_random(state) % 9, size));
    default: return demo_block(size);
    }
}

static void history_thread(unsigned index) {
    uint64_t state = history_seed * 1000 + index + 1;
    for (int step = 0; step < history_steps; step++) {
        unsigned slot = demo_random(&state) % history_slots;
        void *volatile *place = &history_live[index][slot];
        uint64_t action = demo_random(&state) % 100;
        if (!*place) {
            *place = history_new(&state);
        } else if (action < 55) {
            free(*place);
            *place = NULL;
        } else if (action < 75) {
            *place = demo_fill(realloc(*place, history_size(&state) + 1));
        } else if (action < 76) {
            lose(*place);
            *place = NULL;
        }
    }
    for (int slot = 0; slot < history_slots; slot++) {
        if (history_live[index][slot]) demo_note(DEMO_REACHABLE, history_live[index][slot], NULL);
    }
}

void demo_history(const char *argument) {
    history_seed = demo_number(argument, 1);
    for (unsigned index = 0; index < history_threads; index++) demo_start_thread(history_thread, index);
    demo_await_settled(history_threads);
}

void demo_hostile(const char *argument) {
    (void)argument;
    // Pages that look like blocks with a mapping of their own, headers of large blocks, rings of pointers, arenas.
    size_t size = 64 * 4096;
    uint64_t *pages = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED) demo_give_up("no memory");
    for (size_t page = 0; page < 64; page++) {
        uint64_t *words = pages + page * 512;
        words[0] = 0;
        words[1] = page % 3 == 0 ? (1ull << 62) | 2 : page % 3 == 1 ? 4096 * 1024 | 2 : 4096 * 2 | 5;
        for (size_t word = 2; word < 512; word++) words[word] = (uintptr_t)(words + word * 7 % 512) | (word & 7);
    }
    // Blocks whose contents look like chunks, in use and free, and like a cache of free blocks.
    for (int index = 0; index < 50; index++) {
        uint64_t *words = demo_block(0x280);
        for (size_t word = 0; word < 0x280 / 8; word++) words[word] = word % 2 ? 0x31 + word * 16 : ~0ull - word;
        if (index % 10 == 0) lose(words); else hold(words);
    }
    uint64_t *cache = demo_block(0x280);
    memset(cache, 0, 0x280);
    cache[16] = (uint64_t)(uintptr_t)cache;
    hold(cache);
}
