// Open descriptors: how many, of what, and who can still close them.

#define _GNU_SOURCE
#include "cases.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

// Files of a folder that goes when the demo has opened them.
static char folder[] = "/tmp/nusu-demo-XXXXXX";

static const char *path(const char *name, int number) {
    static char text[128];
    snprintf(text, sizeof text, "%s/%s-%d.log", folder, name, number);
    return text;
}

static void make_folder(void) {
    if (!mkdtemp(folder)) demo_give_up("no folder");
}

static void open_files(int count) {
    for (int number = 0; number < count; number++) {
        if (open(path("data", number), O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600) < 0) demo_give_up("no file");
        unlink(path("data", number));
    }
}

// 50 files, 30 ends of pipes, 30 ends of pairs of sockets, 10 counters: 120 beside the first three.
void demo_descriptors(const char *argument) {
    (void)argument;
    make_folder();
    open_files(50);
    for (int number = 0; number < 15; number++) {
        int ends[2];
        if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) demo_give_up("no pipe");
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) demo_give_up("no pair of sockets");
    }
    for (int number = 0; number < 10; number++) {
        if (eventfd((unsigned)number, EFD_CLOEXEC) < 0) demo_give_up("no counter");
    }
    rmdir(folder);
}

static void open_more(void) {
    for (;;) {
        int first = open("/dev/null", O_RDONLY | O_CLOEXEC);
        // One is closed again: the other is what grows.
        int second = open("/dev/zero", O_RDONLY | O_CLOEXEC);
        close(first);
        if (second < 0) demo_wait();
        usleep(20000);
    }
}

void demo_unclosed(const char *argument) {
    (void)argument;
    demo_after_ready = open_more;
}

struct connection {
    char name[48];
    FILE *file;
};

static FILE *volatile held;

static FILE *open_stream(const char *name, int number) {
    FILE *file = fopen(path(name, number), "we");
    if (!file) demo_give_up("no file");
    unlink(path(name, number));
    return file;
}

__attribute__((noinline)) static void open_streams(void) {
    held = open_stream("held", 0);
    for (int number = 0; number < 6; number++) {
        // 6 FILEs that only stdio's own list knows.
        demo_note(DEMO_REACHABLE, open_stream("forgotten", number), NULL);
    }
    for (int number = 0; number < 5; number++) {
        // 5 that only lost blocks know.
        struct connection *connection = demo_block(sizeof *connection);
        connection->file = open_stream("lost", number);
        demo_note(DEMO_REACHABLE, connection->file, NULL);
        demo_note(DEMO_DEFINITE, connection, NULL);
    }
    // One more of each block, in use.
    struct connection *connection = demo_block(sizeof *connection);
    connection->file = open_stream("used", 0);
    demo_visible[0] = connection;
    demo_note(DEMO_REACHABLE, connection, NULL);
    FILE *command = popen("exec sleep 100", "we");
    if (!command) demo_give_up("no command");
}

void demo_streams(const char *argument) {
    (void)argument;
    make_folder();
    open_streams();
    rmdir(folder);
}
