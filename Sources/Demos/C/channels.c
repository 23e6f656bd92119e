// Every kind of channel, between this process and a child. Each case prints who has which end:
// `channel KIND PID:DESCRIPTOR:ROLE PID:DESCRIPTOR:ROLE`, with - where there is no descriptor.

#define _GNU_SOURCE
#include "cases.h"
#include "channels.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/sem.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static pid_t parent;
static pid_t child;
// Open in the child until it has closed what is the parent's and only waits.
static int child_begins[2] = {-1, -1};
void (*channels_child_waits)(void);
int channels_message_queue = -1;
int channels_semaphores = -1;

static void remove_all(int signal) {
    (void)signal;
    if (channels_message_queue >= 0) msgctl(channels_message_queue, IPC_RMID, NULL);
    if (channels_semaphores >= 0) semctl(channels_semaphores, 0, IPC_RMID);
    _exit(0);
}

pid_t channels_split(void) {
    fflush(stdout);
    if (pipe2(child_begins, O_CLOEXEC) != 0) demo_give_up("no pipe");
    parent = getpid();
    child = fork();
    if (child < 0) demo_give_up("no child");
    if (child == 0) {
        signal(SIGTERM, remove_all);
        signal(SIGINT, SIG_IGN);
        alarm(0);
        prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0);
        prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
        if (getppid() != parent) remove_all(0);
        child = getpid();
        close(child_begins[0]);
        return 0;
    }
    close(child_begins[1]);
    demo_say("pid", child);
    return child;
}

void channels_name(char *text, size_t size, const char *start) {
    // Processes of two containers may have the same number, and one folder.
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    snprintf(text, size, "%s-%d-%lx", start, getpid(), (unsigned long)time.tv_nsec);
}

void channels_stay(void) {
    close(child_begins[1]);
    if (channels_child_waits) channels_child_waits();
    for (;;) pause();
}

static void put_end(char *text, size_t size, pid_t pid, int descriptor, const char *role) {
    if (descriptor < 0) {
        snprintf(text, size, "%d:-:%s", pid, role);
    } else {
        snprintf(text, size, "%d:%d:%s", pid, descriptor, role);
    }
}

void channels_say(const char *kind, int own, const char *own_role, int other, const char *other_role) {
    char line[128];
    char first[48];
    char second[48];
    put_end(first, sizeof first, parent, own, own_role);
    put_end(second, sizeof second, child, other, other_role);
    int length = snprintf(line, sizeof line, "channel %s %s %s\n", kind, first, second);
    (void)!write(STDOUT_FILENO, line, (size_t)length);
}

static void join_pair(const char *kind, int type) {
    int ends[2];
    if (socketpair(AF_UNIX, type, 0, ends) != 0) demo_give_up("no pair of sockets");
    if (channels_split() == 0) {
        close(ends[0]);
        channels_stay();
    }
    close(ends[1]);
    channels_say(kind, ends[0], "both", ends[1], "both");
}

static void make_pipe(void) {
    int ends[2];
    if (pipe(ends) != 0) demo_give_up("no pipe");
    if (channels_split() == 0) {
        close(ends[1]);
        channels_stay();
    }
    close(ends[0]);
    // 100 bytes wait to be read.
    char bytes[100] = {0};
    (void)!write(ends[1], bytes, sizeof bytes);
    channels_say("pipe", ends[1], "write", ends[0], "read");
}

static void make_fifo(void) {
    char path[64];
    channels_name(path, sizeof path, "/tmp/nusu-demo-fifo");
    if (mkfifo(path, 0600) != 0) demo_give_up("no FIFO");
    int reading = open(path, O_RDONLY | O_NONBLOCK);
    int writing = open(path, O_WRONLY);
    unlink(path);
    if (channels_split() == 0) {
        close(writing);
        channels_stay();
    }
    close(reading);
    channels_say("fifo", writing, "write", reading, "read");
}

static void make_stream(void) { join_pair("unix", SOCK_STREAM); }
static void make_datagram(void) { join_pair("unix", SOCK_DGRAM); }
static void make_sequenced(void) { join_pair("unix", SOCK_SEQPACKET); }

/// The child serves at `address`; accepts or not.
static void serve(
    const char *kind, int family, int type, struct sockaddr *address, socklen_t size, int accepts, socklen_t bound
) {
    int listener = socket(family, type, 0);
    if (listener < 0 || bind(listener, address, bound) != 0 || listen(listener, 4) != 0) demo_give_up("no listener");
    getsockname(listener, address, &size);
    int own = socket(family, type, 0);
    if (connect(own, address, size) != 0) demo_give_up("no connection");
    int taken = accepts ? accept(listener, NULL, NULL) : -1;
    if (channels_split() == 0) {
        close(own);
        channels_stay();
    }
    close(listener);
    if (taken >= 0) close(taken);
    channels_say(kind, own, "both", accepts ? taken : listener, accepts ? "both" : "listen");
}

static void serve_abstract(int accepts) {
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    channels_name(name.sun_path + 1, sizeof name.sun_path - 1, "nusu-demo");
    socklen_t bound = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(name.sun_path + 1));
    serve("unix", AF_UNIX, SOCK_STREAM, (struct sockaddr *)&name, sizeof name, accepts, bound);
}

static void make_abstract(void) { serve_abstract(1); }
static void make_pending(void) { serve_abstract(0); }

static void make_named(void) {
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    channels_name(name.sun_path, sizeof name.sun_path, "/tmp/nusu-demo-socket");
    serve("unix", AF_UNIX, SOCK_STREAM, (struct sockaddr *)&name, sizeof name, 1, sizeof name);
    unlink(name.sun_path);
}

static void make_tcp(void) {
    struct sockaddr_in port = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    serve("tcp", AF_INET, SOCK_STREAM, (struct sockaddr *)&port, sizeof port, 1, sizeof port);
}

static void make_udp(void) {
    struct sockaddr_in ports[2];
    int ends[2];
    for (int end = 0; end < 2; end++) {
        ports[end] = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
        socklen_t size = sizeof ports[end];
        ends[end] = socket(AF_INET, SOCK_DGRAM, 0);
        if (ends[end] < 0 || bind(ends[end], (struct sockaddr *)&ports[end], size) != 0) demo_give_up("no port");
        getsockname(ends[end], (struct sockaddr *)&ports[end], &size);
    }
    for (int end = 0; end < 2; end++) {
        if (connect(ends[end], (struct sockaddr *)&ports[!end], sizeof ports[end]) != 0) demo_give_up("no partner");
    }
    if (channels_split() == 0) {
        close(ends[0]);
        channels_stay();
    }
    close(ends[1]);
    channels_say("udp", ends[0], "both", ends[1], "both");
}

static void make_pty(void) {
    int master = posix_openpt(O_RDWR | O_NOCTTY);
    if (master < 0 || grantpt(master) != 0 || unlockpt(master) != 0) demo_give_up("no terminal");
    int slave = open(ptsname(master), O_RDWR | O_NOCTTY);
    if (slave < 0) demo_give_up("no other end");
    if (channels_split() == 0) {
        close(master);
        channels_stay();
    }
    close(slave);
    channels_say("pty", master, "both", slave, "both");
}

static void make_eventfd(void) {
    int shared = eventfd(3, 0);
    if (shared < 0) demo_give_up("no counter");
    if (channels_split() == 0) {
        // One of its own, that has the same inode as every other.
        eventfd(0, 0);
        channels_stay();
    }
    eventfd(0, 0);
    channels_say("eventfd", shared, "both", shared, "both");
}

static void make_epoll(void) {
    int set = epoll_create1(0);
    int ends[2];
    if (set < 0 || pipe(ends) != 0) demo_give_up("no pipe");
    struct epoll_event event = {.events = EPOLLIN};
    epoll_ctl(set, EPOLL_CTL_ADD, ends[0], &event);
    if (channels_split() == 0) {
        close(ends[0]);
        close(set);
        channels_stay();
    }
    close(ends[1]);
    channels_say("pipe", ends[0], "read", ends[1], "write");
}

static void make_signalfd(void) {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGUSR2);
    int shared = signalfd(-1, &signals, 0);
    if (shared < 0) demo_give_up("no descriptor for signals");
    channels_split();
    // One of its own, that says the same of itself.
    signalfd(-1, &signals, 0);
    if (getpid() == child) channels_stay();
    channels_say("signalfd", shared, "watch", shared, "watch");
}

/// Is told of what the child writes to a file.
static void make_inotify(void) {
    char path[64];
    channels_name(path, sizeof path, "/tmp/nusu-demo-watched");
    int file = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
    int events = inotify_init1(0);
    if (file < 0 || events < 0 || inotify_add_watch(events, path, IN_MODIFY) < 0) demo_give_up("nothing to watch");
    unlink(path);
    if (channels_split() == 0) {
        close(events);
        channels_stay();
    }
    close(file);
    channels_say("inotify", events, "watch", file, "write");
}

static void make_pidfd(void) {
    if (channels_split() == 0) channels_stay();
    int descriptor = (int)syscall(SYS_pidfd_open, child, 0);
    if (descriptor < 0) demo_give_up("no pidfd");
    channels_say("pidfd", descriptor, "watch", -1, "watched");
}

/// The reading end of a pipe is in a message that nobody has received.
static void make_flight(void) {
    int ends[2];
    int sent[2];
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0 || pipe(sent) != 0) demo_give_up("no pipe");
    if (channels_split() == 0) {
        close(ends[0]);
        close(sent[0]);
        close(sent[1]);
        channels_stay();
    }
    close(ends[1]);
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control;
    memset(&control, 0, sizeof control);
    struct iovec byte = {"x", 1};
    struct msghdr message = {
        .msg_iov = &byte, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control.bytes,
    };
    control.header.cmsg_level = SOL_SOCKET;
    control.header.cmsg_type = SCM_RIGHTS;
    control.header.cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(&control.header), &sent[0], sizeof(int));
    if (sendmsg(ends[0], &message, 0) != 1) demo_give_up("cannot send a descriptor");
    close(sent[0]);
    channels_say("unix", ends[0], "both", ends[1], "both");
}

static int full_pipe;

static void write_for_ever(void) {
    char bytes[4096] = {0};
    while (write(full_pipe, bytes, sizeof bytes) > 0) {}
}

/// Writes and sleeps, since the child does not read.
static void make_full(void) {
    int ends[2];
    if (pipe(ends) != 0) demo_give_up("no pipe");
    if (channels_split() == 0) {
        close(ends[1]);
        channels_stay();
    }
    close(ends[0]);
    full_pipe = ends[1];
    demo_after_ready = write_for_ever;
    channels_say("pipe", ends[1], "write", ends[0], "read");
}

static int busy_socket;

static void send_for_ever(void) {
    char bytes[1000] = {0};
    while (write(busy_socket, bytes, sizeof bytes) > 0) usleep(1000);
}

static void receive_all(void) {
    char bytes[4096];
    while (read(busy_socket, bytes, sizeof bytes) > 0) {}
}

/// A connection over which about 1 MB a second goes, from here to the child.
static void make_flow(void) {
    struct sockaddr_in port = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof port;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    if (listener < 0 || bind(listener, (struct sockaddr *)&port, size) != 0 || listen(listener, 1) != 0) {
        demo_give_up("no listener");
    }
    getsockname(listener, (struct sockaddr *)&port, &size);
    int own = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(own, (struct sockaddr *)&port, size) != 0) demo_give_up("no connection");
    int taken = accept(listener, NULL, NULL);
    close(listener);
    channels_child_waits = receive_all;
    if (channels_split() == 0) {
        close(own);
        busy_socket = taken;
        channels_stay();
    }
    close(taken);
    busy_socket = own;
    demo_after_ready = send_for_ever;
    channels_say("tcp", own, "both", taken, "both");
}

static const struct {
    const char *name;
    void (*make)(void);
} kinds[] = {
    {"pipe", make_pipe},
    {"fifo", make_fifo},
    {"stream", make_stream},
    {"datagram", make_datagram},
    {"sequenced", make_sequenced},
    {"abstract", make_abstract},
    {"named", make_named},
    {"pending", make_pending},
    {"tcp", make_tcp},
    {"udp", make_udp},
    {"pty", make_pty},
    {"eventfd", make_eventfd},
    {"epoll", make_epoll},
    {"signalfd", make_signalfd},
    {"inotify", make_inotify},
    {"pidfd", make_pidfd},
    {"mqueue", channels_make_message_queue},
    {"sysv-msg", channels_make_sysv_messages},
    {"sysv-sem", channels_make_sysv_semaphores},
    {"posix", channels_make_posix_memory},
    {"memfd", channels_make_memory_file},
    {"anonymous", channels_make_anonymous_memory},
    {"sysv", channels_make_sysv_memory},
    {"file", channels_make_mapped_file},
    {"semaphore", channels_make_semaphore},
    {"futex", channels_make_futex},
    {"flight", make_flight},
    {"full", make_full},
    {"flow", make_flow},
};

static void await_child(void) {
    char byte;
    while (read(child_begins[0], &byte, 1) < 0 && errno == EINTR) {}
    close(child_begins[0]);
}

void demo_channels(const char *argument) {
    for (size_t index = 0; index < sizeof kinds / sizeof *kinds; index++) {
        if (argument && strcmp(kinds[index].name, argument) == 0) {
            kinds[index].make();
            await_child();
            return;
        }
    }
    demo_give_up("no such kind: pipe, fifo, stream, datagram, sequenced, abstract, named, pending, tcp, udp, pty, eventfd, "
                 "epoll, signalfd, inotify, pidfd, mqueue, sysv-msg, sysv-sem, posix, memfd, anonymous, sysv, file, semaphore, futex, flight, "
                 "full, flow");
}
