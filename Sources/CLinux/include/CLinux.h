// Struct layouts and shims for what Swift cannot import: variadic functions, macros, processor instructions. No logic.
// Without _GNU_SOURCE: other modules include the same system headers without it, and types that differ by it (fd_set)
// make the compiler refuse both.
#pragma once

#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

/// The system call itself, without the C library's return value for PEEK requests: -1 and errno on failure.
static inline long clinux_ptrace(long request, pid_t pid, uint64_t address, uint64_t data) {
    return syscall(SYS_ptrace, request, (long)pid, address, data);
}

// man 2 ioprio_set: of one thread (IOPRIO_WHO_PROCESS). Without a wrapper in the C library.
static inline int clinux_ioprio_get(pid_t thread) { return (int)syscall(SYS_ioprio_get, 1, thread); }
static inline int clinux_ioprio_set(pid_t thread, int priority) {
    return (int)syscall(SYS_ioprio_set, 1, thread, priority);
}

/// The calling thread's identifier (man 2 gettid).
static inline pid_t clinux_gettid(void) { return (pid_t)syscall(SYS_gettid); }

/// man 2 kill, for one thread of a process (tgkill).
static inline int clinux_tgkill(pid_t process, pid_t thread, int signal) {
    return (int)syscall(SYS_tgkill, process, thread, signal);
}

/// man 2 ptrace, PTRACE_GET_RSEQ_CONFIGURATION (Linux 5.13): include/uapi/linux/ptrace.h, ptrace_rseq_configuration.
struct clinux_rseq_configuration {
    uint64_t abi_pointer;
    uint32_t abi_size;
    uint32_t signature;
    uint32_t flags;
    uint32_t padding;
};

/// man 2 ptrace, PTRACE_PEEKSIGINFO: include/uapi/linux/ptrace.h, ptrace_peeksiginfo_args.
struct clinux_peek_signals {
    uint64_t offset;
    uint32_t flags;
    int32_t count;
};

/// man 2 ptrace, PTRACE_GET_SYSCALL_USER_DISPATCH_CONFIG (Linux 6.4): ptrace_sud_config.
struct clinux_dispatch_configuration {
    uint64_t mode;
    uint64_t selector;
    uint64_t offset;
    uint64_t length;
};

/// PAGEMAP_SCAN (Linux 6.7): include/uapi/linux/fs.h, pm_scan_arg and page_region.
struct clinux_scan_argument {
    uint64_t size;
    uint64_t flags;
    uint64_t start;
    uint64_t end;
    uint64_t walk_end;
    uint64_t regions;
    uint64_t region_count;
    uint64_t max_pages;
    uint64_t category_inverted;
    uint64_t category_mask;
    uint64_t category_anyof_mask;
    uint64_t return_mask;
};

struct clinux_page_region {
    uint64_t start;
    uint64_t end;
    uint64_t categories;
};

/// The number of regions found, or -1 and errno (ENOTTY where the kernel does not know the request).
static inline int clinux_pagemap_scan(int descriptor, struct clinux_scan_argument *argument) {
    return ioctl(descriptor, _IOWR('f', 16, struct clinux_scan_argument), argument);
}

/// PROCMAP_QUERY (Linux 6.11): include/uapi/linux/fs.h, struct procmap_query.
struct clinux_mapping_query {
    uint64_t size;
    uint64_t query_flags;
    uint64_t query_address;
    uint64_t start;
    uint64_t end;
    uint64_t flags;
    uint64_t page_size;
    uint64_t offset;
    uint64_t inode;
    uint32_t device_major;
    uint32_t device_minor;
    uint32_t name_size;
    uint32_t build_id_size;
    uint64_t name;
    uint64_t build_id;
};

/// -1 and errno: ENOENT where there is none, ENOTTY where the kernel does not know the request.
static inline int clinux_query_mapping(int descriptor, struct clinux_mapping_query *query) {
    return ioctl(descriptor, _IOWR('f', 17, struct clinux_mapping_query), query);
}

/// One subleaf of CPUID leaf 13: size and offset of a component in the standard XSAVE format (Intel SDM volume 1, 13.2).
static inline void clinux_xsave_component(uint32_t component, uint32_t *size, uint32_t *offset) {
    uint32_t a = 13, b = 0, c = component, d = 0;
    // Not <cpuid.h>: it drags in the compiler's module of intrinsics with half of the C library.
    __asm__("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    *size = a;
    *offset = b;
}

/// The first place of a byte sequence, or NULL (man 3 memmem).
const void *clinux_find(const void *hay, size_t hay_size, const void *needle, size_t needle_size);

/// Starts a thread with the given stack size and waits for its end; an error number, 0 for success. One call because
/// Swift takes the types of pthread.h to be of whichever module it met them in first.
static inline int clinux_run_thread(size_t stack_size, void *(*body)(void *), void *argument) {
    pthread_attr_t attributes;
    pthread_t thread;
    int code = pthread_attr_init(&attributes);
    if (code != 0) return code;
    code = pthread_attr_setstacksize(&attributes, stack_size);
    if (code == 0) code = pthread_create(&thread, &attributes, body, argument);
    pthread_attr_destroy(&attributes);
    return code == 0 ? pthread_join(thread, NULL) : code;
}

/// Starts a thread that nobody waits for; an error number, 0 for success.
static inline int clinux_start_thread(void *(*body)(void *), void *argument) {
    pthread_t thread;
    int code = pthread_create(&thread, NULL, body, argument);
    return code == 0 ? pthread_detach(thread) : code;
}

/// Forks a child that waits for a byte from `gate` and then becomes the program `arguments[0]`, looked for as a shell does.
/// The child's signal mask is `mask`. Where the program cannot be started the child writes the error number to `report`, and
/// where the other end of `gate` is closed it ends. -1 and errno when there is no child. One call, since between fork and
/// exec only C that does not allocate may run.
pid_t clinux_spawn_waiting(char *const *arguments, const sigset_t *mask, int gate, int gate_other_end, int report);

/// A child that runs `program` without arguments and environment: `input` and `output` are its standard descriptors, stderr
/// leads nowhere, `descriptors` are 3 and up, and it has no others. -1 and errno when there is no child.
pid_t clinux_spawn_helper(const char *program, int input, int output, const int *descriptors, int count);

/// Gives up what the calling process may do: it becomes user and group `nobody` where it was root, gains nothing by exec,
/// starts no process, writes no file, and has bounded memory (2 GiB) and processor time (10 s). 0, or -1 and errno where any of
/// that was refused.
int clinux_drop_rights(uid_t nobody);

/// man 2 memfd_create with MFD_CLOEXEC.
int clinux_memory_file(const char *name);

/// man 2 pipe2 with O_CLOEXEC.
int clinux_pipe(int ends[2]);

/// A terminal without anybody at it (man 3 openpty): what is written to `ends[1]` is read from `ends[0]` as it was written. Both are
/// closed on exec, and it becomes nobody's controlling terminal. 0, or -1 and errno where the machine has none to give.
int clinux_terminal_pair(int ends[2]);

/// man 3 mallopt: blocks of so many bytes and more are mappings of their own, given back as soon as they are freed, and all threads
/// share one heap. For the whole process; best before its first thread. 0, or -1 where the C library knows no such setting.
int clinux_limit_heap(int large_bytes);

/// man 3 malloc_trim: pages of the heap that are free become the machine's again. Nothing where the C library has no such call.
void clinux_trim_heap(void);

/// man 2 close_range with CLOSE_RANGE_CLOEXEC (Linux 5.11): all descriptors from `first` on are closed on exec. 0, or -1 and errno.
static inline int clinux_close_on_exec(unsigned int first) { return (int)syscall(SYS_close_range, first, ~0U, 4U); }

/// man 2 pidfd_open (Linux 5.3): a descriptor that is closed on exec, or -1 and errno.
static inline int clinux_pidfd_open(pid_t pid) { return (int)syscall(SYS_pidfd_open, pid, 0); }

/// man 2 pidfd_send_signal (Linux 5.1).
static inline int clinux_pidfd_send_signal(int descriptor, int signal) {
    return (int)syscall(SYS_pidfd_send_signal, descriptor, signal, NULL, 0);
}

/// PIDFD_GET_INFO (Linux 6.13): include/uapi/linux/pidfd.h, pidfd_info, first version.
struct clinux_pidfd_info {
    uint64_t mask;
    uint64_t cgroup;
    uint32_t pid;
    uint32_t process;
    uint32_t parent;
    uint32_t owners[8];
    int32_t exit_code;
};

/// -1 and errno; ENOTTY where the kernel does not know the request.
static inline int clinux_pidfd_info(int descriptor, struct clinux_pidfd_info *info) {
    return ioctl(descriptor, _IOWR(0xff, 11, struct clinux_pidfd_info), info);
}

/// Forks a child of a program with a single thread that runs `body(argument)` and ends with what that returns. It ends with
/// its parent, and after half a minute at the latest.
pid_t clinux_fork(int (*body)(void *), void *argument);

/// Forks a child in a session of its own that waits until nobody has `ends[1]`, a pipe's writing end, open any more, runs
/// `body(argument)`, and ends. It outlives its parent, whatever ends that.
pid_t clinux_fork_heir(const int ends[2], void (*body)(void *), void *argument);

/// Runs on no other processor than the one that it runs on now; -1 and errno.
int clinux_stay_on_processor(void);

/// Runs on no other processor than this one; -1 and errno.
int clinux_stay_on(int processor);

/// The processors that this thread may run on, ascending, at most `limit`; how many, or -1 and errno.
int clinux_allowed_processors(int *processors, int limit);

/// How often the calling thread has given up its processor, by waiting or to another (man 2 getrusage, RUSAGE_THREAD).
long clinux_own_switches(void);

/// Sets a word and wakes one thread that waits for a change of it.
void clinux_futex_pass(uint32_t *word, uint32_t value);

/// Waits until a word is no longer `value`; what it is then.
uint32_t clinux_futex_await(uint32_t *word, uint32_t value);

/// A child of `clinux_fork` that is not to end with its parent.
void clinux_outlive_parent(void);

/// Where a function, a variable with a value and one without lie in this program.
uint64_t clinux_code_address(void);
uint64_t clinux_data_address(void);
uint64_t clinux_bss_address(void);

/// The processors that a thread may run on, a bit for each, in `room` bytes, a multiple of 8: how many of them the kernel filled, EINVAL
/// where it has more. Without the C library's wrapper, which does not tell. -1 and errno (man 2 sched_setaffinity).
static inline int clinux_read_affinity(pid_t thread, void *mask, size_t room) {
    return (int)syscall(SYS_sched_getaffinity, thread, room, mask);
}
static inline int clinux_set_affinity(pid_t thread, const void *mask, size_t length) {
    return (int)syscall(SYS_sched_setaffinity, thread, length, mask);
}

/// What statx(2) says of a file.
struct clinux_file_facts {
    uint32_t mode;
    uint32_t links;
    uint32_t device_major;
    uint32_t device_minor;
    uint64_t inode;
    uint64_t size;
    /// Of 512 bytes.
    uint64_t blocks;
    /// Of a device: which one.
    uint32_t special_major;
    uint32_t special_minor;
    /// Seconds since 1970.
    double accessed;
    double modified;
    double changed;
};

/// Of the file that `name` below `folder` leads to, as far as the kernel knows it: no server is asked, for one that hangs
/// would keep the caller waiting. -1 and errno.
int clinux_file_facts(int folder, const char *name, struct clinux_file_facts *facts);

/// A socket that asks the kernel for sockets (man 7 sock_diag), closed on exec; an answer that does not come within seconds is
/// EAGAIN. -1 and errno.
int clinux_open_diagnosis(void);

/// Asks for all unix sockets with names, peers, clients that wait, queues and users. -1 and errno.
ssize_t clinux_ask_unix_sockets(int descriptor);

/// Asks for all sockets of a family (AF_INET, AF_INET6) and protocol (IPPROTO_TCP, IPPROTO_UDP) but those in TIME_WAIT, which
/// belong to no process; with TCP's counts of bytes where `counts` is not 0. -1 and errno.
ssize_t clinux_ask_internet_sockets(int descriptor, uint8_t family, uint8_t protocol, int counts);

/// The calling thread goes into a network namespace, or one of System V's objects (man 2 setns). -1 and errno.
int clinux_enter_network(int file);
int clinux_enter_ipc(int file);

/// man 2 pidfd_getfd (Linux 5.6): another process's descriptor for the caller, closed on exec. -1 and errno.
static inline int clinux_pidfd_getfd(int process, int descriptor) {
    return (int)syscall(SYS_pidfd_getfd, process, descriptor, 0);
}

/// man 2 kcmp with KCMP_FILE: 0 where both descriptors are of one open file, 1 and 2 for the order of them; -1 and errno.
static inline int clinux_compare_files(pid_t one, pid_t two, int descriptor, int other) {
    return (int)syscall(SYS_kcmp, (long)one, (long)two, 0L, (long)descriptor, (long)other);
}

/// Bytes that lie unread in a pipe, and how many fit (FIONREAD, F_GETPIPE_SZ). -1 and errno.
int clinux_pipe_fill(int descriptor, int *unread, int *capacity);

/// Copies at most `size` bytes that lie unread in a pipe, and leaves them there (man 2 tee). Their number, or -1 and errno.
long clinux_pipe_peek(int descriptor, void *bytes, size_t size);

/// Of a POSIX message queue (man 3 mq_getattr): messages in it, how many it may hold, and bytes of one. -1 and errno.
int clinux_queue_fill(int descriptor, long *messages, long *limit, long *size);

/// The number of a file system's kind (f_type of man 2 statfs), by a path; -1 and errno.
long clinux_file_system(const char *path);

/// man 2 semctl: GETPID, GETVAL of one semaphore of a set; -1 and errno.
int clinux_semaphore_user(int set, int number);
int clinux_semaphore_value(int set, int number);

/// The bytes that a System V message queue may hold (msg_qbytes of man 2 msgctl, IPC_STAT); -1 and errno.
long clinux_message_capacity(int queue);


/// A source of records of a thread (-1: of all) on one processor, not yet on (man 2 perf_event_open): names, forks and ends, and if
/// `switches` context switches, each with process, thread and the time of CLOCK_MONOTONIC. `inherits`: also of what the thread
/// starts. `counts_lost`: read tells how many records were lost (Linux 6.0). -1 and errno.
int clinux_open_switches(pid_t thread, int processor, uint32_t watermark, int switches, int inherits, int counts_lost);

/// A source of records of a tracepoint on one processor: process, thread, time, and the tracepoint's own fields. -1 and errno.
int clinux_open_tracepoint(uint64_t number, int processor, int counts_lost);

/// Lets a source write into another's ring, which is of the same processor. -1 and errno.
int clinux_share_ring(int source, int ring);

/// Only records for which the tracepoint's filter is true. -1 and errno.
int clinux_filter_tracepoint(int source, const char *filter);

/// 0, or -1 and errno.
int clinux_switch_source(int source, int on);

/// The number of the last byte written to a ring, from its first page; what lies before it can be read.
uint64_t clinux_ring_head(const void *page);
/// The number of the last byte read: what lies before it may be overwritten.
uint64_t clinux_ring_tail(const void *page);
void clinux_set_ring_tail(void *page, uint64_t tail);

/// A word that another processor reads and writes.
static inline uint64_t clinux_load64(const void *address) {
    return __atomic_load_n((const uint64_t *)address, __ATOMIC_ACQUIRE);
}
static inline void clinux_store64(void *address, uint64_t value) {
    __atomic_store_n((uint64_t *)address, value, __ATOMIC_RELEASE);
}

/// Memory that a program in the kernel and nusu share, as a descriptor to be mapped (man 2 bpf, BPF_MAP_TYPE_ARRAY with one
/// value; Linux 5.5). -1 and errno.
int clinux_bpf_memory(uint32_t bytes);

/// Hands the kernel a program of `count` instructions for a hook of its scheduler, by the number that its type has in BTF (man 2
/// bpf, BPF_PROG_TYPE_TRACING, BPF_TRACE_RAW_TP). It does not run yet. -1 and errno.
int clinux_bpf_program(const uint64_t *code, uint32_t count, uint32_t hook);

/// Lets a program run at its hook until the descriptor is closed. -1 and errno.
int clinux_bpf_attach(int program);

/// A file system of the kernel's that is mounted nowhere, as a descriptor of its top folder (man 2 fsopen, fsmount; Linux 5.2).
/// Needs CAP_SYS_ADMIN. It is gone when that is closed. -1 and errno.
int clinux_detached_mount(const char *type);

/// man 2 setrlimit, RLIMIT_NOFILE: as many open files as the hard limit allows; how many those are.
uint64_t clinux_raise_file_limit(void);

/// A socket to which the kernel writes a record of every thread that ends on any processor (taskstats, man-pages do not have it:
/// Documentation/accounting/taskstats.rst). Reading it does not wait. Needs CAP_NET_ADMIN and the first user and process
/// namespaces. -1 and errno.
int clinux_open_exit_records(void);

/// A socket on which the kernel tells what it counted of a thread that runs (taskstats), and the number of that family. -1 and errno.
int clinux_open_thread_records(uint16_t *family);
/// The datagram that it answers with; its length. -1 and errno: EPERM without CAP_NET_ADMIN, ESRCH where there is no such thread.
ssize_t clinux_read_thread_record(int descriptor, uint16_t family, pid_t thread, void *answer, size_t room);
