import Glibc

/// A small C program that a snapshot is taken of, compiled once per run of the tests. It prints "ready", waits for the end
/// of its input, checks that nothing has happened to it, and prints what it found wrong; its status is 0 when that is
/// nothing.
final class SnapshotProgram {
    let child: Child
    var pid: pid_t { child.pid }
    var view: ProcessView { ProcessView(pid: pid) }
    /// The signals that each thread blocks, as they were at the start.
    private var masks: [pid_t: String] = [:]

    /// - Parameter entry: words before the program's own: of one that ends in being it.
    init(_ mode: String, _ arguments: String..., within entry: [String] = []) throws {
        child = try Child(entry + [try SnapshotProgram.path.get(), mode] + arguments)
        guard try child.readLine() == "ready" else { throw HarnessError("\(mode) did not start") }
        // Threads that are made just now block everything for a moment.
        for thread in mode == "churn" ? [pid] : view.threads { masks[thread] = view.status("SigBlk", thread: thread) }
    }

    /// What nusu has done to it, in words; empty when nothing.
    var harm: [String] {
        var result = view.harm
        for (thread, mask) in masks {
            // A thread that has ended by itself blocks nothing any more.
            if let now = view.status("SigBlk", thread: thread), now != mask {
                result.append("thread \(thread) blocks \(now), not \(mask)")
            }
        }
        return result
    }

    /// Ends it; what it complained of, empty when all was well.
    func verdict() throws -> String {
        child.closeInput()
        let outcome = try child.finish(withinSeconds: 120)
        return outcome.status == 0 ? "" : "status \(outcome.status): \(outcome.text)"
    }

    private static let path = Result { () throws -> String in
        let folder = try Surroundings.temporaryFolder()
        let source = "\(folder)/target.c"
        guard let file = fopen(source, "w") else { throw HarnessError("cannot write \(source)") }
        fputs(program, file)
        fclose(file)
        let outcome = try run(["cc", "-O1", "-g", "-o", "\(folder)/target", source, "-pthread"])
        guard outcome.status == 0 else { throw HarnessError(outcome.errors) }
        return "\(folder)/target"
    }

    /// Modes:
    /// - `registers N`: N threads keep known values in vector and general registers and in the red zone; with 0 the main
    ///   thread does, and never ends by itself.
    /// - `wait`: blocked in read. `epoll`, `sleeps`: another thread waits in epoll_wait, or sleeps 20 ms over and over and
    ///   counts the sleeps that ended early.
    /// - `restartable N`: N threads count in restartable sequences, and are hardly ever outside of one.
    /// - `signals`: counts real-time signals. `churn`: makes and ends threads. `filtered`: under a seccomp filter.
    /// - `advised`: memory kept out of forks. `shared BYTES`. `pipe`: closes a pipe's end when told to.
    /// - `vfork`: a parent that waits in vfork. `large BYTES`: so much written memory.
    private static let program = """
        #define _GNU_SOURCE
        #include <errno.h>
        #include <linux/filter.h>
        #include <linux/seccomp.h>
        #include <poll.h>
        #include <pthread.h>
        #include <signal.h>
        #include <stddef.h>
        #include <stdint.h>
        #include <stdio.h>
        #include <stdlib.h>
        #include <string.h>
        #include <sys/epoll.h>
        #include <sys/mman.h>
        #include <sys/prctl.h>
        #include <sys/wait.h>
        #include <time.h>
        #if __has_include(<sys/rseq.h>)
        #include <sys/rseq.h>
        #endif
        #include <unistd.h>

        static volatile sig_atomic_t children, counted;
        static volatile uint64_t rounds;
        static volatile int stop, early, started;
        static void on_child(int s) { (void)s; children++; }
        static void on_signal(int s) { (void)s; counted++; }

        static void *keep(void *a) {
            __atomic_add_fetch(&started, 1, __ATOMIC_SEQ_CST);
            uint64_t seed = (uint64_t)a * 0x9e3779b97f4a7c15ull + 1, in[64], out[64];
            for (int i = 0; i < 64; i++) in[i] = seed * (i + 3) ^ (i * 77);
            while (!stop) {
                uint64_t n = 0xfffff;
                asm volatile(
                    "vmovdqu (%1),%%ymm0\\n vmovdqu 32(%1),%%ymm1\\n vmovdqu 64(%1),%%ymm7\\n"
                    "vmovdqu 96(%1),%%ymm8\\n vmovdqu 128(%1),%%ymm15\\n"
                    "movq 160(%1),%%r8\\n movq 168(%1),%%r9\\n movq 176(%1),%%r10\\n movq 184(%1),%%r11\\n"
                    "movq 192(%1),%%rcx\\n movq 200(%1),%%rdx\\n movq 208(%1),%%r12\\n"
                    "movq 216(%1),%%rax\\n movq %%rax,-8(%%rsp)\\n movq 224(%1),%%rax\\n movq %%rax,-120(%%rsp)\\n"
                    "movq 232(%1),%%rax\\n std\\n"
                    "1: dec %0\\n jnz 1b\\n"
                    "cld\\n vmovdqu %%ymm0,(%2)\\n vmovdqu %%ymm1,32(%2)\\n vmovdqu %%ymm7,64(%2)\\n"
                    "vmovdqu %%ymm8,96(%2)\\n vmovdqu %%ymm15,128(%2)\\n"
                    "movq %%r8,160(%2)\\n movq %%r9,168(%2)\\n movq %%r10,176(%2)\\n movq %%r11,184(%2)\\n"
                    "movq %%rcx,192(%2)\\n movq %%rdx,200(%2)\\n movq %%r12,208(%2)\\n movq %%rax,232(%2)\\n"
                    "movq -8(%%rsp),%%rax\\n movq %%rax,216(%2)\\n movq -120(%%rsp),%%rax\\n movq %%rax,224(%2)\\n"
                    : "+r"(n) : "r"(in), "r"(out)
                    : "rax", "rcx", "rdx", "r8", "r9", "r10", "r11", "r12", "memory", "xmm0", "xmm1", "xmm7", "xmm8",
                      "xmm15", "cc");
                for (int k = 0; k < 30; k++)
                    if (in[k] != out[k]) { printf("word %d was changed\\n", k); fflush(stdout); _exit(3); }
                rounds++;
            }
            return NULL;
        }

        static void *sleeps(void *a) {
            (void)a;
            __atomic_add_fetch(&started, 1, __ATOMIC_SEQ_CST);
            while (!stop) {
                struct timespec t = {0, 20000000}, b, e;
                clock_gettime(CLOCK_MONOTONIC, &b);
                if (nanosleep(&t, NULL) != 0) early++;
                clock_gettime(CLOCK_MONOTONIC, &e);
                if ((e.tv_sec - b.tv_sec) * 1000000000ll + e.tv_nsec - b.tv_nsec < 20000000ll) early++;
                rounds++;
            }
            return NULL;
        }

        static void *waits(void *a) {
            (void)a;
            __atomic_add_fetch(&started, 1, __ATOMIC_SEQ_CST);
            int e = epoll_create1(0);
            struct epoll_event event;
            while (!stop) { int n = epoll_wait(e, &event, 1, 100); if (n < 0 && errno != EINTR) early++; rounds++; }
            return NULL;
        }

        static void *nothing(void *a) { return a; }
        static void *churn(void *a) {
            (void)a;
            __atomic_add_fetch(&started, 1, __ATOMIC_SEQ_CST);
            while (!stop) {
                pthread_t t[8];
                for (int i = 0; i < 8; i++) pthread_create(&t[i], NULL, nothing, NULL);
                for (int i = 0; i < 8; i++) pthread_join(t[i], NULL);
                rounds++;
            }
            return NULL;
        }

        // Counts per processor without a lock, in sequences that the kernel begins anew when they are interrupted: as long as
        // it is told which sequence the thread is in.
        static struct { uint64_t value, rest[7]; } counters[1024];
        static uint64_t counted_by[17];
        static volatile int forgotten;
        static void *restartable(void *a) {
            __atomic_add_fetch(&started, 1, __ATOMIC_SEQ_CST);
        #if __has_include(<sys/rseq.h>)
            char *area = (char *)__builtin_thread_pointer() + __rseq_offset;
            while (!stop) {
                asm volatile(
                    ".pushsection sequences,\\"aw\\"\\n .balign 32\\n 3: .long 0,0\\n .quad 1f,2f-1f,4f\\n .popsection\\n"
                    "5: leaq 3b(%%rip),%%rsi\\n movq %%rsi,8(%1)\\n"
                    "1: movl 4(%1),%%eax\\n shlq $6,%%rax\\n addq %2,%%rax\\n movq (%%rax),%%rdx\\n movl $50000,%%ecx\\n"
                    "6: decl %%ecx\\n jnz 6b\\n cmpq %%rsi,8(%1)\\n je 8f\\n movl $1,%0\\n"
                    "8: incq %%rdx\\n movq %%rdx,(%%rax)\\n"
                    "2: jmp 7f\\n .long 0x53053053\\n 4: jmp 5b\\n 7:\\n"
                    : "+m"(forgotten) : "r"(area), "r"(counters) : "rax", "rcx", "rdx", "rsi", "memory", "cc");
                counted_by[(long)a]++;
                rounds++;
            }
        #endif
            return NULL;
        }

        int main(int argc, char **argv) {
            const char *mode = argv[1];
            long n = argc > 2 ? atol(argv[2]) : 0;
            struct sigaction sa = {0};
            sa.sa_handler = on_child;
            sigaction(SIGCHLD, &sa, NULL);
            sa.sa_handler = on_signal;
            sa.sa_flags = SA_RESTART;
            sigaction(SIGRTMIN, &sa, NULL);
            sigset_t set;
            sigemptyset(&set);
            sigaddset(&set, SIGUSR2);
            sigprocmask(SIG_BLOCK, &set, NULL);
            pthread_t t[16];
            int threads = 0, ends[2] = {-1, -1}, isParent = 0;
            uint64_t *memory = NULL;

            #define START(f) pthread_create(&t[threads], NULL, f, (void *)(long)(threads + 1)), threads++
            if (!strcmp(mode, "registers")) for (long i = 0; i < n && i < 16; i++) START(keep);
            if (!strcmp(mode, "restartable")) for (long i = 0; i < n && i < 16; i++) START(restartable);
            if (!strcmp(mode, "sleeps")) START(sleeps);
            if (!strcmp(mode, "epoll")) START(waits);
            if (!strcmp(mode, "churn")) { START(churn); START(churn); }
            if (!strcmp(mode, "filtered")) {
                struct sock_filter f[] = {{BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW}};
                struct sock_fprog p = {1, f};
                prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
                if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &p) != 0) return 9;
            }
            if (!strcmp(mode, "advised")) {
                // Three pages, each with a word of its own; the addresses go to the test.
                memory = mmap(NULL, 3 * 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
                for (int i = 0; i < 3; i++) memory[i * 1024] = 0x1111111111111111ull * (i + 1);
                madvise(memory + 1024, 8192, MADV_DONTFORK);
                madvise(memory + 2048, 8192, MADV_WIPEONFORK);
            }
            if (!strcmp(mode, "shared")) {
                memory = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
                for (long i = 0; i < n / 8; i++) memory[i] = i;
            }
            if (!strcmp(mode, "large")) {
                memory = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
                madvise(memory, n, MADV_NOHUGEPAGE);
                for (long i = 0; i < n / 8; i++) memory[i] = i * 0x9e3779b97f4a7c15ull;
            }
            if (!strcmp(mode, "pipe") && pipe(ends) != 0) return 9;

            while (started < threads) usleep(1000);
            puts("ready");
            if (memory) printf("%lu\\n", (unsigned long)memory);
            fflush(stdout);
            if (!strcmp(mode, "registers") && n == 0) keep((void *)7);
            if (!strcmp(mode, "vfork")) {
                // The parent stands in the kernel until its child has ended.
                if (vfork() == 0) { char b; while (read(0, &b, 1) > 0) {} _exit(0); }
                isParent = 1;
            }
            if (!strcmp(mode, "restartable")) {
                // A thread that runs would be made to fork rather than one that waits in poll.
                struct pollfd input = {0, POLLIN, 0};
                while (poll(&input, 1, -1) < 0) {}
            }
            char command;
            ssize_t got;
            while ((got = read(0, &command, 1)) > 0) {
                if (command == 'p') {
                    // Its reader must see the end at once, though a snapshot of this process may live.
                    close(ends[1]);
                    char b;
                    puts(read(ends[0], &b, 1) == 0 ? "end" : "no end");
                }
                if (command == 'c') printf("%d\\n", (int)counted);
                if (command == 'i') { memory[0]++; puts("done"); }
                fflush(stdout);
            }
            if (got < 0) { printf("read: %s\\n", strerror(errno)); return 4; }
            // They were started, but on a busy machine perhaps never given a processor.
            while (threads && !rounds) usleep(1000);
            stop = 1;
            for (int i = 0; i < threads; i++) pthread_join(t[i], NULL);
            if (early) { printf("%d calls ended early\\n", early); return 6; }
            uint64_t lost = 0;
            for (int i = 0; i < 17; i++) lost += counted_by[i];
            for (int i = 0; i < 1024; i++) lost -= counters[i].value;
            if (forgotten) { puts("the kernel lost sight of a restartable sequence"); return 10; }
            if (lost) { printf("%ld counts were lost\\n", (long)lost); return 10; }
            // The parent of a vfork goes on before its child has quite ended.
            if (isParent) wait(NULL);
            if (children != isParent) { printf("%d times SIGCHLD\\n", (int)children); return 7; }
            if (waitpid(-1, NULL, WNOHANG | __WALL) != -1 || errno != ECHILD) { puts("it has a child"); return 8; }
            return 0;
        }
        """
}
