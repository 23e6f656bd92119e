/// What every demo is made of: a case sets up blocks whose fate is known, and notes that fate here. The notes are kept in
/// a form that no scanner of memory can follow, and printed as one line per block before the demo says `ready`.
#ifndef NUSU_DEMO_H
#define NUSU_DEMO_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/// What is true of a block.
enum demo_verdict {
    DEMO_DEFINITE,   ///< nothing points to it
    DEMO_INDIRECT,   ///< only lost blocks point to it
    DEMO_POSSIBLE,   ///< reached only through pointers into the middle of a block
    DEMO_CYCLE,      ///< member of a lost ring: one member is the ring's leader, the others are indirect
    DEMO_REACHABLE,  ///< in use
};

/// One case: what `NAME` on the command line sets up. `argument` is the word after the name, or NULL.
struct demo_case {
    const char *name;
    const char *about;
    void (*set_up)(const char *argument);
};

/// An address that no scanner takes for one.
typedef uint64_t demo_hidden;
#define DEMO_KEY 0x5bd1e995a7c3f1e7ull

static inline demo_hidden demo_hide(const void *block) { return (uint64_t)(uintptr_t)block ^ DEMO_KEY; }
static inline void *demo_reveal(demo_hidden hidden) { return (void *)(uintptr_t)(hidden ^ DEMO_KEY); }

/// Runs the case named on the command line: set up, print the truth, scrub, wait. Ends with the alarm (`--seconds N`,
/// 1,200) or when a pipe on standard input closes; `--exit` ends it at once, for tools that look at the end of a program.
/// `cases` ends with an entry without name.
int demo_main(int argc, char **argv, const struct demo_case *cases);

/// What is done instead of waiting, once `ready` was printed; NULL (the default) waits. May return: then it waits.
extern void (*demo_after_ready)(void);

/// Notes what is true of `block`. `type` is a constant or NULL. Callable from every thread.
void demo_note(enum demo_verdict verdict, const void *block, const char *type);
/// Notes a member of the lost ring number `ring`.
void demo_note_ring(unsigned ring, const void *block);
/// Prints `word NUMBER` before `ready`, at once.
void demo_say(const char *word, long number);
/// Prints one noted line at once: for blocks that are lost after `ready`.
void demo_print(enum demo_verdict verdict, const void *block);

/// malloc, every usable byte set to a pattern that is no address: what was in the block before must not count as a
/// pointer. Ends the demo when there is no memory.
void *demo_block(size_t size);
/// The same for a block that another function of malloc's returned.
void *demo_fill(void *block);
/// Ends the demo: it could not set up what it was to show.
void demo_give_up(const char *why) __attribute__((noreturn));

/// man 2 fork, of a child that ends with its parent; gives up where there is none to be had.
pid_t demo_child(void);

/// Overwrites the part of the stack that deeper calls have used, and the registers.
void demo_scrub(void);

/// Starts a thread that runs `work(index)` in a frame of its own, scrubs, counts as settled, and waits for ever. The
/// index is no pointer, so that the thread's start leaves none behind.
void demo_start_thread(void (*work)(unsigned index), unsigned index);
/// Waits until `count` threads have settled.
void demo_await_settled(unsigned count);
/// What a thread that waits in its own way calls when its state is set up.
void demo_settle(void);
/// Seconds of the monotonic clock.
double demo_now(void);
/// Waits for ever.
void demo_wait(void) __attribute__((noreturn));

/// A sequence of numbers that is the same in every run (xorshift64*). The state must not be 0.
static inline uint64_t demo_random(uint64_t *state) {
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * 2685821657736338717ull;
}

#ifdef __cplusplus
}
#endif

#endif
