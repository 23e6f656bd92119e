// Processes that wait for each other by more than one read each.

#define _GNU_SOURCE
#include "cases.h"
#include "channels.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { children = 2 };

static const char *kind;
/// What this process waits for.
static int ends[children + 1];
static int end_count;

static int is_kind(const char *name) { return strcmp(kind, name) == 0; }

static void wait_for_ever(void) {
    char byte;
    if (end_count == 1) {
        (void)!read(ends[0], &byte, 1);
    } else if (is_kind("select")) {
        fd_set set;
        FD_ZERO(&set);
        for (int i = 0; i < end_count; i++) FD_SET(ends[i], &set);
        select(FD_SETSIZE, &set, NULL, NULL, NULL);
    } else if (is_kind("epoll")) {
        int several = epoll_create1(EPOLL_CLOEXEC);
        for (int i = 0; i < end_count; i++) {
            struct epoll_event event = {.events = EPOLLIN, .data.fd = ends[i]};
            epoll_ctl(several, EPOLL_CTL_ADD, ends[i], &event);
        }
        struct epoll_event event;
        epoll_wait(several, &event, 1, -1);
    } else {
        struct pollfd several[children + 1];
        for (int i = 0; i < end_count; i++) several[i] = (struct pollfd){.fd = ends[i], .events = POLLIN};
        poll(several, (nfds_t)end_count, is_kind("timed") ? 1000000 : -1);
    }
}

/// Two channels between this process and a child: `pair[0]` is what this one reads and writes, `pair[1]` the child's.
static void connect_child(int number, int pair[2][2]) {
    if (is_kind("fifo")) {
        for (int way = 0; way < 2; way++) {
            char path[80];
            channels_name(path, sizeof path, "/tmp/nusu-demo-circle");
            if (mkfifo(path, 0600) != 0) demo_give_up("no FIFO");
            pair[way][0] = open(path, O_RDONLY | O_NONBLOCK);
            pair[1 - way][1] = open(path, O_WRONLY);
            unlink(path);
            fcntl(pair[way][0], F_SETFL, 0);
        }
    } else if (number == 0) {
        int up[2], down[2];
        if (pipe(up) != 0 || pipe(down) != 0) demo_give_up("no pipe");
        pair[0][0] = up[0], pair[1][1] = up[1];
        pair[1][0] = down[0], pair[0][1] = down[1];
    } else {
        int both[2];
        if (socketpair(AF_UNIX, SOCK_STREAM, 0, both) != 0) demo_give_up("no pair of sockets");
        for (int side = 0; side < 2; side++) pair[side][0] = pair[side][1] = both[side];
    }
}

static pthread_mutex_t *locks;

static void lock_the_other(void) { pthread_mutex_lock(&locks[1]); }

/// Each holds a lock that the other waits for.
static void cross_locks(void) {
    locks = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (locks == MAP_FAILED) demo_give_up("no mapping");
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    for (int i = 0; i < 2; i++) pthread_mutex_init(&locks[i], &attributes);
    pthread_mutex_lock(&locks[0]);
    int done[2];
    if (pipe(done) != 0) demo_give_up("no pipe");
    pid_t child = demo_child();
    if (child == 0) {
        pthread_mutex_lock(&locks[1]);
        (void)!write(done[1], "", 1);
        pthread_mutex_lock(&locks[0]);
        _exit(0);
    }
    char byte;
    (void)!read(done[0], &byte, 1);
    demo_say("pid", child);
    demo_after_ready = lock_the_other;
}

void demo_circle(const char *argument) {
    kind = argument ? argument : "poll";
    if (is_kind("lock")) {
        cross_locks();
        return;
    }
    int pairs[children][2][2];
    for (int i = 0; i < children; i++) connect_child(i, pairs[i]);
    for (int i = 0; i < children; i++) {
        pid_t child = demo_child();
        if (child == 0) {
            for (int j = 0; j < children; j++) {
                for (int way = 0; way < 2; way++) close(pairs[j][0][way]);
                if (j != i) close(pairs[j][1][0]), close(pairs[j][1][1]);
            }
            ends[0] = pairs[i][1][0];
            end_count = 1;
            wait_for_ever();
            _exit(0);
        }
        demo_say("pid", child);
    }
    for (int i = 0; i < children; i++) {
        for (int way = 0; way < 2; way++) close(pairs[i][1][way]);
        ends[end_count++] = pairs[i][0][0];
    }
    // Something that this process alone has: from a handler of a signal it could write there.
    if (is_kind("eventfd")) ends[end_count++] = eventfd(0, EFD_CLOEXEC);
    demo_after_ready = wait_for_ever;
}
