package import Model

package enum ExplainEnglish: ExplainLanguage {
    package static func text(_ topic: ExplainTopic) -> ExplainText {
        switch topic {
        case .process:
            ExplainText(
                "A process is a program that runs: its code, its memory, its open files, and the kernel's notes on it.",
                "The same program can run many times, each time as a process of its own with memory that no other sees. Inside, one or more threads do the work; they share the memory and the files.",
                correction:
                    "'ps -e' lists processes of programs only? It shows the kernel's own threads too, in brackets: [kthreadd]."
            )
        case .pid:
            ExplainText(
                "A PID is the number by which a process is called while it lives.",
                "The kernel gives out the next free number and starts again from below when it has reached the limit. So a PID can be another process's later; number and start time together name one for ever. nusu kill holds its target by a descriptor (pidfd) for that reason.",
                correction: "A PID is not for ever one process's: it is given out again.")
        case .parent:
            ExplainText(
                "Every process was started by another one, its parent; what it starts are its children.",
                "A child inherits open files, directory, environment, user and limits. The parent is told when a child ends, and must ask how (wait). If the parent ends first, the child gets another parent.",
                correction:
                    "fork does tell the parent the child's PID: it returns it. To the child it returns 0, since a child can ask for its parent at any time."
            )
        case .fork:
            ExplainText(
                "fork makes a second process that is a copy of the first, and returns in both.",
                "Memory is not copied then: both share all pages, set to read-only. Whoever writes to a page first gets a copy of that page alone (copy on write). exec then usually puts another program in place of the copy.",
                correction:
                    "fork does not copy the whole memory: only page tables, and later the pages that are written.")
        case .idle:
            ExplainText(
                "PID 0 is the idle task: what a core runs when nobody wants it.",
                "There is one for each core, made by hand when the kernel starts. It puts the core to sleep until an interrupt comes. It is also the ancestor that started 1 (init) and 2 (kthreadd), so their parent reads 0. It cannot be seen in /proc.",
                correction:
                    "It is often called the swapper or the scheduler. It swaps nothing, and the scheduler is no process but code that runs in whichever process gives its core up."
            )
        case .`init`:
            ExplainText(
                "PID 1 is the first program: it starts all others, and takes in the orphans.",
                "It must reap whatever was left to it, or zombies pile up. It gets only signals that it has a handler for. When it ends, the kernel stops with a panic; in a container, whose own first program is number 1, everything inside is killed.",
                correction: "'kill -9 1' does not end it: within its own namespace no signal without a handler does.")
        case .end:
            ExplainText(
                "When a process ends, the kernel takes everything back but one line: how it ended.",
                "Memory, files, sockets, locks and timers go, whether or not the program freed them. That is an operating system's service: on firmware without one nobody tidies up, and a leak lasts until the power is off. Shared memory in /dev/shm, files and System V queues stay. If PID 1 of a container ends, all in it end.",
                correction: "Memory that a program did not free is not lost to the machine when it ends.")
        case .shell:
            ExplainText(
                "A key becomes a signal: key, terminal, foreground group, each of its processes, each one's own choice.",
                "The shell makes a process group of every pipeline and tells the terminal which one is in front. Ctrl+C makes the terminal send SIGINT to that whole group, Ctrl+Z SIGTSTP, Ctrl+\\ SIGQUIT. What then happens is up to each process: the default, a handler, or nothing. fg and bg send SIGCONT.",
                correction:
                    "Ctrl+Z sends SIGTSTP, which can be caught or ignored; SIGSTOP, which cannot, is never sent by a key. And the shell does not send them: the terminal does."
            )
        case .signal:
            ExplainText(
                "A signal is a number that the kernel gives to a process, to be taken between two of its instructions.",
                "For each number a process has a handler, or ignores it, or gets the default: end, end with a core file, stop, go on, nothing. A thread can block one, and it then waits. Two can never be refused: KILL and STOP. One that is sent twice before it is taken comes once, but for the real-time ones.",
                correction: "kill does not kill: it sends a signal. TERM is a request, KILL is not.")
        case .zombie:
            ExplainText(
                "A zombie is a process that has ended and whose parent has not yet asked how.",
                "Nothing of it is left but its number and its exit status: no memory, no files. It goes when the parent calls wait, or when the parent ends and the next one does. A few are normal; more and more of them are a mistake in the parent.",
                correction:
                    "A zombie cannot be killed, not even by KILL: it has ended. The parent is what must be mended.")
        case .orphan:
            ExplainText(
                "An orphan is a process whose parent has ended; it runs on and gets a new parent.",
                "That is the nearest ancestor that asked to take orphans in (a subreaper: systemd --user, a container's shim), else PID 1 of its namespace. Daemons use this on purpose.",
                correction:
                    "The new parent is not always PID 1. And closing a terminal ends programs by SIGHUP, not by making them orphans."
            )
        case .addressSpace:
            ExplainText(
                "Every process has addresses of its own: the same number means other memory in each.",
                "Code, data, bss, heap, libraries and stacks lie in it with wide gaps. The processor turns a virtual address into a physical one, page by page, by tables that the kernel keeps. What is reserved costs nothing until it is touched; then a page fault brings the page.",
                correction:
                    "VSZ is not what a program uses: it is what it reserved. RSS is in memory now, and counts shared pages in every process."
            )
        case .stack:
            ExplainText(
                "The stack holds the calls that are under way: arguments, return addresses, local variables.",
                "It grows downwards on most processors, and shrinks by moving one register, so it is fast. The main thread's grows by itself up to a limit; each other thread's has a fixed size, with a page behind it that nobody may touch, so that too deep a recursion ends in SIGSEGV.",
                correction:
                    "A stack overflow is not a buffer overflow on the stack: the one runs out of it, the other writes past a variable."
            )
        case .heap:
            ExplainText(
                "The heap is memory that a program asks for while it runs, and keeps until it frees it.",
                "malloc gets large pieces from the kernel (brk, mmap) and cuts them up itself. What is freed mostly stays with malloc for the next time. So the process looks as large as before, although nothing is lost.",
                correction:
                    "The heap of malloc has nothing to do with the heap of sorting; and it is not one region: [heap] is only the part made by brk."
            )
        case .data:
            ExplainText(
                "data holds global and static variables that have a value from the start.",
                "The values stand in the program's file; each process gets a private copy of the pages that it writes. What can never change lies in rodata, which all processes share.",
                correction: "A constant string does not lie in data but in rodata: writing to it is a SIGSEGV.")
        case .bss:
            ExplainText(
                "bss holds global and static variables that start as zero; in the file it takes no room.",
                "The file says only how large it is. The kernel gives pages of zeros when they are first touched. Its start usually shares the last page of data. The name is an old assembler's: block started by symbol.",
                correction:
                    "A large array of zeros does not make the program's file larger, and costs no memory before it is used."
            )
        case .leak:
            ExplainText(
                "A leak is memory that a program can never free, since it has lost the last pointer to it.",
                "Causes: a pointer is overwritten, an error path forgets to free, an exception skips it, a ring of objects keeps itself alive (retain cycle). Memory that is still pointed to but never used again grows just the same: nusu heap tells who holds it.",
                correction:
                    "Not all growth is a leak: caches, and memory that malloc keeps, look the same from outside. And the kernel frees all when the process ends."
            )
        case .raii:
            ExplainText(
                "RAII ties something to an object's life: what its constructor takes, its destructor gives back.",
                "A unique_ptr frees what it owns when it goes out of scope, on every path, exceptions too. A shared_ptr, like every reference in Swift, counts its holders and frees at zero. Two objects that hold each other never reach zero: one of the two must be weak.",
                correction:
                    "Smart pointers do not rule leaks out: a ring of shared pointers leaks. Reference counting is no garbage collection that would find it."
            )
        case .contextSwitch:
            ExplainText(
                "A context switch puts one thread's registers away and another one's in their place.",
                "Voluntary: it waits for something. Involuntary: its time was over, or one with more right woke up. The switch takes a microsecond or so; what costs more is that the caches hold the other's data afterwards.",
                correction:
                    "A system call is no context switch: the same thread goes on, in the kernel. Between threads of one process the address space stays."
            )
        case .scheduler:
            ExplainText(
                "The scheduler decides which of the threads that are ready gets a core next, and for how long.",
                "From Linux 6.6 on normal threads share by EEVDF: each has a fair share by its weight, and of those that are behind theirs the one with the earliest deadline goes first. Before, it was CFS. Real-time threads (FIFO, RR, DEADLINE) always go before normal ones.",
                correction:
                    "Linux does not run normal threads round robin with a fixed time slice, and has not since 2.6.23.")
        case .roundRobin:
            ExplainText(
                "Round robin: each that is ready gets the same slice in turn, and goes to the end of the queue.",
                "In Linux that is the policy SCHED_RR, for real-time threads of the same priority. It needs root or CAP_SYS_NICE, or a limit that allows it (RLIMIT_RTPRIO).",
                correction:
                    "It is fair only among the same priority: a thread of a higher one runs as long as it wants to.")
        case .priority:
            ExplainText(
                "nice, from -20 to 19, is a normal thread's weight: one step is about a tenth of a core.",
                "It does not say who goes first but who gets how much, when there is not enough for all. Real-time priorities, 1 to 99, do say who goes first. Lowering nice needs root, CAP_SYS_NICE or a limit.",
                correction:
                    "A higher nice value is a lower priority. With autogroups on, nice counts only within its session.")
        case .pcb:
            ExplainText(
                "The process control block is all that the kernel knows of a process; Linux calls it task_struct.",
                "State, PID, parent, registers while it does not run, scheduling, memory map, open files, signals, users, limits, namespaces. Every thread has one; those of a process point to the same memory and files. /proc/PID shows most of it.",
                correction:
                    "There is no single block: task_struct points to mm_struct, files_struct, signal_struct, cred and others, some of them shared."
            )
        case .ipc:
            ExplainText(
                "Processes see nothing of each other, so they talk through the kernel or through shared memory.",
                "Pipes, sockets and queues: the kernel copies each message, and lets the reader sleep until one comes. Shared memory: both have the same pages, nothing is copied, but they must agree who writes when (futex, semaphore). A browser's tabs are processes: commands go through sockets, pictures through shared memory.",
                correction: "Shared memory is no slower for going through the kernel: the kernel only sets it up.")
        }
    }

    package static func label(_ fact: ExplainFact) -> String {
        switch fact {
        case .processes: "processes"
        case .threads: "threads"
        case .kernelThreads: "of them the kernel's"
        case .zombies: "zombies"
        case .adopted: "children of PID 1"
        case .runningNow: "running or ready now"
        case .pidLimit: "numbers are below"
        case .lastPID: "given out last"
        case .forksSinceBoot: "forks since boot, threads too"
        case .cores: "cores"
        case .idleShare: "idle since boot"
        case .firstProcess: "PID 1 is"
        case .kernelRelease: "kernel"
        case .switchesPerSecond: "switches, all cores"
        case .roundRobinSlice: "slice of SCHED_RR"
        case .autogroup: "autogroups (1: on)"
        case .unixSockets: "unix sockets"
        case .sharedSegments: "System V segments"
        case .ownPID: "%1 PID"
        case .ownParent: "%1 parent"
        case .ownSession: "%1 session"
        case .ownGroup: "%1 process group"
        case .ownForegroundGroup: "terminal's foreground group"
        case .ownNice: "%1 nice"
        case .ownReserved: "%1 reserved memory"
        case .ownResident: "of it in memory"
        case .ownAnonymous: "%1 own, without files"
        case .ownMappings: "regions"
        case .pageSize: "a page"
        case .ownStack: "%1 stack"
        case .ownStackLimit: "it may grow to"
        case .ownHeap: "%1 [heap]"
        case .ownData: "%1 data"
        case .ownBss: "%1 bss"
        case .ownVoluntarySwitches: "%1 voluntary ones"
        case .ownInvoluntarySwitches: "%1 involuntary ones"
        case .ownStatusLines: "lines in status"
        case .ownCaught: "%1 signals with a handler"
        case .ownThreads: "%1 threads"
        case .ownChildren: "%1 children"
        case .ownZombies: "%1 children that are zombies"
        case .ownState: "%1 state"
        case .ownInnerPID: "PID in its own namespace"
        case .ownIgnored: "signals it ignores"
        case .ownBlocked: "signals it blocks"
        case .ownPending: "signals that wait"
        case .ownSwitchesPerSecond: "%1 switches now"
        case .ownPolicy: "%1 policy"
        case .ownSlice: "%1 slice"
        case .ownProcessor: "core it ran on last"
        case .ownPriority: "priority in the kernel"
        case .ownAutogroupNice: "nice of its autogroup"
        case .ownSockets: "%1 sockets"
        case .ownPipes: "%1 pipes"
        case .ownSharedRegions: "%1 shared regions"
        }
    }

    package static func line(_ event: DemonstrationLine.Event) -> String {
        switch event {
        case .forked: "process %1 forked: fork returned %2 to the parent, and 0 to the child"
        case .sharedBefore: "right after it the two share %1 of %2 pages"
        case .sharedAfter: "the child wrote to a quarter of them: now they share %1, and %2 are copies of its own"
        case .childEnded: "child %1 has ended; its parent, nusu, has not waited yet"
        case .zombieState: "its state in /proc/%1/stat: %2; its memory: %3"
        case .reaped: "nusu has waited: exit status %1; the entry is gone"
        case .orphanBefore: "process %1 has the parent %2"
        case .orphanAfter: "that one ended; the parent of %1 is now %2, %3"
        case .residentAtStart: "a child starts with %1 in memory"
        case .lostBlocks: "it has lost %1 blocks, %2 together: %3 in memory"
        case .freedByEnd: "it has ended: the kernel took all of it back"
        case .pingPong: "two processes passed a byte back and forth through pipes %1 times: %2 each"
        case .pingPongSwitches: "nusu's part of it: %1 voluntary switches, %2 involuntary"
        case .signalCaught: "TERM to child %1, which has a handler: it still runs"
        case .stoppedByKey: "TSTP, as Ctrl+Z sends it: its state is %1; CONT, as fg sends it: %2"
        case .signalKilled: "KILL: ended by signal %1; no handler was asked"
        case .busyShare: "two busy processes on one core for %1: nice 0 got %2 of it, nice 10 got %3"
        case .turnShare: "two busy processes of the same nice on one core for %1: one got %2 of it, the other %3"
        case .turnsEnded: "in turns: the one was pushed off %1 times, the other %2 times"
        case .codeAt: "a function of nusu's is at %1 (text)"
        case .dataAt: "a variable that starts with a value is at %1 (data)"
        case .bssAt: "one that starts as zero is at %1 (bss)"
        case .heapAt: "a block of malloc's is at %1 (heap)"
        case .stackAt: "a local variable is at %1 (stack)"
        case .impossible: "this cannot be shown here: %1"
        }
    }

    package static func word(_ word: ExplainWord) -> String {
        switch word {
        case .here: "here"
        case .see: "see"
        case .correction: "careful"
        case .demonstration: "demo"
        case .topics: "nusu explains %1 notions, each with its live value on this machine."
        case .notKnown: "not known"
        case .notSeen: "not seen"
        case .ofNusu: "nusu's"
        case .ofTarget: "its"
        case .target: "of"
        case .noValue: "this is the machine's, not a process's"
        }
    }
}
