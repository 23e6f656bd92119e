#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/bpf.h>
#include <linux/futex.h>
#include <linux/genetlink.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/perf_event.h>
#include <linux/sock_diag.h>
#include <linux/taskstats.h>
#include <linux/unix_diag.h>
#include <malloc.h>
#include <mqueue.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/time.h>
#include <termios.h>
#include <time.h>

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

int clinux_limit_heap(int large_bytes) {
#ifdef M_ARENA_MAX
    return mallopt(M_MMAP_THRESHOLD, large_bytes) == 1 && mallopt(M_ARENA_MAX, 1) == 1 ? 0 : -1;
#else
    (void)large_bytes;
    return -1;
#endif
}

void clinux_trim_heap(void) {
#ifdef M_ARENA_MAX
    malloc_trim(0);
#endif
}

int clinux_terminal_pair(int ends[2]) {
    int reading = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (reading < 0) return -1;
    char name[64];
    int writing = -1;
    if (grantpt(reading) == 0 && unlockpt(reading) == 0 && ptsname_r(reading, name, sizeof name) == 0)
        writing = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
    struct termios settings;
    if (writing < 0 || tcgetattr(writing, &settings) != 0) {
        int error = errno;
        if (writing >= 0) close(writing);
        close(reading);
        errno = error;
        return -1;
    }
    cfmakeraw(&settings);
    tcsetattr(writing, TCSANOW, &settings);
    ends[0] = reading;
    ends[1] = writing;
    return 0;
}

int clinux_pipe(int ends[2]) { return pipe2(ends, O_CLOEXEC); }

pid_t clinux_spawn_helper(const char *program, int input, int output, const int *descriptors, int count) {
    pid_t child = fork();
    if (child != 0) return child;
    // Above all places that are to be filled, so that filling one overwrites none.
    const int high = 512;
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    int source[3] = {input, output, null};
    for (int i = 0; i < 3; i++) source[i] = fcntl(source[i], F_DUPFD_CLOEXEC, high);
    for (int i = 0; i < count; i++)
        if (fcntl(descriptors[i], F_DUPFD_CLOEXEC, high + 3 + i) != high + 3 + i) _exit(127);
    for (int i = 0; i < 3; i++)
        if (dup2(source[i], i) < 0) _exit(127);
    for (int i = 0; i < count; i++)
        if (dup2(high + 3 + i, 3 + i) < 0) _exit(127);
    syscall(SYS_close_range, 3 + count, ~0U, 0);
    char *arguments[] = {(char *)program, NULL}, *environment[] = {NULL};
    execve(program, arguments, environment);
    _exit(127);
}

int clinux_drop_rights(uid_t nobody) {
    if (geteuid() == 0) {
        if (setgroups(0, NULL) || setresgid(nobody, nobody, nobody) || setresuid(nobody, nobody, nobody)) return -1;
        if (setuid(0) == 0) return -1;
    }
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)) return -1;
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0)) return -1;
    const struct { int what; rlim_t most; } limits[] = {
        {RLIMIT_AS, (rlim_t)2 << 30}, {RLIMIT_CPU, 10}, {RLIMIT_CORE, 0}, {RLIMIT_FSIZE, 0}, {RLIMIT_NPROC, 0},
    };
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        struct rlimit limit = {limits[i].most, limits[i].most};
        if (setrlimit(limits[i].what, &limit)) return -1;
    }
    return 0;
}

int clinux_memory_file(const char *name) { return memfd_create(name, MFD_CLOEXEC); }

pid_t clinux_fork(int (*body)(void *), void *argument) {
    pid_t parent = getpid();
    pid_t child = fork();
    if (child != 0) return child;
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    alarm(30);
    // It may have ended before the wish was known.
    if (getppid() != parent) _exit(0);
    _exit(body(argument));
}

pid_t clinux_fork_heir(const int ends[2], void (*body)(void *), void *argument) {
    pid_t child = fork();
    if (child != 0) return child;
    // Away from the terminal and the process group, by which nusu may be stopped or ended.
    setsid();
    close(ends[1]);
    char byte;
    ssize_t count;
    do count = read(ends[0], &byte, 1);
    while (count > 0 || (count < 0 && errno == EINTR));
    body(argument);
    _exit(0);
}

int clinux_stay_on_processor(void) {
    int processor = sched_getcpu();
    if (processor < 0) return -1;
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(processor, &set);
    return sched_setaffinity(0, sizeof set, &set);
}

int clinux_stay_on(int processor) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(processor, &set);
    return sched_setaffinity(0, sizeof set, &set);
}

int clinux_allowed_processors(int *processors, int limit) {
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) != 0) return -1;
    int count = 0;
    for (int processor = 0; processor < CPU_SETSIZE && count < limit; processor++)
        if (CPU_ISSET(processor, &set)) processors[count++] = processor;
    return count;
}

long clinux_own_switches(void) {
    struct rusage usage;
    return getrusage(RUSAGE_THREAD, &usage) == 0 ? usage.ru_nvcsw + usage.ru_nivcsw : 0;
}

void clinux_futex_pass(uint32_t *word, uint32_t value) {
    __atomic_store_n(word, value, __ATOMIC_RELEASE);
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

uint32_t clinux_futex_await(uint32_t *word, uint32_t value) {
    uint32_t now;
    while ((now = __atomic_load_n(word, __ATOMIC_ACQUIRE)) == value)
        syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0);
    return now;
}

void clinux_outlive_parent(void) { prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0); }

static volatile uint64_t with_value = 1;
static volatile uint64_t without_value;

uint64_t clinux_code_address(void) { return (uint64_t)(uintptr_t)&clinux_code_address; }
uint64_t clinux_data_address(void) { return (uint64_t)(uintptr_t)&with_value; }
uint64_t clinux_bss_address(void) { return (uint64_t)(uintptr_t)&without_value; }

int clinux_open_diagnosis(void) {
    int descriptor = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
    if (descriptor < 0) return -1;
    struct timeval patience = {5, 0};
    // Connected to the kernel (port 0): nobody else can answer.
    struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
    if (setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) == 0 &&
        connect(descriptor, (struct sockaddr *)&kernel, sizeof kernel) == 0)
        return descriptor;
    int code = errno;
    close(descriptor);
    errno = code;
    return -1;
}

ssize_t clinux_ask_unix_sockets(int descriptor) {
    struct {
        struct nlmsghdr header;
        struct unix_diag_req request;
    } message = {
        {sizeof message, SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST | NLM_F_DUMP, 0, 0},
        {.sdiag_family = AF_UNIX,
         .udiag_states = ~0U,
         .udiag_show = UDIAG_SHOW_NAME | UDIAG_SHOW_VFS | UDIAG_SHOW_PEER | UDIAG_SHOW_ICONS | UDIAG_SHOW_RQLEN |
                       UDIAG_SHOW_UID},
    };
    return send(descriptor, &message, sizeof message, 0);
}

ssize_t clinux_ask_internet_sockets(int descriptor, uint8_t family, uint8_t protocol, int counts) {
    struct {
        struct nlmsghdr header;
        struct inet_diag_req_v2 request;
    } message = {
        {sizeof message, SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST | NLM_F_DUMP, 0, 0},
        {.sdiag_family = family,
         .sdiag_protocol = protocol,
         .idiag_ext = counts ? 1U << (INET_DIAG_INFO - 1) : 0,
         .idiag_states = ~(1U << TCP_TIME_WAIT)},
    };
    return send(descriptor, &message, sizeof message, 0);
}

int clinux_enter_network(int file) { return setns(file, CLONE_NEWNET); }

int clinux_enter_ipc(int file) { return setns(file, CLONE_NEWIPC); }

int clinux_pipe_fill(int descriptor, int *unread, int *capacity) {
    *capacity = fcntl(descriptor, F_GETPIPE_SZ);
    return *capacity < 0 ? -1 : ioctl(descriptor, FIONREAD, unread);
}

long clinux_pipe_peek(int descriptor, void *bytes, size_t size) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) return -1;
    // As large as wanted where that is allowed; else what fits.
    fcntl(ends[1], F_SETPIPE_SZ, (int)size);
    long count = tee(descriptor, ends[1], size, SPLICE_F_NONBLOCK);
    long taken = 0;
    while (count > taken) {
        long more = read(ends[0], (char *)bytes + taken, (size_t)(count - taken));
        if (more <= 0) break;
        taken += more;
    }
    int error = errno;
    close(ends[0]);
    close(ends[1]);
    errno = error;
    return count < 0 ? -1 : taken;
}

int clinux_queue_fill(int descriptor, long *messages, long *limit, long *size) {
    struct mq_attr attributes;
    // The system call itself: a descriptor that is no queue is EBADF, and nothing is changed.
    if (syscall(SYS_mq_getsetattr, descriptor, NULL, &attributes) != 0) return -1;
    *messages = attributes.mq_curmsgs;
    *limit = attributes.mq_maxmsg;
    *size = attributes.mq_msgsize;
    return 0;
}

long clinux_file_system(const char *path) {
    struct statfs facts;
    return statfs(path, &facts) != 0 ? -1 : (long)facts.f_type;
}

int clinux_semaphore_user(int set, int number) { return semctl(set, number, GETPID); }

int clinux_semaphore_value(int set, int number) { return semctl(set, number, GETVAL); }

long clinux_message_capacity(int queue) {
    struct msqid_ds facts;
    return msgctl(queue, IPC_STAT, &facts) != 0 ? -1 : (long)facts.msg_qbytes;
}

static double seconds(struct statx_timestamp time) { return (double)time.tv_sec + time.tv_nsec / 1e9; }

int clinux_file_facts(int folder, const char *name, struct clinux_file_facts *facts) {
    struct statx status;
    if (statx(folder, name, AT_STATX_DONT_SYNC, STATX_BASIC_STATS, &status) != 0) return -1;
    *facts = (struct clinux_file_facts){
        .mode = status.stx_mode,
        .links = status.stx_nlink,
        .device_major = status.stx_dev_major,
        .device_minor = status.stx_dev_minor,
        .inode = status.stx_ino,
        .size = status.stx_size,
        .blocks = status.stx_blocks,
        .special_major = status.stx_rdev_major,
        .special_minor = status.stx_rdev_minor,
        .accessed = seconds(status.stx_atime),
        .modified = seconds(status.stx_mtime),
        .changed = seconds(status.stx_ctime),
    };
    return 0;
}

int clinux_open_switches(
    pid_t thread, int processor, uint32_t watermark, int switches, int inherits, int counts_lost) {
    struct perf_event_attr attributes = {
        .type = PERF_TYPE_SOFTWARE,
        .size = sizeof attributes,
        .config = PERF_COUNT_SW_DUMMY,
        .sample_type = PERF_SAMPLE_TID | PERF_SAMPLE_TIME,
        // PERF_FORMAT_LOST, which older headers lack.
        .read_format = counts_lost ? 1U << 4 : 0,
        .disabled = 1,
        .inherit = inherits != 0,
        .exclude_kernel = 1,
        .exclude_hv = 1,
        .comm = 1,
        .task = 1,
        .watermark = 1,
        .sample_id_all = 1,
        .use_clockid = 1,
        .context_switch = switches != 0,
        .wakeup_watermark = watermark,
        .clockid = CLOCK_MONOTONIC,
    };
    return (int)syscall(SYS_perf_event_open, &attributes, thread, processor, -1, PERF_FLAG_FD_CLOEXEC);
}

int clinux_open_tracepoint(uint64_t number, int processor, int counts_lost) {
    struct perf_event_attr attributes = {
        .type = PERF_TYPE_TRACEPOINT,
        .size = sizeof attributes,
        .config = number,
        .sample_period = 1,
        .sample_type = PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_RAW,
        .read_format = counts_lost ? 1U << 4 : 0,
        .disabled = 1,
        .sample_id_all = 1,
        .use_clockid = 1,
        .clockid = CLOCK_MONOTONIC,
    };
    return (int)syscall(SYS_perf_event_open, &attributes, -1, processor, -1, PERF_FLAG_FD_CLOEXEC);
}

int clinux_share_ring(int source, int ring) { return ioctl(source, PERF_EVENT_IOC_SET_OUTPUT, ring); }

int clinux_filter_tracepoint(int source, const char *filter) {
    return ioctl(source, PERF_EVENT_IOC_SET_FILTER, filter);
}

int clinux_switch_source(int source, int on) {
    return ioctl(source, on ? PERF_EVENT_IOC_ENABLE : PERF_EVENT_IOC_DISABLE, 0);
}

uint64_t clinux_ring_head(const void *page) {
    return __atomic_load_n(&((const struct perf_event_mmap_page *)page)->data_head, __ATOMIC_ACQUIRE);
}

uint64_t clinux_ring_tail(const void *page) { return ((const struct perf_event_mmap_page *)page)->data_tail; }

void clinux_set_ring_tail(void *page, uint64_t tail) {
    __atomic_store_n(&((struct perf_event_mmap_page *)page)->data_tail, tail, __ATOMIC_RELEASE);
}

int clinux_bpf_memory(uint32_t bytes) {
    union bpf_attr attributes = {
        .map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = bytes, .max_entries = 1, .map_flags = BPF_F_MMAPABLE};
    return (int)syscall(SYS_bpf, BPF_MAP_CREATE, &attributes, sizeof attributes);
}

int clinux_bpf_program(const uint64_t *code, uint32_t count, uint32_t hook) {
    union bpf_attr attributes = {
        .prog_type = BPF_PROG_TYPE_TRACING,
        .insn_cnt = count,
        .insns = (uint64_t)(uintptr_t)code,
        // The kernel lets only programs under the GPL read its memory: these instructions may be used under it too, as the head
        // of SchedulerCode.swift says.
        .license = (uint64_t)(uintptr_t)"Dual BSD/GPL",
        .prog_name = "nusu_sched",
        .expected_attach_type = BPF_TRACE_RAW_TP,
        .attach_btf_id = hook,
    };
    return (int)syscall(SYS_bpf, BPF_PROG_LOAD, &attributes, sizeof attributes);
}

int clinux_bpf_attach(int program) {
    union bpf_attr attributes = {.raw_tracepoint = {.prog_fd = (uint32_t)program}};
    return (int)syscall(SYS_bpf, BPF_RAW_TRACEPOINT_OPEN, &attributes, sizeof attributes);
}

int clinux_detached_mount(const char *type) {
    // FSOPEN_CLOEXEC and FSMOUNT_CLOEXEC are 1, FSCONFIG_CMD_CREATE is 6 (linux/mount.h, which sys/mount.h does not go with).
    int context = (int)syscall(SYS_fsopen, type, 1);
    if (context < 0) return -1;
    int mount = syscall(SYS_fsconfig, context, 6, NULL, NULL, 0) < 0 ? -1 : (int)syscall(SYS_fsmount, context, 1, 0);
    int code = errno;
    close(context);
    errno = code;
    return mount;
}

uint64_t clinux_raise_file_limit(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
    if (limit.rlim_cur != limit.rlim_max) {
        rlim_t before = limit.rlim_cur;
        limit.rlim_cur = limit.rlim_max;
        if (setrlimit(RLIMIT_NOFILE, &limit) != 0) return before;
    }
    return limit.rlim_cur;
}

/// A message of generic netlink with one attribute, and the kernel's answer; its length, or -1 and errno.
static ssize_t ask_generic(int descriptor, uint16_t family, uint16_t flags, uint8_t command, uint16_t attribute,
                           const void *value, size_t length, void *answer, size_t room) {
    struct {
        struct nlmsghdr header;
        struct genlmsghdr generic;
        struct nlattr attribute;
        char value[64];
    } message = {{0, family, NLM_F_REQUEST | flags, 0, 0}, {command, 1, 0}, {0, attribute}, ""};
    if (length > sizeof message.value) {
        errno = EMSGSIZE;
        return -1;
    }
    memcpy(message.value, value, length);
    message.attribute.nla_len = (uint16_t)(sizeof message.attribute + length);
    message.header.nlmsg_len = NLMSG_LENGTH(GENL_HDRLEN + NLA_ALIGN(message.attribute.nla_len));
    if (send(descriptor, &message, message.header.nlmsg_len, 0) < 0) return -1;
    return recv(descriptor, answer, room, 0);
}

/// The number that the kernel has for the family TASKSTATS; 0 where it has none.
static uint16_t taskstats_family(int descriptor) {
    _Alignas(8) char answer[4096];
    ssize_t count = ask_generic(descriptor, GENL_ID_CTRL, 0, CTRL_CMD_GETFAMILY, CTRL_ATTR_FAMILY_NAME, TASKSTATS_GENL_NAME,
                                sizeof TASKSTATS_GENL_NAME, answer, sizeof answer);
    struct nlmsghdr *header = (struct nlmsghdr *)answer;
    if (count < (ssize_t)NLMSG_LENGTH(GENL_HDRLEN) || header->nlmsg_type == NLMSG_ERROR) return 0;
    for (size_t at = NLMSG_LENGTH(GENL_HDRLEN); at + NLA_HDRLEN <= (size_t)count;) {
        struct nlattr *attribute = (struct nlattr *)(answer + at);
        if (attribute->nla_len < NLA_HDRLEN) return 0;
        if (attribute->nla_type == CTRL_ATTR_FAMILY_ID && attribute->nla_len >= NLA_HDRLEN + sizeof(uint16_t))
            return *(uint16_t *)(answer + at + NLA_HDRLEN);
        at += NLA_ALIGN(attribute->nla_len);
    }
    return 0;
}

/// Connected to the kernel, which is waited for for a second at most; -1 and errno.
static int open_taskstats(uint16_t *family) {
    int descriptor = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
    if (descriptor < 0) return -1;
    struct timeval patience = {1, 0};
    struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
    if (setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) == 0 &&
        connect(descriptor, (struct sockaddr *)&kernel, sizeof kernel) == 0) {
        *family = taskstats_family(descriptor);
        if (*family) return descriptor;
        errno = EOPNOTSUPP;
    }
    int code = errno;
    close(descriptor);
    errno = code;
    return -1;
}

int clinux_open_exit_records(void) {
    uint16_t family = 0;
    int descriptor = open_taskstats(&family);
    if (descriptor < 0) return -1;
    // Some thousand ends between two looks.
    int room = 4 << 20;
    if (setsockopt(descriptor, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room) < 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
    _Alignas(8) char answer[4096];
    struct nlmsghdr *header = (struct nlmsghdr *)answer;
    ssize_t count = -1;
    char processors[64] = "";
    int file = open("/sys/devices/system/cpu/possible", O_RDONLY | O_CLOEXEC);
    if (file >= 0) {
        ssize_t length = read(file, processors, sizeof processors - 1);
        close(file);
        if (length > 0) processors[strcspn(processors, "\n")] = 0;
    }
    if (processors[0])
        count = ask_generic(descriptor, family, NLM_F_ACK, TASKSTATS_CMD_GET, TASKSTATS_CMD_ATTR_REGISTER_CPUMASK, processors,
                            strlen(processors) + 1, answer, sizeof answer);
    if (count >= (ssize_t)NLMSG_LENGTH(sizeof(struct nlmsgerr)) && header->nlmsg_type == NLMSG_ERROR) {
        errno = -((struct nlmsgerr *)NLMSG_DATA(header))->error;
        if (errno == 0 && fcntl(descriptor, F_SETFL, O_NONBLOCK) == 0) return descriptor;
    }
    int code = errno ? errno : EPROTO;
    close(descriptor);
    errno = code;
    return -1;
}

int clinux_open_thread_records(uint16_t *family) { return open_taskstats(family); }

ssize_t clinux_read_thread_record(int descriptor, uint16_t family, pid_t thread, void *answer, size_t room) {
    uint32_t number = (uint32_t)thread;
    ssize_t count = ask_generic(descriptor, family, 0, TASKSTATS_CMD_GET, TASKSTATS_CMD_ATTR_PID, &number, sizeof number, answer,
                                room);
    struct nlmsghdr *header = answer;
    if (count < (ssize_t)NLMSG_LENGTH(sizeof(struct nlmsgerr)) || header->nlmsg_type != NLMSG_ERROR) return count;
    errno = -((struct nlmsgerr *)NLMSG_DATA(header))->error;
    return -1;
}
