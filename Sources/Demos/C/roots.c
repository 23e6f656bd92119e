// Where a program can keep a pointer: stacks, thread-local memory, modules' data, mappings.

#define _GNU_SOURCE
#include "cases.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

// The other blocks around the held ones: lost, so that "everything is in use" is no right answer.
static void lose(unsigned count) {
    for (unsigned index = 0; index < count; index++) demo_note(DEMO_DEFINITE, demo_block(96), NULL);
}

static void *used_block(void) {
    void *block = demo_block(96);
    demo_note(DEMO_REACHABLE, block, NULL);
    return block;
}

static demo_hidden stack_held[3];

__attribute__((noinline)) static uintptr_t reveal_inside(demo_hidden hidden, uintptr_t offset) {
    return (uintptr_t)demo_reveal(hidden) + offset;
}

static void keep_on_stack(unsigned index) {
    uintptr_t slots[8] = {0};
    slots[5] = reveal_inside(stack_held[index], index == 2 ? 44 : 0);
    stack_held[index] = 0;
    // The array is read by someone the compiler does not know: it stays where it is.
    __asm__ volatile("" : : "r"(slots) : "memory");
    demo_scrub();
    demo_settle();
    demo_wait();
}

void demo_stacks(const char *argument) {
    (void)argument;
    lose(10);
    for (unsigned index = 0; index < 3; index++) {
        void *block = demo_block(200);
        demo_note(index == 2 ? DEMO_POSSIBLE : DEMO_REACHABLE, block, NULL);
        stack_held[index] = demo_hide(block);
    }
    demo_scrub();
    for (unsigned index = 0; index < 3; index++) demo_start_thread(keep_on_stack, index);
    demo_await_settled(3);
}

static __thread void *volatile local;
static __thread void *volatile local_array[100];
static pthread_key_t keys[200];

static void keep_local(unsigned index) {
    (void)index;
    local = used_block();
    local_array[73] = used_block();
    // The first 32 keys lie in the thread's descriptor, the others in a block of the heap.
    pthread_setspecific(keys[0], used_block());
    pthread_setspecific(keys[199], used_block());
    lose(5);
}

void demo_thread_local_(const char *argument) {
    (void)argument;
    for (unsigned index = 0; index < 200; index++) pthread_key_create(&keys[index], NULL);
    for (unsigned index = 0; index < 3; index++) demo_start_thread(keep_local, index);
    demo_await_settled(3);
    keep_local(0);
}

static void *volatile in_bss;
static void *volatile in_data = (void *)1;
// On pages of its own, which become read-only like what the loader has relocated.
__attribute__((section(".data.rel.ro"), aligned(4096))) static void *volatile in_relro[512] = {(void *)1};

void demo_globals(const char *argument) {
    (void)argument;
    lose(10);
    in_bss = used_block();
    in_data = used_block();
    void *page = (void *)(uintptr_t)in_relro;
    if (mprotect(page, 4096, PROT_READ | PROT_WRITE) != 0) demo_give_up("no protection");
    in_relro[100] = used_block();
    mprotect(page, 4096, PROT_READ);
    // A variable in the C library's data.
    program_invocation_short_name = strcpy(used_block(), "renamed");
}

void demo_libc(const char *argument) {
    (void)argument;
    setlocale(LC_ALL, "C.UTF-8");
    setenv("NUSU_DEMO", "a value that libc keeps in blocks of its own", 1);
    // A stream nobody holds: libc's list of streams does.
    if (!fopen("/dev/null", "r")) demo_give_up("no /dev/null");
    printf("%s", "");
    atexit(demo_scrub);
    lose(3);
}

#ifndef NUSU_DEMO_STATIC

void demo_second_libc(const char *argument) {
    (void)argument;
    lose(4);
    void *library = dlmopen(LM_ID_NEWLM, "libc.so.6", RTLD_NOW);
    if (!library) demo_give_up("no second C library");
    void *(*other_malloc)(size_t) = (void *(*)(size_t))dlsym(library, "malloc");
    char **name = dlsym(library, "program_invocation_name");
    if (!other_malloc || !name) demo_give_up("no malloc in the second C library");
    for (int index = 0; index < 20; index++) {
        void *block = other_malloc(500);
        if (!block) demo_give_up("no memory");
        memset(block, 0x5a, 500);
        demo_note(index < 19 ? DEMO_DEFINITE : DEMO_REACHABLE, block, NULL);
        if (index == 19) *name = block;
    }
}

#else

void demo_second_libc(const char *argument) {
    (void)argument;
    demo_give_up("a static program has one C library");
}

#endif

static void **map(size_t size, int protection, int flags, int descriptor) {
    void *mapping = mmap(NULL, size, protection, flags, descriptor, 0);
    if (mapping == MAP_FAILED) demo_give_up("no mapping");
    return mapping;
}

void demo_mappings(const char *argument) {
    (void)argument;
    enum { writable = PROT_READ | PROT_WRITE, size = 1 << 16 };
    lose(10);
    map(size, writable, MAP_PRIVATE | MAP_ANONYMOUS, -1)[700] = used_block();
    map(size, writable, MAP_SHARED | MAP_ANONYMOUS, -1)[700] = used_block();
    int file = memfd_create("demo", MFD_CLOEXEC);
    if (file < 0 || ftruncate(file, size) != 0) demo_give_up("no memory file");
    map(size, writable, MAP_SHARED, file)[700] = used_block();
    map(size, writable, MAP_PRIVATE, file)[1700] = used_block();
    void **read_only = map(size, writable, MAP_PRIVATE | MAP_ANONYMOUS, -1);
    read_only[700] = used_block();
    mprotect(read_only, size, PROT_READ);
}

void demo_remapped(const char *argument) {
    (void)argument;
    enum { writable = PROT_READ | PROT_WRITE, size = 1 << 16 };
    lose(10);
    // Written through a mapping that is gone: the page is there, but this process has not touched it through the new one.
    int file = memfd_create("demo", MFD_CLOEXEC);
    if (file < 0 || ftruncate(file, size) != 0) demo_give_up("no memory file");
    void **passing = map(size, writable, MAP_SHARED, file);
    passing[700] = used_block();
    munmap(passing, size);
    map(size, PROT_READ, MAP_SHARED, file);
}

void demo_sparse(const char *argument) {
    (void)argument;
    lose(10);
    void **reservation = map(1ull << 40, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1);
    reservation[1ull << 36] = used_block();
}

void demo_fork_advice(const char *argument) {
    (void)argument;
    enum { writable = PROT_READ | PROT_WRITE, size = 1 << 16 };
    lose(10);
    void **left_out = map(size, writable, MAP_PRIVATE | MAP_ANONYMOUS, -1);
    left_out[700] = used_block();
    if (madvise(left_out, size, MADV_DONTFORK) != 0) demo_give_up("no MADV_DONTFORK");
    void **wiped = map(size, writable, MAP_PRIVATE | MAP_ANONYMOUS, -1);
    wiped[700] = used_block();
    if (madvise(wiped, size, MADV_WIPEONFORK) != 0) demo_give_up("no MADV_WIPEONFORK");
}

void demo_executable(const char *argument) {
    (void)argument;
    lose(10);
    void **code = map(1 << 16, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1);
    code[700] = used_block();
}
