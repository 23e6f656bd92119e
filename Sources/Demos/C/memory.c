// Where a resident set goes: each case has one large part, and it is known which.

#define _GNU_SOURCE
#include "cases.h"

#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { mebibyte = 1 << 20 };

// USR1: gives back what malloc_trim gives back, and says so.
static void trim_when_asked(void) {
    sigset_t asked;
    sigemptyset(&asked);
    sigaddset(&asked, SIGUSR1);
    for (;;) {
        int number = 0;
        if (sigwait(&asked, &number) != 0) return;
        demo_say("trimmed", malloc_trim(0));
    }
}

static void await_trim(void) {
    sigset_t asked;
    sigemptyset(&asked);
    sigaddset(&asked, SIGUSR1);
    sigprocmask(SIG_BLOCK, &asked, NULL);
    demo_after_ready = trim_when_asked;
}

// A small block in use after every 3 KiB that were freed: no page is free from end to end.
void demo_fragmentation(const char *argument) {
    size_t count = demo_number(argument, 40) * mebibyte / 3072;
    demo_hidden *freed = mmap(NULL, count * sizeof *freed, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    void **kept = demo_block(count * sizeof *kept);
    if (freed == MAP_FAILED) demo_give_up("no memory");
    for (size_t index = 0; index < count; index++) {
        freed[index] = demo_hide(demo_block(3000));
        kept[index] = demo_block(24);
    }
    for (size_t index = 0; index < count; index++) free(demo_reveal(freed[index]));
    munmap(freed, count * sizeof *freed);
    demo_visible[0] = kept;
    await_trim();
}

// Blocks of all sizes, four of five freed at random: some of that is whole pages, some is not.
void demo_mixed_free(const char *argument) {
    size_t bytes = demo_number(argument, 32) * mebibyte;
    uint64_t state = 5;
    size_t count = 0;
    static demo_hidden freed[65536];
    for (size_t used = 0; used < bytes && count < sizeof freed / sizeof freed[0];) {
        size_t size = 16 + demo_random(&state) % (demo_random(&state) % 8 == 0 ? 30000 : 600);
        freed[count++] = demo_hide(demo_block(size));
        used += size;
    }
    for (size_t index = 0; index < count; index++) {
        if (index < count / 4 * 3 && demo_random(&state) % 5 == 0) {
            demo_visible[index] = demo_reveal(freed[index]);
        } else {
            free(demo_reveal(freed[index]));
        }
        freed[index] = 0;
    }
    await_trim();
}

enum { arena_threads = 6, arena_blocks = 8 * mebibyte / 1024 };
static pthread_barrier_t arena_barrier;
static void *arena_kept[arena_threads];

static void *fill_arena(void *number) {
    static _Thread_local demo_hidden blocks[arena_blocks];
    pthread_barrier_wait(&arena_barrier);
    for (size_t index = 0; index < arena_blocks; index++) blocks[index] = demo_hide(demo_block(1000));
    // The last one stays, and with it all below.
    arena_kept[(uintptr_t)number] = demo_block(1000);
    for (size_t index = 0; index < arena_blocks; index++) free(demo_reveal(blocks[index]));
    pthread_barrier_wait(&arena_barrier);
    return NULL;
}

void demo_finished_arenas(const char *argument) {
    (void)argument;
    pthread_t threads[arena_threads];
    pthread_barrier_init(&arena_barrier, NULL, arena_threads);
    for (uintptr_t index = 0; index < arena_threads; index++) {
        if (pthread_create(&threads[index], NULL, fill_arena, (void *)index) != 0) demo_give_up("no thread");
    }
    for (size_t index = 0; index < arena_threads; index++) pthread_join(threads[index], NULL);
    await_trim();
}

struct cache_entry {
    struct cache_entry *next;
    char value[1000];
};

struct cache {
    size_t count;
    struct cache_entry *buckets[4096];
};

static struct cache *session_cache;

static void remember(struct cache *cache) {
    struct cache_entry *entry = demo_block(sizeof *entry);
    size_t bucket = cache->count++ % (sizeof cache->buckets / sizeof cache->buckets[0]);
    entry->next = cache->buckets[bucket];
    cache->buckets[bucket] = entry;
}

static void forget(struct cache *cache) {
    size_t bucket = cache->count % (sizeof cache->buckets / sizeof cache->buckets[0]);
    struct cache_entry *entry = cache->buckets[bucket];
    cache->buckets[bucket] = entry->next;
    free(entry);
}

static void fill_cache(const char *argument) {
    session_cache = demo_block(sizeof *session_cache);
    memset(session_cache, 0, sizeof *session_cache);
    size_t count = demo_number(argument, 24) * mebibyte / 1024;
    while (session_cache->count < count) remember(session_cache);
}

static void replace_entries(void) {
    for (;;) {
        forget(session_cache);
        remember(session_cache);
        usleep(1000);
    }
}

static void add_entries(void) {
    // 2,000 a second by the clock, however long a sleep takes.
    unsigned long count = 0;
    for (double start = demo_now();; usleep(10000)) {
        for (; (double)count < (demo_now() - start) * 2000; count++) remember(session_cache);
    }
}

void demo_bounded_cache(const char *argument) {
    fill_cache(argument);
    demo_after_ready = replace_entries;
}

void demo_unbounded_cache(const char *argument) {
    fill_cache(argument);
    demo_after_ready = add_entries;
}

void demo_true_leak(const char *argument) {
    size_t count = demo_number(argument, 24) * mebibyte / 1024;
    for (size_t index = 0; index < count; index++) demo_hide(demo_block(1000));
    await_trim();
}

void demo_mapped_file(const char *argument) {
    size_t bytes = demo_number(argument, 48) * mebibyte;
    char path[] = "/var/tmp/nusu-demo.XXXXXX";
    int file = mkstemp(path);
    if (file < 0 || unlink(path) != 0 || ftruncate(file, (off_t)bytes) != 0) demo_give_up("no file");
    char *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (memory == MAP_FAILED) demo_give_up("no mapping");
    // Written back, so that they are clean, and then a quarter of them once more.
    for (size_t at = 0; at < bytes; at += 4096) memory[at] = 1;
    if (msync(memory, bytes, MS_SYNC) != 0) demo_give_up("cannot write the file");
    unsigned sum = 0;
    for (size_t at = 0; at < bytes; at += 4096) sum += (unsigned char)memory[at];
    for (size_t at = 0; at < bytes / 4; at += 4096) memory[at] = (char)sum;
}

void demo_shared_pair(const char *argument) {
    size_t bytes = demo_number(argument, 32) * mebibyte;
    char *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) demo_give_up("no memory");
    memset(memory, 7, bytes);
    pid_t child = fork();
    if (child < 0) demo_give_up("cannot fork");
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        volatile char sum = 0;
        for (size_t at = 0; at < bytes; at += 4096) sum += memory[at];
        demo_wait();
    }
    demo_say("pid", child);
}

static void use_stack(unsigned index) {
    (void)index;
    char area[2 * mebibyte];
    memset(area, 3, sizeof area);
    __asm__ volatile("" : : "r"(area) : "memory");
    demo_settle();
    demo_wait();
}

void demo_deep_stacks(const char *argument) {
    unsigned count = (unsigned)demo_number(argument, 12);
    for (unsigned index = 0; index < count; index++) demo_start_thread(use_stack, index);
    demo_await_settled(count);
}

// One byte in each of eight huge pages.
void demo_huge_pages(const char *argument) {
    (void)argument;
    enum { huge = 2 * mebibyte, count = 8 };
    char *memory = mmap(NULL, (count + 1) * huge, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) demo_give_up("no memory");
    memory += huge - (uintptr_t)memory % huge;
    if (madvise(memory, count * huge, MADV_HUGEPAGE) != 0) demo_give_up("no huge pages");
    for (size_t index = 0; index < count; index++) memory[index * huge] = 1;
}

// Many mappings beside a large heap: neighbours that differ in their rights do not melt into one.
static void patch(const char *argument, int is_linked) {
    size_t heap = demo_number(argument, 64) * mebibyte / 1024;
    void **kept = demo_block(heap * sizeof *kept);
    for (size_t index = 0; index < heap; index++) {
        kept[index] = demo_block(1000);
        if (is_linked && index > 0) *(void **)kept[index] = kept[index - 1];
    }
    demo_visible[0] = kept;
    enum { mappings = 10000 };
    char *memory = mmap(NULL, mappings * 8192ul, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) demo_give_up("no memory");
    for (size_t index = 0; index < mappings; index++) {
        memory[index * 8192] = 1;
        if (index % 2 && mprotect(memory + index * 8192, 8192, PROT_READ) != 0) demo_give_up("too many mappings");
    }
}

void demo_patchwork(const char *argument) { patch(argument, 0); }

void demo_linked_patchwork(const char *argument) { patch(argument, 1); }
