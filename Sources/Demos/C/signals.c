// Processes that take signals in different ways.

#define _GNU_SOURCE
#include "cases.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

static void take_note(int signal) { (void)signal; }

static void handle(int signal, void (*handler)(int)) {
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
    sigaction(signal, &action, NULL);
}

static sigset_t only(int signal) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, signal);
    return set;
}

static void set_mask(int how, int signal) {
    sigset_t set = only(signal);
    pthread_sigmask(how, &set, NULL);
}

static void open_for_second(unsigned index) {
    (void)index;
    set_mask(SIG_UNBLOCK, SIGUSR2);
}

void demo_signals(const char *argument) {
    (void)argument;
    handle(SIGTERM, take_note);
    handle(SIGHUP, SIG_IGN);
    set_mask(SIG_BLOCK, SIGUSR1);
    set_mask(SIG_BLOCK, SIGUSR2);
    demo_start_thread(open_for_second, 0);
    demo_await_settled(1);
}

static void wait_for_signal(void) {
    sigset_t set = only(SIGTERM);
    for (;;) {
        int signal;
        sigwait(&set, &signal);
    }
}

void demo_sigwait(const char *argument) {
    (void)argument;
    set_mask(SIG_BLOCK, SIGTERM);
    set_mask(SIG_BLOCK, SIGINT);
    sigset_t set = only(SIGINT);
    if (signalfd(-1, &set, SFD_CLOEXEC) < 0) demo_give_up("no signalfd");
    demo_after_ready = wait_for_signal;
}

void demo_stubborn(const char *argument) {
    (void)argument;
    handle(SIGTERM, SIG_IGN);
}

static int polite_status;

static void exit_politely(int signal) {
    (void)signal;
    _exit(polite_status);
}

void demo_polite(const char *argument) {
    polite_status = (int)demo_number(argument, 3);
    handle(SIGTERM, exit_politely);
}

// A chain of processes that outlive each other by up to a minute.
static void grow(unsigned long depth, int report) {
    if (fork() != 0) return;
    alarm(60);
    if (depth > 1) grow(depth - 1, report);
    pid_t own = getpid();
    (void)!write(report, &own, sizeof own);
    close(report);
    demo_wait();
}

void demo_family(const char *argument) {
    unsigned long depth = demo_number(argument, 3);
    int ends[2];
    if (pipe(ends) != 0) demo_give_up("no pipe");
    grow(depth, ends[1]);
    for (; depth > 0; depth--) {
        pid_t pid;
        if (read(ends[0], &pid, sizeof pid) != sizeof pid) demo_give_up("no child");
        demo_say("pid", pid);
    }
    close(ends[0]);
    close(ends[1]);
}

static const char *hangup_file;

static void note_hangup(int signal) {
    (void)signal;
    close(open(hangup_file, O_WRONLY | O_CREAT, 0600));
}

void demo_grouped(const char *argument) {
    hangup_file = argument;
    int ends[2];
    if (!argument || pipe(ends) != 0) demo_give_up("no file, or no pipe");
    pid_t first = demo_child();
    if (first == 0) {
        setpgid(0, 0);
        pid_t second = demo_child();
        if (second == 0) {
            // It outlives its parent, by a minute at most.
            prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0);
            handle(SIGHUP, note_hangup);
            second = getpid();
            (void)!write(ends[1], &second, sizeof second);
            alarm(60);
        }
        demo_wait();
    }
    pid_t second;
    if (read(ends[0], &second, sizeof second) != sizeof second) demo_give_up("no child");
    demo_say("pid", first);
    demo_say("pid", second);
}

static void fork_on(void) {
    for (;;) {
        if (demo_child() == 0) {
            usleep(20000);
            _exit(0);
        }
        while (waitpid(-1, NULL, 0) > 0) {}
    }
}

void demo_forking(const char *argument) {
    (void)argument;
    demo_after_ready = fork_on;
}
