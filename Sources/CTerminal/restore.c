// The terminal, put back by whatever ends the program. In C since most of it runs in signal handlers, where only
// async-signal-safe functions may (man 7 signal-safety), and in a child of a program with threads.
#define _GNU_SOURCE
#include "CTerminal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

static int input_end = -1, output_end = -1;
static char leaving[256];
static size_t leaving_size;

/// In memory that the guard shares.
struct state {
    int taken;
    struct termios before, during;
    /// Held by the thread that has the terminal for as long as it lives.
    pthread_mutex_t life;
};
static struct state *state;

/// What was written to stderr meanwhile, and where it should have gone.
static int held_back = -1, errors_before = -1;

/// The signal that ends nusu has come, and was not answered yet.
static volatile sig_atomic_t is_ending;

static void write_all(int descriptor, const char *bytes, size_t size) {
    while (size > 0) {
        ssize_t count = write(descriptor, bytes, size);
        if (count > 0) {
            bytes += count;
            size -= (size_t)count;
        } else if (errno == EAGAIN) {
            struct pollfd entry = {.fd = descriptor, .events = POLLOUT};
            // A terminal that takes nothing for a second is given up.
            if (poll(&entry, 1, 1000) == 0) return;
        } else if (errno != EINTR || is_ending) {
            return;
        }
    }
}

void cterminal_write(int descriptor, const void *bytes, size_t size) { write_all(descriptor, bytes, size); }

static void hold_errors_back(void) {
    if (held_back < 0) {
        if (!isatty(STDERR_FILENO)) return;
        held_back = memfd_create("stderr", MFD_CLOEXEC);
        errors_before = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
    }
    if (held_back >= 0 && errors_before >= 0) dup2(held_back, STDERR_FILENO);
}

static void let_errors_out(void) {
    if (held_back < 0 || errors_before < 0) return;
    dup2(errors_before, STDERR_FILENO);
    char chunk[4096];
    off_t offset = 0;
    ssize_t count;
    while (offset < 1 << 16 && (count = pread(held_back, chunk, sizeof chunk, offset)) > 0) {
        write_all(STDERR_FILENO, chunk, (size_t)count);
        offset += count;
    }
    if (ftruncate(held_back, 0) == 0) lseek(held_back, 0, SEEK_SET);
}

static int is_same(const struct termios *a, const struct termios *b) {
    return a->c_lflag == b->c_lflag && a->c_iflag == b->c_iflag && a->c_oflag == b->c_oflag;
}

int cterminal_enter(int input, int output, const char *enter, const char *leave) {
    if (state == NULL) {
        void *page = mmap(NULL, sizeof *state, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (page == MAP_FAILED) return -1;
        state = page;
        leaving_size = strlen(leave) < sizeof leaving ? strlen(leave) : 0;
        memcpy(leaving, leave, leaving_size);
        // Whoever calls exit does not know of the terminal.
        atexit(cterminal_leave);
        input_end = input;
        output_end = output;
    }
    struct termios now;
    if (tcgetattr(input, &now) != 0) return -1;
    // Anew after a stop: the shell may have set others. What nusu set itself is not to come back.
    if (!__atomic_load_n(&state->taken, __ATOMIC_SEQ_CST) || !is_same(&now, &state->during)) state->before = now;
    struct termios during = state->before;
    during.c_iflag &= ~(tcflag_t)(IXON | ICRNL | INLCR | IGNCR | ISTRIP);
    during.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ECHOE | ECHOK | ECHONL | IEXTEN);
    during.c_cc[VMIN] = 1;
    during.c_cc[VTIME] = 0;
    state->during = during;
    // In the background this stops the program, and is broken off by the signal that lets it go on.
    while (tcsetattr(input, TCSADRAIN, &during) != 0)
        if (errno != EINTR) return -1;
    __atomic_store_n(&state->taken, 1, __ATOMIC_SEQ_CST);
    write_all(output, enter, strlen(enter));
    hold_errors_back();
    return 0;
}

void cterminal_leave(void) {
    // It has answered.
    if (is_ending) alarm(0);
    if (state == NULL || !__atomic_exchange_n(&state->taken, 0, __ATOMIC_SEQ_CST)) return;
    int error = errno;
    // Of a program in the background the terminal is not: setting it would stop the program.
    sigset_t stop, mask;
    sigemptyset(&stop);
    sigaddset(&stop, SIGTTOU);
    sigprocmask(SIG_BLOCK, &stop, &mask);
    pid_t front = tcgetpgrp(input_end);
    // -1: no terminal that could stop it.
    if (front < 0 || front == getpgrp()) {
        write_all(output_end, leaving, leaving_size);
        // A click that was not read yet is none of the shell's.
        tcflush(input_end, TCIFLUSH);
        tcsetattr(input_end, TCSANOW, &state->before);
    }
    sigprocmask(SIG_SETMASK, &mask, NULL);
    let_errors_out();
    errno = error;
}

// MARK: Signals

static int told[2] = {-1, -1};

static void end_by(int signal) {
    cterminal_leave();
    struct sigaction action = {.sa_handler = SIG_DFL};
    sigaction(signal, &action, NULL);
    raise(signal);
}

/// A program that does not answer within this is stuck, perhaps in a write to a terminal that takes nothing.
static const unsigned patience_seconds = 3;

static void on_signal(int signal) {
    int error = errno;
    int ends = signal == SIGINT || signal == SIGTERM || signal == SIGHUP || signal == SIGQUIT;
    if (signal == SIGALRM || (ends && is_ending)) {
        end_by(signal == SIGALRM && is_ending ? is_ending : signal);
    } else {
        if (ends) {
            is_ending = signal;
            alarm(patience_seconds);
        }
        char byte = (char)signal;
        // A full pipe is read soon, and says enough.
        if (write(told[1], &byte, 1) < 0 && ends) end_by(signal);
    }
    errno = error;
}

static void on_crash(int signal, siginfo_t *info, void *context) {
    (void)context;
    cterminal_leave();
    // The default is in place again. A fault comes again as soon as this returns; what was sent does not.
    if (info->si_code <= 0) raise(signal);
}

int cterminal_watch_signals(void) {
    if (told[0] >= 0) return told[0];
    if (pipe2(told, O_CLOEXEC | O_NONBLOCK) != 0) return -1;
    static char stack[1 << 15];
    stack_t alternative = {.ss_sp = stack, .ss_size = sizeof stack};
    sigaltstack(&alternative, NULL);
    static const int crashes[] = {SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGFPE, SIGABRT, SIGSYS};
    for (size_t i = 0; i < sizeof crashes / sizeof *crashes; i++) {
        struct sigaction action = {.sa_sigaction = on_crash, .sa_flags = SA_SIGINFO | SA_ONSTACK | (int)SA_RESETHAND | SA_NODEFER};
        sigaction(crashes[i], &action, NULL);
    }
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGCONT, SIGWINCH, SIGALRM};
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        struct sigaction action = {.sa_handler = on_signal}, previous;
        if (sigaction(signals[i], NULL, &previous) == 0 && previous.sa_handler == SIG_IGN) continue;
        sigaction(signals[i], &action, NULL);
    }
    return told[0];
}

void cterminal_stop(void) {
    // SIGSTOP and not SIGTSTP, which has a handler here.
    raise(SIGSTOP);
}

// MARK: The guard

static pid_t guard = -1;

/// Where the program's arguments lie, in one piece (fs/proc/base.c, get_mm_cmdline).
static char *arguments;
static size_t arguments_size;

/// The C library calls it as it calls main.
__attribute__((constructor)) static void find_arguments(int count, char **words) {
    if (count < 1) return;
    arguments = words[0];
    arguments_size = (size_t)(words[count - 1] + strlen(words[count - 1]) + 1 - words[0]);
}

/// Lists show it by its own name, and who ends all of nusu by name does not end it.
static void set_name(const char *name) {
    prctl(PR_SET_NAME, name, 0, 0, 0);
    if (arguments == NULL) return;
    memset(arguments, 0, arguments_size);
    // Without the last byte: where that is not 0 the kernel goes on into the environment.
    strncpy(arguments, name, arguments_size - 1);
}

/// The guard is to be quicker than the shell that waits for the same end: before all others where it may, else as one that
/// needs its processor for a moment only (man 2 sched_setattr; Linux 6.12 takes the time for everybody's).
static void hurry(void) {
    struct sched_param first = {.sched_priority = 1};
    if (sched_setscheduler(0, SCHED_RR, &first) == 0) return;
    struct {
        uint32_t size, policy;
        uint64_t flags;
        int32_t nice;
        uint32_t priority;
        uint64_t runtime, deadline, period;
    } moment = {.size = 48, .policy = SCHED_OTHER, .nice = getpriority(PRIO_PROCESS, 0), .runtime = 100000};
    syscall(SYS_sched_setattr, 0, &moment, 0U);
}

static void keep_guard(void) {
    // Away from the terminal's signals; a shell that stops or ends the job does not mean it.
    setsid();
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    set_name("nusu-guard");
    hurry();
    // Nothing else of nusu's may stay open because of it. Above the places that are filled first.
    int high = 512;
    int sources[2] = {input_end, output_end};
    for (int i = 0; i < 2; i++) sources[i] = fcntl(sources[i], F_DUPFD, high);
    for (int i = 0; i < 2; i++) dup2(sources[i], i);
    if (syscall(SYS_close_range, 2U, ~0U, 0U) != 0)
        for (int descriptor = 2; descriptor < 1024; descriptor++) close(descriptor);
    // Whatever ends the owner of a robust mutex, the kernel gives it on (man 2 get_robust_list), and does so before it takes the
    // memory apart and tells the shell: a pipe's end would be told later.
    pthread_mutex_lock(&state->life);
    if (!__atomic_exchange_n(&state->taken, 0, __ATOMIC_SEQ_CST)) _exit(0);
    // Whoever sees the screen as it was may type: what is typed before the settings are back is no line for a shell. One that was
    // quicker has set what it needs.
    struct termios now;
    if (tcgetattr(0, &now) == 0 && is_same(&now, &state->during)) tcsetattr(0, TCSANOW, &state->before);
    write_all(1, leaving, leaving_size);
    _exit(0);
}

/// Gives the guard time at nusu's end. The kernel closes what is open after it has given the mutex on, and before it tells the
/// shell. The last end of a watched inotify it closes only when nobody looks at the watches any more: it waits for a thread of its
/// own, and so the longer the busier the machine is (fs/notify/group.c, fsnotify_destroy_group).
static void linger(void) {
    int watch = inotify_init1(IN_CLOEXEC);
    // Something that does not happen: nothing is ever read from it.
    if (watch >= 0) inotify_add_watch(watch, "/", IN_DELETE_SELF);
}

int cterminal_start_guard(void) {
    if (state == NULL || guard >= 0) return -1;
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(&state->life, &attributes);
    pthread_mutexattr_destroy(&attributes);
    pthread_mutex_lock(&state->life);
    pid_t child = fork();
    if (child == 0) keep_guard();
    if (child < 0) {
        pthread_mutex_unlock(&state->life);
        return -1;
    }
    guard = child;
    linger();
    return 0;
}

void cterminal_dismiss_guard(void) {
    if (guard < 0) return;
    pthread_mutex_unlock(&state->life);
    while (waitpid(guard, NULL, 0) < 0 && errno == EINTR) {}
    guard = -1;
}

// MARK: The rest

int cterminal_event(void) { return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); }

int cterminal_size(int descriptor, int *rows, int *columns) {
    struct winsize size;
    if (ioctl(descriptor, TIOCGWINSZ, &size) != 0) return -1;
    *rows = size.ws_row;
    *columns = size.ws_col;
    return 0;
}
