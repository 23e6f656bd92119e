/// The cases of this demo, one function each; main.c says what each of them shows.
#ifndef NUSU_DEMO_CASES_H
#define NUSU_DEMO_CASES_H

#include "demo.h"

#define DEMO_CASES(X)                                                                                    \
    X(overwrite, "overwrite", "100 blocks in one variable, 99 of them overwritten")                      \
    X(reachable, "reachable", "a list and a table, nothing lost")                                        \
    X(list, "list", "the head of a list of 1,000 is lost")                                               \
    X(rings, "rings", "50 rings of two blocks")                                                          \
    X(long_ring, "long-ring", "a ring of 10,000 with a tail, one below a lost block, one of one block")  \
    X(tree, "tree", "a lost tree whose nodes know their parent")                                         \
    X(interior, "interior", "blocks reached only through their middle, and what hangs below")            \
    X(bins, "bins", "every kind of free list full, 5 blocks lost between")                               \
    X(sizes, "sizes", "all of malloc's functions, from 0 bytes to 40 MiB")                               \
    X(million, "million", "1,000 lost among a million")                                                  \
    X(noncontiguous, "noncontiguous", "the program break cannot grow")                                   \
    X(foreign_sbrk, "foreign-sbrk", "the program moves the break itself")                                \
    X(epoll, "epoll", "pointers that only the kernel holds")                                             \
    X(signalled, "signalled", "pointers that come with signals which have not come yet")                  \
    X(piped, "piped", "pointers that lie in a pipe from the process to itself")                          \
    X(trimmed, "trimmed", "most of the heap was given back to the kernel")                               \
    X(history, "history", "random malloc, realloc and free in 8 threads [SEED]")                         \
    X(arenas, "arenas", "100 lost in each of 8 threads")                                                 \
    X(heaps, "heaps", "a thread's arena of several heaps")                                               \
    X(mixed, "mixed", "5 threads, small and large blocks, freed by each other")                          \
    X(finished, "finished", "pointers left on the stacks of finished threads")                           \
    X(coming, "coming", "threads start and end all the time")                                            \
    X(worked, "worked", "two threads that have run for 0.7 s each")                                        \
    X(registers, "registers", "pointers that only registers hold")                                       \
    X(signal_frame, "signal-frame", "a pointer that only an interrupted context holds")                  \
    X(stacks, "stacks", "pointers on live stacks, exact and interior")                                   \
    X(thread_local_, "thread-local", "pointers in thread-local variables and keys")                      \
    X(globals, "globals", "pointers in data, bss and read-only data of modules")                         \
    X(libc, "libc", "what the C library keeps for itself, nothing lost")                                 \
    X(second_libc, "second-libc", "a second C library in a namespace of its own")                        \
    X(mappings, "mappings", "pointers in private, shared, read-only and file-less mappings")             \
    X(remapped, "remapped", "a pointer in shared memory, not yet touched through this mapping")           \
    X(sparse, "sparse", "a pointer in the middle of a reservation of 1 TiB")                             \
    X(fork_advice, "fork-advice", "pointers in memory that a fork leaves out or wipes")                  \
    X(executable, "executable", "a pointer in anonymous executable memory")                              \
    X(hostile, "hostile", "memory full of words that look like malloc's own")                            \
    X(random_graph, "random", "a random graph [SEED]")                                                   \
    X(stopped, "stopped", "stops itself with SIGSTOP")                                                   \
    X(forked, "forked", "has a child that shares all its pages")                                         \
    X(inherited, "inherited", "a pointer in shared memory; says the pid of a child that has inherited it")  \
    X(zombie, "zombie", "keeps a zombie; says its pid")                                                  \
    X(traced, "traced", "is traced by a child of its own")                                               \
    X(vfork_parent, "vfork", "waits in vfork")                                                           \
    X(signals, "signals", "catches TERM, ignores HUP, blocks USR1 in all threads and USR2 in one")          \
    X(sigwait, "sigwait", "a thread waits for TERM; another reads INT through a descriptor")             \
    X(stubborn, "stubborn", "ignores TERM")                                                              \
    X(polite, "polite", "exits with a status when TERM comes [STATUS]")                                  \
    X(family, "family", "forks children that fork children [DEPTH]; says their pids")                    \
    X(grouped, "grouped", "a group of its own whose second makes a file at HUP; says their pids [FILE]")  \
    X(forking, "forking", "forks again whenever a child ends")                                           \
    X(deadlock, "deadlock", "waits for a child through a pipe, and that one for it")                     \
    X(locked, "locked", "has a child that waits for its lock of a file; says the pid")                   \
    X(reaping, "reaping", "waits for a child that sleeps; says the pid")                                 \
    X(socket_deadlock, "socket-deadlock", "waits for a child through a pair of sockets, and that one for it") \
    X(circle, "circle", "waits for two children that wait for it [poll, select, epoll, fifo, lock, timed, eventfd]") \
    X(served, "served", "waits for an answer of a server that sleeps [tcp]; says its pid")               \
    X(unaccepted, "unaccepted", "waits for a server that never accepts [tcp]; says its pid")             \
    X(held, "held", "waits for a lock that a child holds [pi, robust, rw-read, rw-write]; says the pid") \
    X(abandoned, "abandoned", "waits for a mutex in shared memory whose owner has ended; says its pid")  \
    X(thread_deadlock, "thread-deadlock", "two threads that wait for each other's mutex")                \
    X(joining, "joining", "waits for a thread that waits for a mutex that it has locked twice")         \
    X(descriptors, "descriptors", "120 open descriptors of four kinds")                                 \
    X(channels, "channels", "one kind of channel to a child; says who has which end [KIND]")            \
    X(unclosed, "unclosed", "opens two devices every 20 ms and closes one")                             \
    X(streams, "streams", "FILEs that only stdio's own list, or only lost blocks, lead to")             \
    X(churn, "churn", "threads in malloc and free all the time, 24 lost [THREADS]")                      \
    X(churn_single, "churn-single", "one thread in malloc and free all the time, 7 lost")                \
    X(grow, "grow", "loses 100 blocks a second and prints them")                                         \
    X(fragmentation, "fragmentation", "freed blocks whose pages small blocks in use keep [MIB]")         \
    X(mixed_free, "mixed-free", "free blocks of all sizes: in caches, in bins, in whole pages, at the top [MIB]") \
    X(unjoined, "unjoined", "results of threads that nobody has joined yet, and of such that were joined")     \
    X(finished_arenas, "finished-arenas", "free memory in the arenas of threads that have ended")        \
    X(bounded_cache, "bounded-cache", "a cache that replaces its entries [MIB]")                         \
    X(unbounded_cache, "unbounded-cache", "a cache that forgets nothing, 2 MiB a second [MIB]")          \
    X(true_leak, "true-leak", "most of its memory is lost [MIB]")                                        \
    X(mapped_file, "mapped-file", "a file in memory, a quarter of it changed [MIB]")                     \
    X(shared_pair, "shared-pair", "memory shared with a child; says its pid [MIB]")                      \
    X(deep_stacks, "deep-stacks", "threads that have used 2 MiB of stack [THREADS]")                     \
    X(huge_pages, "huge-pages", "one byte used in each of 8 huge pages")                                 \
    X(patchwork, "patchwork", "10,000 mappings beside a heap [MIB]")                                     \
    X(linked_patchwork, "linked-patchwork", "the same, with a pointer in every block [MIB]")             \
    X(leaking, "leaking", "loses memory all the time [BYTES A SECOND]")                                    \
    X(leaking_unseen, "leaking-unseen", "loses less than its use of memory varies [BYTES A SECOND]")       \
    X(saw_tooth, "saw-tooth", "uses more and more memory, and gives all of it back, again and again")     \
    X(cache, "cache", "fills a cache of 8 MiB, then replaces what is in it")                               \
    X(opening, "opening", "opens a file 50 times a second and closes none")                                \
    X(big, "big", "a random tree of 8 million blocks in 1 GiB [BLOCKS]")                                 \
    X(gaps, "gaps", "as big, and prints how long it was kept from running [BLOCKS]")

#define DECLARE(function, name, about) void demo_##function(const char *argument);
DEMO_CASES(DECLARE)
#undef DECLARE

/// Numbers on the command line: `fallback` where there is none.
unsigned long demo_number(const char *argument, unsigned long fallback);

/// Words that the scanner sees and follows; each case uses as many as it needs.
extern void *volatile demo_visible[65536];

#endif
