import ArgumentParser

/// The root of the command line: `nusu VERB [TARGET] [OPTIONS]`.
struct NusuCommand: ParsableCommand {
    static let verbs: [any ParsableCommand.Type] = [
        Leaks.self, Heap.self, Why.self, Diff.self, Memory.self, Maps.self, Fds.self, Ipc.self, Watch.self, Ps.self,
        Tree.self, Find.self, Show.self, SignalVerb.self, Kill.self, Explain.self, Top.self, Sched.self,
    ]

    static let configuration = CommandConfiguration(
        commandName: "nusu",
        abstract: "Where did this process's memory go? Looks at running, unmodified programs and does them no harm.",
        discussion: """
            nusu (누수, "leak") needs no restart, no recompilation and no debug symbols. It reads programs that use \
            glibc's malloc on x86-64 Linux, and needs the right to trace them: their own user where the machine allows \
            that, else root or CAP_SYS_PTRACE.

            TARGET is a PID, a name (nginx), a port (:8080: who listens there) or a container (container:3f9c2ab1).

              nusu 1234                    how it is, what limits it, may I look, at what cost; touches nothing
              nusu leaks 1234              what process 1234 has lost
              nusu leaks 1234 --dry-run    what a look would cost; touches nothing
              nusu leaks nginx --newest    the one started last
              nusu leaks :8080 --json      for a script
              nusu heap 1234               what is alive, by type, and who keeps most of it
              nusu heap 1234 --over 60s    which types grow, and who holds them
              nusu memory 1234             where its resident memory goes, and what would help
              nusu why 1234 Session        who keeps the blocks of a type, or the block at an address, alive
              nusu maps 1234               its address space: text, data, heap, stacks, libraries, shared
              nusu leaks 1234 --save a.nusu      keeps the object graph; a file stands for a process everywhere
              nusu diff a.nusu b.nusu      what grew between two of them
              nusu fds 1234                what it has open, and who is at the other end; --over, --lost
              nusu ipc                     who is connected to whom, and what is stuck; of one process, or between two
              nusu ps -ef                  the processes, as ps(1) lists them, and more
              nusu tree                    who started whom, and what needs a look
              nusu find ./cpu              processes by name, path or arguments
              nusu show 1234               what the kernel knows of it, and why it waits
              nusu signal 1234             what each signal would do to it; nusu signal TERM explains one
              nusu kill --ladder 1234      TERM, wait, KILL; says what came of it
              nusu top                     the live screen: what runs, and a closer look at a key
              nusu watch 1234              whether it grows, how fast, and when it reaches its limit
              nusu sched trace 1234        who ran on which core when, who waited, and who ran instead
              nusu sched simulate FILE     threads of a file under seven scheduling policies, side by side
              nusu sched cost              what a switch costs here, and how many the machine makes
              nusu explain zombie          a notion, its live value here, a demo; in English or Korean

            EXIT STATUS
              0   nothing found, and everything was looked at
              1   found: something lost, or with --over and watch something that grew
              2   nothing found, but a part could not be looked at: a lower bound
              64  the command line is wrong, or a name fits several processes
              66  no such target, or it went away
              69  cannot be looked at: allocator, architecture, kernel thread, or too dear under the limits given
              70  a failure of nusu itself
              77  not permitted
              128+n  ended by signal n, after the target went on
            """,
        version: Version.text,
        subcommands: verbs)
}

enum Version {
    static let text = "nusu 0.1.0"
}
