// Processes that wait for each other.

#define _GNU_SOURCE
#include "cases.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static int waited_for;
static pid_t child;

static pid_t start_child(void) {
    pid_t parent = getpid();
    pid_t started = fork();
    if (started < 0) demo_give_up("no child");
    if (started == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
        if (getppid() != parent) _exit(0);
    }
    return started;
}

static void read_for_ever(void) {
    char byte;
    (void)!read(waited_for, &byte, 1);
}

void demo_deadlock(const char *argument) {
    (void)argument;
    int down[2];
    int up[2];
    if (pipe(down) != 0 || pipe(up) != 0) demo_give_up("no pipe");
    child = start_child();
    // Each has the end to write to that the other waits for.
    waited_for = child == 0 ? down[0] : up[0];
    close(child == 0 ? down[1] : up[1]);
    close(child == 0 ? up[0] : down[0]);
    if (child == 0) {
        read_for_ever();
        _exit(0);
    }
    demo_say("pid", child);
    demo_after_ready = read_for_ever;
}

void demo_locked(const char *argument) {
    (void)argument;
    char path[] = "/tmp/nusu-demo.XXXXXX";
    int file = mkstemp(path);
    if (file < 0 || flock(file, LOCK_EX) != 0) demo_give_up("no lock");
    child = start_child();
    if (child == 0) {
        // A descriptor of its own: one that was inherited would share the lock.
        int own = open(path, O_RDWR | O_CLOEXEC);
        unlink(path);
        flock(own, LOCK_EX);
        _exit(0);
    }
    demo_say("pid", child);
}

static void reap(void) { waitpid(child, NULL, 0); }

void demo_reaping(const char *argument) {
    (void)argument;
    child = start_child();
    if (child == 0) {
        sleep(100);
        _exit(0);
    }
    demo_say("pid", child);
    demo_after_ready = reap;
}
