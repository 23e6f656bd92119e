// Runs a case, scrubs what setting it up left behind, and waits to be looked at.

#define _GNU_SOURCE
#include "demo.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

void demo_report_truth(void);

void (*demo_after_ready)(void);

static atomic_uint settled_count;

__attribute__((noinline)) static void scrub_stack(void) {
    char area[128 << 10];
    memset(area, 0, sizeof area);
    // The compiler must not see that nobody reads it.
    __asm__ volatile("" : : "r"(area) : "memory");
}

#if defined(__x86_64__)
__attribute__((noinline)) static void scrub_registers(void) {
    __asm__ volatile(
        "xor %%eax, %%eax\n xor %%ecx, %%ecx\n xor %%edx, %%edx\n xor %%esi, %%esi\n xor %%edi, %%edi\n"
        "xor %%r8d, %%r8d\n xor %%r9d, %%r9d\n xor %%r10d, %%r10d\n xor %%r11d, %%r11d\n"
        "pxor %%xmm0, %%xmm0\n pxor %%xmm1, %%xmm1\n pxor %%xmm2, %%xmm2\n pxor %%xmm3, %%xmm3\n"
        "pxor %%xmm4, %%xmm4\n pxor %%xmm5, %%xmm5\n pxor %%xmm6, %%xmm6\n pxor %%xmm7, %%xmm7\n"
        "pxor %%xmm8, %%xmm8\n pxor %%xmm9, %%xmm9\n pxor %%xmm10, %%xmm10\n pxor %%xmm11, %%xmm11\n"
        "pxor %%xmm12, %%xmm12\n pxor %%xmm13, %%xmm13\n pxor %%xmm14, %%xmm14\n pxor %%xmm15, %%xmm15\n"
        :
        :
        : "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "memory");
    if (__builtin_cpu_supports("avx")) __asm__ volatile("vzeroall");
    if (__builtin_cpu_supports("avx512f")) {
        // glibc's copying functions use the upper sixteen.
        __asm__ volatile(
            ".irp n,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31\n"
            "vpxorq %%zmm\\n, %%zmm\\n, %%zmm\\n\n"
            ".endr" ::
                : "memory");
    }
}
#else
static void scrub_registers(void) {}
#endif

void demo_scrub(void) {
    scrub_stack();
    scrub_registers();
}

double demo_now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

void demo_wait(void) {
    for (;;) pause();
}

void demo_settle(void) { atomic_fetch_add(&settled_count, 1); }

void demo_await_settled(unsigned count) {
    while (atomic_load(&settled_count) < count) usleep(1000);
    // The last one still has to get from counting to waiting.
    usleep(20000);
}

struct thread_start {
    void (*work)(unsigned);
    unsigned index;
};

// By value through a table: a block of the heap would be one more to account for.
static struct thread_start starts[4096];
static atomic_uint start_count;

static void *run_thread(void *number) {
    struct thread_start *start = &starts[(uintptr_t)number];
    start->work(start->index);
    demo_scrub();
    demo_settle();
    demo_wait();
}

void demo_start_thread(void (*work)(unsigned index), unsigned index) {
    unsigned number = atomic_fetch_add(&start_count, 1);
    if (number >= sizeof starts / sizeof starts[0]) demo_give_up("too many threads");
    starts[number] = (struct thread_start){work, index};
    pthread_t thread;
    if (pthread_create(&thread, NULL, run_thread, (void *)(uintptr_t)number) != 0) demo_give_up("no thread");
}

// A pipe on standard input belongs to whoever started the demo: when it closes, nobody wants the demo any more. By
// signal, so that no thread has to wait for it.
static void end_with_standard_input(void) {
    struct stat status;
    if (fstat(STDIN_FILENO, &status) != 0 || !S_ISFIFO(status.st_mode)) return;
    fcntl(STDIN_FILENO, F_SETOWN, getpid());
    fcntl(STDIN_FILENO, F_SETSIG, SIGKILL);
    fcntl(STDIN_FILENO, F_SETFL, fcntl(STDIN_FILENO, F_GETFL) | O_ASYNC);
}

static void put_text(const char *text) { (void)!write(STDERR_FILENO, text, strlen(text)); }

static int usage(const struct demo_case *cases) {
    put_text("usage: CASE [ARGUMENT] [--seconds N] [--exit]\n\n");
    for (; cases->name; cases++) {
        put_text("  ");
        put_text(cases->name);
        for (size_t length = strlen(cases->name); length < 16; length++) put_text(" ");
        put_text(cases->about);
        put_text("\n");
    }
    return 64;
}

int demo_main(int argc, char **argv, const struct demo_case *cases) {
    const char *name = NULL;
    const char *argument = NULL;
    unsigned seconds = 1200;
    int exits = 0;
    for (int index = 1; index < argc; index++) {
        if (strcmp(argv[index], "--exit") == 0) {
            exits = 1;
        } else if (strcmp(argv[index], "--seconds") == 0 && index + 1 < argc) {
            seconds = (unsigned)strtoul(argv[++index], NULL, 10);
        } else if (!name) {
            name = argv[index];
        } else if (!argument) {
            argument = argv[index];
        } else {
            return usage(cases);
        }
    }
    const struct demo_case *found = cases;
    while (name && found->name && strcmp(found->name, name) != 0) found++;
    if (!name || !found->name) return usage(cases);

    alarm(seconds);
    end_with_standard_input();
    // Where Yama lets only ancestors look, everybody may look at a demo.
    prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);

    found->set_up(argument);
    demo_scrub();
    demo_report_truth();
    demo_scrub();
    if (exits) return 0;
    if (demo_after_ready) demo_after_ready();
    demo_wait();
}
