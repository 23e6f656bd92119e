// Keeps and prints what is true of every block.

#define _GNU_SOURCE
#include "demo.h"

#include <malloc.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

struct entry {
    demo_hidden block;
    const char *type;
    unsigned verdict;
    unsigned ring;
};

enum { capacity = 1 << 20 };

// Pages of it that were never written cost nothing.
static struct entry entries[capacity];
static atomic_uint entry_count;

// One buffer for all lines, no stdio: its buffers would be blocks of the heap that is looked at.
static char line_buffer[1 << 16];
static size_t line_used;

static const char *const verdict_names[] = {"definite", "indirect", "possible", "cycle", "reachable"};

static void flush_lines(void) {
    size_t done = 0;
    while (done < line_used) {
        ssize_t count = write(STDOUT_FILENO, line_buffer + done, line_used - done);
        if (count <= 0) _exit(70);
        done += (size_t)count;
    }
    line_used = 0;
}

static void put(const char *text) {
    size_t length = strlen(text);
    if (line_used + length > sizeof line_buffer) flush_lines();
    memcpy(line_buffer + line_used, text, length);
    line_used += length;
}

static void put_number(uint64_t number, unsigned base) {
    char digits[24];
    unsigned at = sizeof digits;
    digits[--at] = 0;
    do {
        digits[--at] = "0123456789abcdef"[number % base];
        number /= base;
    } while (number != 0);
    put(digits + at);
}

static void put_entry(const struct entry *entry) {
    put(verdict_names[entry->verdict]);
    put(" 0x");
    put_number(entry->block ^ DEMO_KEY, 16);
    if (entry->verdict == DEMO_CYCLE) {
        put(" ring=");
        put_number(entry->ring, 10);
    }
    if (entry->type) {
        put(" type=");
        put(entry->type);
    }
    put("\n");
}

static void add(struct entry entry) {
    unsigned index = atomic_fetch_add(&entry_count, 1);
    if (index >= capacity) demo_give_up("more blocks than this demo can note");
    entries[index] = entry;
}

void demo_note(enum demo_verdict verdict, const void *block, const char *type) {
    add((struct entry){.block = demo_hide(block), .type = type, .verdict = verdict});
}

void demo_note_ring(unsigned ring, const void *block) {
    add((struct entry){.block = demo_hide(block), .verdict = DEMO_CYCLE, .ring = ring});
}

void demo_print(enum demo_verdict verdict, const void *block) {
    struct entry entry = {.block = demo_hide(block), .verdict = verdict};
    put_entry(&entry);
    flush_lines();
}

void demo_say(const char *word, long number) {
    put(word);
    put(" ");
    put_number((uint64_t)number, 10);
    put("\n");
    flush_lines();
}

void demo_report_truth(void) {
    unsigned count = atomic_load(&entry_count);
    for (unsigned index = 0; index < count; index++) put_entry(&entries[index]);
    put("ready\n");
    flush_lines();
}

void *demo_fill(void *block) {
    if (!block) demo_give_up("no memory");
    memset(block, 0x5a, malloc_usable_size(block));
    return block;
}

void *demo_block(size_t size) { return demo_fill(malloc(size)); }

void demo_give_up(const char *why) {
    static const char prefix[] = "demo: ";
    (void)!write(STDERR_FILENO, prefix, sizeof prefix - 1);
    (void)!write(STDERR_FILENO, why, strlen(why));
    (void)!write(STDERR_FILENO, "\n", 1);
    _exit(70);
}

pid_t demo_child(void) {
    pid_t parent = getpid();
    pid_t child = fork();
    if (child < 0) demo_give_up("no child");
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
        // It may have ended before the wish was known.
        if (getppid() != parent) _exit(0);
    }
    return child;
}
