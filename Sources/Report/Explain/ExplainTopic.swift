import Analysis
package import Model

/// What `nusu explain` can be asked.
package enum ExplainTopic: String, CaseIterable, Hashable, Sendable {
    case process, pid, parent, fork, idle, `init`, end, shell, signal, zombie, orphan
    case addressSpace = "address-space"
    case stack, heap, data, bss, leak, raii
    case contextSwitch = "context-switch"
    case scheduler
    case roundRobin = "round-robin"
    case priority, pcb, ipc

    /// A small program that shows it, and ends by itself.
    package enum Demonstration: String, CaseIterable, Sendable {
        case fork, zombie, orphan, leak, pingPong, signal, priority, turns, addresses
    }

    /// The topic of that name, or of one that people use for it; nil for none.
    package static func named(_ text: String) -> ExplainTopic? {
        let name = String(text.lowercased().map { " _+".contains($0) ? "-" : $0 })
        for name in [name, name.hasSuffix("s") ? String(name.dropLast()) : name] {
            if let topic = ExplainTopic(rawValue: name) ?? aliases[name] { return topic }
        }
        return Signal.named(text) == nil ? nil : .signal
    }

    private static let aliases: [String: ExplainTopic] = [
        "child": .parent, "ppid": .parent, "cow": .fork, "copy-on-write": .fork, "pid0": .idle, "pid1": .`init`,
        "exit": .end, "job-control": .shell, "ctrl-c": .shell, "ctrl-z": .shell, "kill": .signal,
        "virtual-memory": .addressSpace, "memory": .addressSpace, "smart-pointer": .raii, "smart-pointers": .raii,
        "switch": .contextSwitch, "eevdf": .scheduler, "rr": .roundRobin, "nice": .priority, "task-struct": .pcb,
        "process-control-block": .pcb, "shared-memory": .ipc, "pipe": .ipc, "defunct": .zombie,
        "children": .parent, "pid-0": .idle, "pid-1": .`init`, "swapper": .idle, "job": .shell, "foreground": .shell,
        "ctrl-\\": .shell, "virtual": .addressSpace, "physical": .addressSpace, "virtual-address": .addressSpace,
        "memory-leak": .leak, "unique-ptr": .raii, "shared-ptr": .raii, "scheduling": .scheduler, "malloc": .heap,
        "orphan-process": .orphan, "zombie-process": .zombie, "daemon": .orphan, "socket": .ipc,
    ]

    package var demonstration: Demonstration {
        switch self {
        case .process, .pid, .parent, .fork: .fork
        case .end, .zombie: .zombie
        case .`init`, .orphan: .orphan
        case .leak, .raii: .leak
        case .contextSwitch, .ipc: .pingPong
        case .shell, .signal: .signal
        case .priority: .priority
        case .idle, .scheduler, .roundRobin: .turns
        case .addressSpace, .stack, .heap, .data, .bss, .pcb: .addresses
        }
    }

    /// Its live values, in the order in which they are shown.
    package var facts: [ExplainFact] {
        switch self {
        case .process: [.processes, .kernelThreads, .threads, .ownPID]
        case .pid: [.ownPID, .lastPID, .pidLimit]
        case .parent: [.ownPID, .ownParent]
        case .fork: [.forksSinceBoot, .pageSize]
        case .idle: [.cores, .idleShare]
        case .`init`: [.firstProcess, .adopted]
        case .end: [.zombies, .forksSinceBoot, .processes]
        case .shell: [.ownSession, .ownGroup, .ownForegroundGroup]
        case .signal: [.ownCaught]
        case .zombie: [.zombies]
        case .orphan: [.adopted, .firstProcess]
        case .addressSpace: [.ownReserved, .ownResident, .ownMappings, .pageSize]
        case .stack: [.ownStack, .ownStackLimit]
        case .heap: [.ownHeap, .ownAnonymous]
        case .data: [.ownData]
        case .bss: [.ownBss]
        case .leak: [.ownAnonymous, .ownResident]
        case .raii: [.ownAnonymous]
        case .contextSwitch: [.switchesPerSecond, .ownVoluntarySwitches, .ownInvoluntarySwitches]
        case .scheduler: [.kernelRelease, .cores, .runningNow]
        case .roundRobin: [.roundRobinSlice]
        case .priority: [.ownNice, .autogroup]
        case .pcb: [.ownStatusLines, .ownPID]
        case .ipc: [.unixSockets, .sharedSegments]
        }
    }

    /// Of a process that is asked about, in the order in which they are shown; empty where the notion has no value of one process.
    package var processFacts: [ExplainFact] {
        switch self {
        case .process: [.ownPID, .ownThreads, .ownState]
        case .pid: [.ownPID, .ownInnerPID]
        case .parent: [.ownPID, .ownParent, .ownChildren]
        case .fork: [.ownParent, .ownChildren]
        case .idle: []
        case .`init`, .orphan: [.ownParent]
        case .end: [.ownState, .ownZombies]
        case .shell: [.ownSession, .ownGroup, .ownForegroundGroup, .ownState]
        case .signal: [.ownCaught, .ownIgnored, .ownBlocked, .ownPending]
        case .zombie: [.ownState, .ownZombies]
        case .addressSpace: [.ownReserved, .ownResident, .ownMappings]
        case .stack: [.ownStack, .ownStackLimit]
        case .heap: [.ownHeap, .ownAnonymous]
        case .data: [.ownData]
        case .bss: [.ownBss]
        case .leak: [.ownAnonymous, .ownResident]
        case .raii: [.ownAnonymous]
        case .contextSwitch: [.ownSwitchesPerSecond, .ownVoluntarySwitches, .ownInvoluntarySwitches]
        case .scheduler: [.ownPolicy, .ownSlice, .ownProcessor]
        case .roundRobin: [.ownPolicy]
        case .priority: [.ownNice, .ownPriority, .ownPolicy, .ownAutogroupNice]
        case .pcb: [.ownStatusLines, .ownPID, .ownState]
        case .ipc: [.ownSockets, .ownPipes, .ownSharedRegions]
        }
    }

    /// A command that shows more. `PID` stands for a number.
    package var command: String {
        switch self {
        case .process: "nusu ps -ef"
        case .pid: "cat /proc/sys/kernel/pid_max"
        case .parent: "nusu tree PID"
        case .fork: "strace -f -e trace=process sh -c date"
        case .idle: "head -1 /proc/stat"
        case .`init`: "nusu signal 1"
        case .end: "nusu kill --dry-run PID"
        case .shell: "nusu ps -o pid,pgid,sid,tpgid,tty,stat,comm"
        case .signal: "nusu signal"
        case .zombie: "nusu tree"
        case .orphan: "nusu ps -o pid,ppid,comm --ppid 1"
        case .addressSpace, .stack, .data, .bss: "nusu maps PID"
        case .heap: "nusu heap PID"
        case .leak: "nusu leaks PID"
        case .raii: "nusu why PID TYPE"
        case .contextSwitch: "nusu sched trace PID"
        case .scheduler: "cat /proc/PID/sched"
        case .roundRobin: "chrt -p PID"
        case .priority: "nusu ps -o pid,ni,pri,cls,comm -p PID"
        case .pcb: "nusu show PID --explain"
        case .ipc: "nusu ipc PID"
        }
    }
}

/// The words of one language.
package protocol ExplainLanguage: Sendable {
    static func text(_ topic: ExplainTopic) -> ExplainText
    /// With %1 for whose it is.
    static func label(_ fact: ExplainFact) -> String
    /// With %1, %2 … for the values.
    static func line(_ event: DemonstrationLine.Event) -> String
    static func word(_ word: ExplainWord) -> String
}

/// An explanation in one language.
package struct ExplainText: Hashable, Sendable {
    /// The notion in one sentence: the screen's first line.
    let headline: String
    /// A few plain sentences.
    let body: String
    /// What text books often get wrong, put right; nil for nothing.
    var correction: String?

    init(_ headline: String, _ body: String, correction: String? = nil) {
        self.headline = headline
        self.body = body
        self.correction = correction
    }
}

/// What stands around the explanations.
package enum ExplainWord: CaseIterable, Sendable {
    case here, see, correction, demonstration, topics, notKnown, notSeen
    /// Whose a fact is: nusu's, or the asked process's.
    case ofNusu, ofTarget
    /// What stands before the process's name, and instead of its values where the notion has none.
    case target, noValue
}

package enum ExplainTongue: String, CaseIterable, Sendable {
    case english = "en"
    case korean = "ko"

    /// From the environment's LC_ALL, LC_MESSAGES or LANG, whichever is set first: "ko_KR.UTF-8".
    package init(locale: String) { self = locale.hasPrefix("ko") ? .korean : .english }

    var language: any ExplainLanguage.Type {
        switch self {
        case .english: ExplainEnglish.self
        case .korean: ExplainKorean.self
        }
    }
}
