#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>

const void *clinux_find(const void *hay, size_t hay_size, const void *needle, size_t needle_size) {
    return memmem(hay, hay_size, needle, needle_size);
}

pid_t clinux_spawn_waiting(char *const *arguments, const sigset_t *mask, int gate, int gate_other_end, int report) {
    pid_t child = fork();
    if (child != 0) return child;
    close(gate_other_end);
    char go;
    ssize_t count;
    do count = read(gate, &go, 1);
    while (count < 0 && errno == EINTR);
    if (count != 1) _exit(127);
    sigprocmask(SIG_SETMASK, mask, NULL);
    execvp(arguments[0], arguments);
    int code = errno;
    if (write(report, &code, sizeof code) < 0) _exit(126);
    _exit(127);
}

int clinux_pipe(int ends[2]) { return pipe2(ends, O_CLOEXEC); }
