// Processes of known properties on a kernel that is recorded. Prints "ROLE PID" for each, then "ready", and waits.

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void note(int signal) { (void)signal; }

static void say(const char *role, pid_t pid) {
    printf("%s %d\n", role, pid);
    fflush(stdout);
}

static void rest(void) {
    for (;;) pause();
}

// A child in a process group of its own.
static pid_t start(const char *role, void (*body)(void)) {
    pid_t child = fork();
    if (child == 0) {
        setpgid(0, 0);
        body();
        rest();
    }
    setpgid(child, child);
    if (role) say(role, child);
    return child;
}

static void *rest_named(void *name) {
    prctl(PR_SET_NAME, name);
    rest();
    return NULL;
}

static void threads(void) {
    pthread_t thread;
    pthread_create(&thread, NULL, rest_named, "worker\x1b[1m");
    pthread_create(&thread, NULL, rest_named, ") Z 1");
}

static void name_parenthesis(void) { prctl(PR_SET_NAME, ") R 1 (x"); }
static void name_newline(void) { prctl(PR_SET_NAME, "a\nPid:\t1"); }
static void name_kernel(void) { prctl(PR_SET_NAME, "[kthreadd]"); }
static void name_empty(void) { prctl(PR_SET_NAME, ""); }

static void zombie(void) {
    if (fork() == 0) _exit(7);
}

static void stopped(void) { raise(SIGSTOP); }

static void signals(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGTERM, note);
    signal(SIGHUP, SIG_IGN);
    raise(SIGUSR1);
}

static void fifo(void) {
    struct sched_param parameter = {.sched_priority = 5};
    if (sched_setscheduler(0, SCHED_FIFO, &parameter) != 0) perror("sched_setscheduler");
}

static void nice_batch(void) {
    struct sched_param parameter = {.sched_priority = 0};
    sched_setscheduler(0, SCHED_BATCH, &parameter);
    setpriority(PRIO_PROCESS, 0, 7);
    struct rlimit files = {123, 456};
    setrlimit(RLIMIT_NOFILE, &files);
}

static void user(void) {
    gid_t groups[] = {100, 101};
    if (setgroups(2, groups) != 0 || setresgid(1000, 1001, 1001) != 0 || setresuid(1000, 1001, 1001) != 0) _exit(1);
    struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    struct sock_fprog filter = {1, &allow};
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter);
}

static void deleted(void) {
    int from = open("/proc/self/exe", O_RDONLY);
    int to = open("/tmp/gone", O_WRONLY | O_CREAT, 0755);
    static char chunk[1 << 16];
    ssize_t count;
    while ((count = read(from, chunk, sizeof chunk)) > 0) (void)!write(to, chunk, (size_t)count);
    close(to);
    execl("/tmp/gone", "/tmp/gone", "--rest", "", "last \x1b[31m\n", NULL);
    _exit(1);
}

static int ends[2];

static void pipe_reader(void) {
    char byte;
    close(ends[1]);
    (void)!read(ends[0], &byte, 1);
}

static void reaper(void) { wait(NULL); }

// A parent that waits for its child, and that one for a lock which is not given up.
static void wait_for_child(void) {
    pid_t child = fork();
    if (child == 0) {
        flock(open("/tmp/lock", O_RDWR | O_CREAT, 0644), LOCK_EX);
        rest();
    }
    reaper();
}

static void in_vfork(void) {
    if (vfork() == 0) rest();
}

static void hold_lock(void) { flock(open("/tmp/lock", O_RDWR | O_CREAT, 0644), LOCK_EX); }

static void map(void) {
    char *area = mmap(NULL, 8 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memset(area, 1, 3 << 20);
    mlock(area, 1 << 20);
    int file = open("/tmp/a b\n(deleted)", O_RDWR | O_CREAT, 0644);
    (void)!ftruncate(file, 1 << 20);
    char *shared = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    memset(shared, 1, 1 << 20);
}

int main(int argc, char **argv) {
    if (argc > 1) {
        unlink(argv[0]);
        rest();
    }
    mkdir("/tmp", 0777);
    if (pipe(ends) != 0) return 1;
    say("roles", getpid());
    start("threads", threads);
    start("parenthesis", name_parenthesis);
    start("newline", name_newline);
    start("kernel", name_kernel);
    start("empty", name_empty);
    start("zombie-parent", zombie);
    start("stopped", stopped);
    start("signals", signals);
    start("fifo", fifo);
    start("batch", nice_batch);
    start("user", user);
    start("deleted", deleted);
    start("pipe", pipe_reader);
    start("lock-holder", hold_lock);
    usleep(300000);
    start("waiting", wait_for_child);
    start("vfork", in_vfork);
    start("memory", map);
    // Late enough for all of them, and of an age that rounding does not hide.
    sleep(2);
    printf("ready\n");
    fflush(stdout);
    rest();
}
