// Processes that wait for each other.

#define _GNU_SOURCE
#include "cases.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static int waited_for;
static pid_t child;

static void read_for_ever(void) {
    char byte;
    (void)!read(waited_for, &byte, 1);
}

void demo_deadlock(const char *argument) {
    (void)argument;
    int down[2];
    int up[2];
    if (pipe(down) != 0 || pipe(up) != 0) demo_give_up("no pipe");
    child = demo_child();
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
    child = demo_child();
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
    child = demo_child();
    if (child == 0) {
        sleep(100);
        _exit(0);
    }
    demo_say("pid", child);
    demo_after_ready = reap;
}

void demo_socket_deadlock(const char *argument) {
    (void)argument;
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) demo_give_up("no pair of sockets");
    child = demo_child();
    waited_for = ends[child == 0];
    close(ends[child != 0]);
    if (child == 0) {
        read_for_ever();
        _exit(0);
    }
    demo_say("pid", child);
    demo_after_ready = read_for_ever;
}

// A client of a child that listens, and perhaps accepts, but never answers.
static void connect_to_child(int is_tcp, int accepts) {
    struct sockaddr_un path = {.sun_family = AF_UNIX};
    struct sockaddr_in port = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    // An abstract name that the kernel chooses, or a port.
    struct sockaddr *address = is_tcp ? (struct sockaddr *)&port : (struct sockaddr *)&path;
    socklen_t length = is_tcp ? sizeof port : sizeof path.sun_family;
    int listener = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener < 0 || bind(listener, address, length) != 0 || listen(listener, 4) != 0) demo_give_up("no listener");
    length = is_tcp ? sizeof port : sizeof path;
    getsockname(listener, address, &length);
    child = demo_child();
    if (child == 0) {
        if (accepts) accept(listener, NULL, NULL);
        for (;;) pause();
    }
    waited_for = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(waited_for, address, length) != 0) demo_give_up("no connection");
    close(listener);
    demo_say("pid", child);
    demo_after_ready = read_for_ever;
}

void demo_served(const char *argument) { connect_to_child(argument != NULL, 1); }

void demo_unaccepted(const char *argument) { connect_to_child(argument != NULL, 0); }

// A lock in shared memory: a mutex (plain, PI, robust), or one for readers and a writer.
static union {
    pthread_mutex_t mutex;
    pthread_rwlock_t readers_and_writer;
} * lock;
static int is_mutex;
static int wants_to_read;

static void make_lock(const char *kind) {
    if (!kind) kind = "";
    lock = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (lock == MAP_FAILED) demo_give_up("no mapping");
    is_mutex = strncmp(kind, "rw", 2) != 0;
    wants_to_read = strcmp(kind, "rw-read") == 0;
    if (is_mutex) {
        pthread_mutexattr_t attributes;
        pthread_mutexattr_init(&attributes);
        pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
        if (strcmp(kind, "pi") == 0) pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_INHERIT);
        if (strcmp(kind, "robust") == 0) pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
        pthread_mutex_init(&lock->mutex, &attributes);
    } else {
        pthread_rwlockattr_t attributes;
        pthread_rwlockattr_init(&attributes);
        pthread_rwlockattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
        pthread_rwlock_init(&lock->readers_and_writer, &attributes);
    }
}

static void take_lock(int reads) {
    if (is_mutex) {
        pthread_mutex_lock(&lock->mutex);
    } else if (reads) {
        pthread_rwlock_rdlock(&lock->readers_and_writer);
    } else {
        pthread_rwlock_wrlock(&lock->readers_and_writer);
    }
}

static void lock_for_ever(void) { take_lock(wants_to_read); }

static void lock_in_child(const char *kind, int ends) {
    int done[2];
    if (pipe(done) != 0) demo_give_up("no pipe");
    make_lock(kind);
    child = demo_child();
    if (child == 0) {
        take_lock(0);
        (void)!write(done[1], "", 1);
        if (ends) _exit(0);
        for (;;) sleep(100);
    }
    char byte;
    (void)!read(done[0], &byte, 1);
    if (ends) waitpid(child, NULL, 0);
    demo_say("pid", child);
    demo_after_ready = lock_for_ever;
}

void demo_held(const char *argument) {
    lock_in_child(argument, 0);
}

void demo_abandoned(const char *argument) {
    lock_in_child(argument, 1);
}

static pthread_mutex_t mutexes[2] = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER};

static void *lock_both(void *number) {
    uintptr_t index = (uintptr_t)number;
    pthread_mutex_lock(&mutexes[index]);
    demo_settle();
    demo_await_settled(2);
    pthread_mutex_lock(&mutexes[1 - index]);
    return NULL;
}

void demo_thread_deadlock(const char *argument) {
    (void)argument;
    pthread_t threads[2];
    for (uintptr_t index = 0; index < 2; index++) {
        if (pthread_create(&threads[index], NULL, lock_both, (void *)index) != 0) demo_give_up("no thread");
    }
    demo_await_settled(2);
}

static pthread_t joined;

static void join(void) { pthread_join(joined, NULL); }

static void *lock_twice(void *nothing) {
    pthread_mutex_lock(&mutexes[0]);
    pthread_mutex_lock(&mutexes[0]);
    return nothing;
}

void demo_joining(const char *argument) {
    (void)argument;
    if (pthread_create(&joined, NULL, lock_twice, NULL) != 0) demo_give_up("no thread");
    demo_after_ready = join;
}
