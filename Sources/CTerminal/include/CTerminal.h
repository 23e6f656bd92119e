// What the live screen needs of C: terminfo without its macros, and a terminal that is put back by whatever ends the program.
#pragma once

#include <stddef.h>
#include <sys/types.h>

/// Loads the description of a terminal (man 3 setupterm): 1, or 0 where the database does not know it, -1 without a database.
int cterminal_load(const char *name, int output);
/// man 3 tigetstr, tigetnum and tigetflag of what is loaded; NULL and -1 for what the terminal does not have.
const char *cterminal_string(const char *capability);
int cterminal_number(const char *capability);
int cterminal_flag(const char *capability);
/// man 3 tiparm: a string that takes two numbers, as it is sent; in memory that the next call uses again.
const char *cterminal_format(const char *string, int first, int second);

/// Takes the terminal: its settings are kept, keys come one by one and without an echo (Ctrl+C stays a signal), `enter` is
/// written, and what goes to stderr is kept until it is given back. `leave` is what gives it back. Once more after
/// `cterminal_leave`, with the same arguments. 0, or -1 and errno.
int cterminal_enter(int input, int output, const char *enter, const char *leave);
/// Gives the terminal back, where it is taken. A signal handler may call it.
void cterminal_leave(void);

/// From now on a crash gives the terminal back before it ends the program, and signals are told at the pipe that is returned, one byte
/// each: those that end, stop and continue a program, and the one of a new size. Who does not answer one that ends it by giving the
/// terminal back is ended by the next, or after 3 s. -1 and errno where there is no pipe. What was ignored stays ignored.
int cterminal_watch_signals(void);

/// Starts a process that gives the terminal back where nusu could not: a KILL. -1 and errno where none can be started. It ends
/// with the calling thread, or with `cterminal_dismiss_guard`.
int cterminal_start_guard(void);
void cterminal_dismiss_guard(void);

/// Stands still as Ctrl+Z asks for, and returns when the shell lets it go on.
void cterminal_stop(void);

/// Writes all of it, as far as the terminal takes it.
void cterminal_write(int descriptor, const void *bytes, size_t size);

/// man 2 eventfd: a descriptor by which threads wake another, or -1 and errno.
int cterminal_event(void);
/// man 2 ioctl_tty, TIOCGWINSZ: 0, or -1 and errno.
int cterminal_size(int descriptor, int *rows, int *columns);
