// Pointers that lie in no memory: only a register, or an interrupted context, holds them.

#define _GNU_SOURCE
#include "cases.h"

#if defined(__x86_64__)

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

enum { holder_count = 5 };
static demo_hidden held[holder_count];

// Each holder reveals its address inside assembly, wipes what it was computed from, counts itself as settled, and stays
// there. Blocked ones sit in pause(2), which leaves every register but rax, rcx and r11 as it is.
#define WAIT_FOR_EVER "1: mov $34, %%eax\n syscall\n jmp 1b\n"
#define SPIN_FOR_EVER "1: pause\n jmp 1b\n"

static void hold(unsigned index) {
    uint64_t hidden = held[index];
    held[index] = 0;
    demo_scrub();
    demo_settle();
    switch (index) {
    case 0:
        __asm__ volatile("xor %1, %0\n mov %0, %%rbx\n xor %0, %0\n" SPIN_FOR_EVER
                         : "+r"(hidden) : "r"(DEMO_KEY) : "rbx", "memory");
        break;
    case 1:
        __asm__ volatile("xor %1, %0\n mov %0, %%r12\n xor %0, %0\n" WAIT_FOR_EVER
                         : "+r"(hidden) : "r"(DEMO_KEY) : "rax", "rcx", "r11", "r12", "memory");
        break;
    case 2:
        __asm__ volatile("xor %1, %0\n movq %0, %%xmm7\n xor %0, %0\n" WAIT_FOR_EVER
                         : "+r"(hidden) : "r"(DEMO_KEY) : "rax", "rcx", "r11", "xmm7", "memory");
        break;
    case 3:
        // The upper half of a 256-bit register, where the processor has them.
        if (__builtin_cpu_supports("avx2")) {
            __asm__ volatile("xor %1, %0\n movq %0, %%xmm9\n xor %0, %0\n"
                             "vpermq $0x4e, %%ymm9, %%ymm9\n" SPIN_FOR_EVER
                             : "+r"(hidden) : "r"(DEMO_KEY) : "xmm9", "memory");
        } else {
            __asm__ volatile("xor %1, %0\n movq %0, %%xmm9\n xor %0, %0\n" SPIN_FOR_EVER
                             : "+r"(hidden) : "r"(DEMO_KEY) : "xmm9", "memory");
        }
        break;
    default:
        // An argument of a system call that waits: read(pipe, block, 8).
        {
            static int ends[2];
            if (pipe(ends) != 0) demo_give_up("no pipe");
            long descriptor = ends[0];
            __asm__ volatile("xor %2, %%rsi\n xor %%eax, %%eax\n mov $8, %%edx\n xor %2, %2\n syscall\n"
                             : "+S"(hidden), "+D"(descriptor) : "r"(DEMO_KEY)
                             : "rax", "rdx", "rcx", "r11", "memory");
        }
        break;
    }
    demo_wait();
}

void demo_registers(const char *argument) {
    (void)argument;
    for (unsigned index = 0; index < holder_count; index++) {
        // What hangs below is in use too.
        void **block = demo_block(256);
        block[3] = demo_block(100);
        demo_note(DEMO_REACHABLE, block[3], NULL);
        demo_note(DEMO_REACHABLE, block, NULL);
        held[index] = demo_hide(block);
        demo_note(DEMO_DEFINITE, demo_block(256), NULL);
    }
    demo_scrub();
    for (unsigned index = 0; index < holder_count; index++) demo_start_thread(hold, index);
    demo_await_settled(holder_count);
}

static demo_hidden interrupted;
static pthread_t interrupted_thread;

static void block_in_handler(int signal) {
    (void)signal;
    demo_settle();
    __asm__ volatile("xor %%r13d, %%r13d\n pxor %%xmm8, %%xmm8\n" WAIT_FOR_EVER
                     : : : "rax", "rcx", "r11", "r13", "xmm8", "memory");
}

static void be_interrupted(unsigned index) {
    (void)index;
    uint64_t hidden = interrupted;
    interrupted = 0;
    interrupted_thread = pthread_self();
    demo_scrub();
    demo_settle();
    __asm__ volatile("xor %1, %0\n mov %0, %%r13\n xor %0, %0\n" WAIT_FOR_EVER
                     : "+r"(hidden) : "r"(DEMO_KEY) : "rax", "rcx", "r11", "r13", "memory");
}

void demo_signal_frame(const char *argument) {
    (void)argument;
    signal(SIGUSR1, block_in_handler);
    void *block = demo_block(256);
    demo_note(DEMO_REACHABLE, block, NULL);
    demo_note(DEMO_DEFINITE, demo_block(256), NULL);
    interrupted = demo_hide(block);
    block = NULL;
    demo_scrub();
    demo_start_thread(be_interrupted, 0);
    demo_await_settled(1);
    pthread_kill(interrupted_thread, SIGUSR1);
    demo_await_settled(2);
}

#else

void demo_registers(const char *argument) {
    (void)argument;
    demo_give_up("written for x86-64");
}

void demo_signal_frame(const char *argument) {
    (void)argument;
    demo_give_up("written for x86-64");
}

#endif
