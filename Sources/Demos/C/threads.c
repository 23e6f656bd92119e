// Heaps of threads: arenas of their own, of several heaps, and what finished threads leave behind.

#define _GNU_SOURCE
#include "cases.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <sys/stat.h>
#include <unistd.h>

static void lose_hundred(unsigned index) {
    for (int round = 0; round < 100; round++) {
        demo_note(DEMO_DEFINITE, demo_block(64 + 16 * index), NULL);
        void *used = demo_block(200);
        demo_note(DEMO_REACHABLE, used, NULL);
        demo_visible[index * 100 + (unsigned)round] = used;
    }
}

void demo_arenas(const char *argument) {
    (void)argument;
    for (unsigned index = 0; index < 8; index++) demo_start_thread(lose_hundred, index);
    demo_await_settled(8);
}

static void fill_heaps(unsigned index) {
    (void)index;
    // 160 MiB in blocks below the threshold for own mappings: three heaps of 64 MiB. The pages are fresh from the
    // kernel and zero, so there is nothing to overwrite in the blocks.
    void **table = demo_block(2560 * sizeof *table);
    for (int round = 0; round < 2560; round++) {
        table[round] = malloc(64 << 10);
        if (!table[round]) demo_give_up("no memory");
        if (round % 100 == 50) {
            demo_note(DEMO_DEFINITE, table[round], NULL);
            table[round] = NULL;
        } else {
            demo_note(DEMO_REACHABLE, table[round], NULL);
        }
        // Small ones too, so that the end of each heap is used up.
        if (round % 10 == 0) demo_note(DEMO_DEFINITE, demo_block(40), NULL);
    }
    demo_note(DEMO_REACHABLE, table, NULL);
    demo_visible[0] = table;
}

void demo_heaps(const char *argument) {
    (void)argument;
    demo_start_thread(fill_heaps, 0);
    demo_await_settled(1);
}

enum { mixed_threads = 5, mixed_blocks = 400 };
static _Atomic demo_hidden mixed_passed[mixed_threads][mixed_blocks];
static pthread_barrier_t mixed_barrier;

static void mix(unsigned index) {
    for (int round = 0; round < mixed_blocks; round++) {
        size_t size = round % 8 == 7 ? 200000 + 4096 * (size_t)round : 32 + (size_t)round;
        void *block = demo_block(size);
        if (round % 4 == 0) {
            demo_note(DEMO_DEFINITE, block, NULL);
        } else {
            mixed_passed[index][round] = demo_hide(block);
        }
        if (round < 40) demo_note(DEMO_DEFINITE, demo_block(24), NULL);
    }
    pthread_barrier_wait(&mixed_barrier);
    // Freed by the neighbour.
    unsigned from = (index + 1) % mixed_threads;
    for (int round = 0; round < mixed_blocks; round++) {
        if (mixed_passed[from][round]) free(demo_reveal(mixed_passed[from][round]));
        mixed_passed[from][round] = 0;
    }
}

void demo_mixed(const char *argument) {
    (void)argument;
    pthread_barrier_init(&mixed_barrier, NULL, mixed_threads);
    for (unsigned index = 0; index < mixed_threads; index++) demo_start_thread(mix, index);
    demo_await_settled(mixed_threads);
}

static __thread void *volatile finished_local;
static demo_hidden finished_left[10];

__attribute__((noinline)) static void leave_on_stack(unsigned from) {
    void *volatile left[5];
    for (unsigned index = 0; index < 5; index++) left[index] = demo_reveal(finished_left[from + index]);
    finished_local = left[0];
}

static void *finish(void *number) {
    leave_on_stack((unsigned)(uintptr_t)number * 5);
    return NULL;
}

void demo_finished(const char *argument) {
    (void)argument;
    for (int index = 0; index < 10; index++) {
        void *block = demo_block(600);
        demo_note(DEMO_DEFINITE, block, NULL);
        finished_left[index] = demo_hide(block);
    }
    // At the same time, so that two stacks stay behind.
    pthread_t threads[2];
    for (uintptr_t number = 0; number < 2; number++) {
        if (pthread_create(&threads[number], NULL, finish, (void *)number) != 0) demo_give_up("no thread");
    }
    for (int number = 0; number < 2; number++) pthread_join(threads[number], NULL);
    memset(finished_left, 0, sizeof finished_left);
}

// What a thread returned stands in its descriptor until it is joined.
static demo_hidden unjoined_results[10];

static void *return_block(void *number) {
    return demo_reveal(unjoined_results[(uintptr_t)number]);
}

void demo_unjoined(const char *argument) {
    (void)argument;
    for (int index = 0; index < 10; index++) {
        void *block = demo_block(600);
        demo_note(index < 5 ? DEMO_REACHABLE : DEMO_DEFINITE, block, NULL);
        unjoined_results[index] = demo_hide(block);
    }
    pthread_t threads[10];
    for (uintptr_t number = 0; number < 10; number++) {
        if (pthread_create(&threads[number], NULL, return_block, (void *)number) != 0) demo_give_up("no thread");
    }
    for (int number = 5; number < 10; number++) pthread_join(threads[number], NULL);
    // A folder has a link for each folder in it, and two more.
    struct stat tasks;
    while (stat("/proc/self/task", &tasks) == 0 && tasks.st_nlink > 3) usleep(1000);
    memset(unjoined_results, 0, sizeof unjoined_results);
}

static void *come_and_go(void *number) {
    free(demo_block(1000 + (uintptr_t)number % 1000));
    return NULL;
}

static void start_and_join(void) {
    for (uintptr_t number = 0;; number++) {
        pthread_t threads[4];
        for (int index = 0; index < 4; index++) {
            if (pthread_create(&threads[index], NULL, come_and_go, (void *)number) != 0) demo_give_up("no thread");
        }
        for (int index = 0; index < 4; index++) pthread_join(threads[index], NULL);
    }
}

void demo_coming(const char *argument) {
    (void)argument;
    for (int index = 0; index < 20; index++) demo_note(DEMO_DEFINITE, demo_block(5000), NULL);
    demo_after_ready = start_and_join;
}

static void work(unsigned index) {
    (void)index;
    struct timespec used = {0, 0};
    while (used.tv_sec == 0 && used.tv_nsec < 700000000) clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
}

void demo_worked(const char *argument) {
    (void)argument;
    for (unsigned index = 0; index < 2; index++) demo_start_thread(work, index);
    demo_await_settled(2);
}
