// Processes in an unusual state: stopped, traced, with children, waiting in vfork.

#define _GNU_SOURCE
#include "cases.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

static void lose(void) {
    for (int index = 0; index < 10; index++) demo_note(DEMO_DEFINITE, demo_block(64), NULL);
}

static void stop(void) { raise(SIGSTOP); }

void demo_stopped(const char *argument) {
    (void)argument;
    lose();
    demo_after_ready = stop;
}

void demo_forked(const char *argument) {
    (void)argument;
    lose();
    pid_t child = demo_child();
    if (child == 0) demo_wait();
    demo_say("pid", child);
}

// In a frame of its own: the child waits in its caller's.
__attribute__((noinline)) static void hold_in_shared_memory(void) {
    void **shared = mmap(NULL, 4 << 20, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) demo_give_up("no mapping");
    // Far from everything else: a reader may join what lies near each other.
    void **middle = shared + (2 << 20) / sizeof *shared;
    *middle = demo_block(64);
    demo_note(DEMO_REACHABLE, *middle, NULL);
}

void demo_inherited(const char *argument) {
    (void)argument;
    lose();
    // A fork does not copy the page tables of shared memory: the child has the page and has not touched it.
    hold_in_shared_memory();
    demo_scrub();
    pid_t child = demo_child();
    if (child == 0) {
        demo_scrub();
        demo_wait();
    }
    demo_say("pid", child);
}

void demo_zombie(const char *argument) {
    (void)argument;
    lose();
    pid_t child = demo_child();
    if (child == 0) _exit(0);
    siginfo_t info;
    waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT);
    demo_say("pid", child);
}

void demo_traced(const char *argument) {
    (void)argument;
    lose();
    int ends[2];
    if (pipe(ends) != 0) demo_give_up("no pipe");
    pid_t child = demo_child();
    if (child == 0) {
        char done = ptrace(PTRACE_SEIZE, getppid(), 0, 0) == 0 ? 'y' : 'n';
        (void)!write(ends[1], &done, 1);
        // A tracer must look after what it traces: every stop of the target ends at once.
        for (;;) {
            int status;
            pid_t target = waitpid(-1, &status, __WALL);
            if (target < 0 && errno == ECHILD) _exit(0);
            if (target < 0 || !WIFSTOPPED(status)) continue;
            int signal = status >> 16 ? 0 : WSTOPSIG(status);
            ptrace(PTRACE_CONT, target, 0, signal);
        }
    }
    char done = 'n';
    if (read(ends[0], &done, 1) != 1 || done != 'y') demo_give_up("the child may not trace");
    demo_say("pid", child);
}

static void wait_in_vfork(void) {
    // The parent sleeps until the child ends, and no signal wakes it.
    pid_t child = vfork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
        for (;;) pause();
    }
}

void demo_vfork_parent(const char *argument) {
    (void)argument;
    lose();
    demo_after_ready = wait_in_vfork;
}
