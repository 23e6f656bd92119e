// Filtered RULE... -- COMMAND...: runs a command under a seccomp filter, so that tests see it on a kernel that lacks
// something, or ended at a step of their choice.
//
//     no-pidfds      pidfd_open is answered as by a kernel before Linux 5.3
//     no-perf        perf_event_open is answered as by a kernel without it
//     no-bpf         bpf is refused, as to those who may only see records
//     perf-refused   perf_event_open is refused, as by the sandbox of a container
//     dies-at=N      it is ended, as by a KILL, where it would send signal N
//     dies-at=N:FD   the same for the pidfd with that number
//
// man 2 seccomp; Linux on x86-64 only.

#define _GNU_SOURCE
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { capacity = 256 };
static struct sock_filter code[capacity];
static unsigned short used;

static void add(struct sock_filter line) {
    if (used < capacity) code[used++] = line;
}

static void load(size_t offset) { add((struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (unsigned)offset)); }
static void answer(unsigned action) { add((struct sock_filter)BPF_STMT(BPF_RET | BPF_K, action)); }

// Skips so many of the lines that follow unless the loaded word is the value.
static void unless(unsigned value, unsigned char lines) {
    add((struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, lines));
}

static void die_at(unsigned call, unsigned signal, int descriptor) {
    load(offsetof(struct seccomp_data, nr));
    unless(call, descriptor < 0 ? 3 : 5);
    load(offsetof(struct seccomp_data, args[1]));
    unless(signal, descriptor < 0 ? 1 : 3);
    if (descriptor >= 0) {
        load(offsetof(struct seccomp_data, args[0]));
        unless((unsigned)descriptor, 1);
    }
    answer(SECCOMP_RET_KILL_PROCESS);
}

int main(int argc, char **argv) {
    load(offsetof(struct seccomp_data, arch));
    unless(AUDIT_ARCH_X86_64, 1);
    add((struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JA, 1, 0, 0));
    answer(SECCOMP_RET_ALLOW);
    int index = 1;
    for (; index < argc && strcmp(argv[index], "--") != 0; index++) {
        unsigned signal;
        int descriptor = -1;
        if (strcmp(argv[index], "no-pidfds") == 0) {
            load(offsetof(struct seccomp_data, nr));
            unless(SYS_pidfd_open, 1);
            answer(SECCOMP_RET_ERRNO | ENOSYS);
        } else if (strcmp(argv[index], "no-bpf") == 0) {
            load(offsetof(struct seccomp_data, nr));
            unless(SYS_bpf, 1);
            answer(SECCOMP_RET_ERRNO | EPERM);
        } else if (strcmp(argv[index], "no-perf") == 0 || strcmp(argv[index], "perf-refused") == 0) {
            load(offsetof(struct seccomp_data, nr));
            unless(SYS_perf_event_open, 1);
            answer(SECCOMP_RET_ERRNO | (argv[index][0] == 'n' ? ENOSYS : EPERM));
        } else if (sscanf(argv[index], "dies-at=%u:%d", &signal, &descriptor) >= 1) {
            die_at(SYS_pidfd_send_signal, signal, descriptor);
            if (descriptor < 0) die_at(SYS_kill, signal, -1);
        } else {
            fprintf(stderr, "Filtered: what is %s?\n", argv[index]);
            return 64;
        }
    }
    answer(SECCOMP_RET_ALLOW);
    if (index + 1 >= argc) return 64;
    // So that the command's first descriptor is 3.
    for (int descriptor = 3; descriptor < 256; descriptor++) close(descriptor);
    struct sock_fprog program = {.len = used, .filter = code};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
        perror("Filtered: no filter");
        return 69;
    }
    execvp(argv[index + 1], argv + index + 1);
    perror(argv[index + 1]);
    return 127;
}
