/// What the kinds of channels have in common: a child, and who has which end.
#ifndef NUSU_DEMO_CHANNELS_H
#define NUSU_DEMO_CHANNELS_H

#include <stddef.h>
#include <sys/types.h>

/// What the child does for ever instead of sleeping.
extern void (*channels_child_waits)(void);
/// What outlives its processes; removed by the child, which outlives this one by a moment. -1: none.
extern int channels_message_queue;
extern int channels_semaphores;

/// Forks; returns 0 in the child, which then must call `channels_stay`.
pid_t channels_split(void);
/// The child's part ends here.
void channels_stay(void) __attribute__((noreturn));
/// A name that nobody else has.
void channels_name(char *text, size_t size, const char *start);
/// Prints who has which end, this process first; a descriptor of -1: none.
void channels_say(const char *kind, int own, const char *own_role, int other, const char *other_role);

void channels_make_message_queue(void);
void channels_make_sysv_messages(void);
void channels_make_sysv_semaphores(void);
void channels_make_posix_memory(void);
void channels_make_memory_file(void);
void channels_make_anonymous_memory(void);
void channels_make_sysv_memory(void);
void channels_make_mapped_file(void);
void channels_make_semaphore(void);
void channels_make_futex(void);

#endif
