/// A signal of Linux: what man 7 signal says of it. The numbers are those of x86, ARM, RISC-V and PowerPC; MIPS, SPARC,
/// Alpha and PA-RISC have others.
package struct Signal: Hashable, Sendable {
    /// What happens to a process that has neither a handler for it nor ignores it.
    package enum Action: String, CaseIterable, Sendable {
        case terminate
        /// Terminate, with the memory written to a core file where the limits allow one.
        case core
        case stop
        case `continue`
        case ignore
    }

    package let number: Int32
    /// Without `SIG`: "TERM", "RTMIN+1".
    package let name: String
    package let action: Action
    /// Who sends it and why, in a few words.
    package let meaning: String
    /// The key that sends it, as a terminal is usually set; nil for none.
    package var key: String?
    /// Other names for it.
    package var aliases: [String] = []

    /// KILL and STOP can be neither caught nor ignored nor blocked.
    package var isAbsolute: Bool { number == Signal.kill || number == Signal.stop }
    package var isRealTime: Bool { number >= Signal.firstRealTime }

    package static let hangup: Int32 = 1
    package static let kill: Int32 = 9
    package static let terminate: Int32 = 15
    package static let child: Int32 = 17
    package static let resume: Int32 = 18
    package static let stop: Int32 = 19
    /// TSTP, TTIN and TTOU: the stops that a terminal sends.
    package static let terminalStops: ClosedRange<Int32> = 20...22
    /// SIGRTMIN as glibc has it: it keeps the kernel's first two, 32 and 33, for its threads (musl keeps three).
    package static let firstRealTime: Int32 = 34
    package static let last: Int32 = 64

    package static func number(_ number: Int32) -> Signal? {
        (1...last).contains(number) ? all[Int(number) - 1] : nil
    }

    /// "TERM", "SIGTERM", "term", "RTMIN+3", "RTMAX-1"; nil for what is none.
    package static func named(_ text: String) -> Signal? {
        var name = text.uppercased()
        if name.hasPrefix("SIG") { name.removeFirst(3) }
        // Those that the C library keeps have numbers for names, and digits are a process's.
        guard let first = name.first, !first.isNumber else { return nil }
        if let signal = all.first(where: { $0.name == name || $0.aliases.contains(name) }) { return signal }
        return realTime(name)
    }

    /// What `128 + n` says of an exit status: the signal that ended a program, as shells report it.
    package static func ofExitStatus(_ status: Int32) -> Signal? {
        status > 128 ? number(status - 128) : nil
    }

    private static func realTime(_ name: String) -> Signal? {
        let base: Int32
        let sign: Int32
        if name.hasPrefix("RTMIN+") {
            (base, sign) = (firstRealTime, 1)
        } else if name.hasPrefix("RTMAX-") {
            (base, sign) = (last, -1)
        } else {
            return nil
        }
        guard let step = Int32(name.dropFirst(6)), (0...last - firstRealTime).contains(step) else { return nil }
        return number(base + sign * step)
    }
}

extension Signal {
    /// All signals, 1 to 64, in order of their numbers.
    package static let all: [Signal] = standard + reserved + realTimeSignals

    private static let standard: [Signal] = [
        Signal(
            number: 1, name: "HUP", action: .terminate,
            meaning: "the terminal was closed; many daemons read their settings again"),
        Signal(number: 2, name: "INT", action: .terminate, meaning: "the user interrupts", key: "Ctrl+C"),
        Signal(
            number: 3, name: "QUIT", action: .core, meaning: "the user quits and wants a core file", key: "Ctrl+\\"),
        Signal(number: 4, name: "ILL", action: .core, meaning: "an instruction that the processor does not know"),
        Signal(number: 5, name: "TRAP", action: .core, meaning: "a breakpoint, or Swift's and the compiler's trap"),
        Signal(
            number: 6, name: "ABRT", action: .core, meaning: "the program gave up by itself: abort(), a failed assert",
            aliases: ["IOT"]),
        Signal(
            number: 7, name: "BUS", action: .core, meaning: "memory that cannot be had: a mapped file became shorter"),
        Signal(number: 8, name: "FPE", action: .core, meaning: "an impossible calculation: division by zero"),
        Signal(
            number: 9, name: "KILL", action: .terminate,
            meaning: "end it now; nobody can refuse. The kernel sends it when memory runs out"),
        Signal(number: 10, name: "USR1", action: .terminate, meaning: "the program's own, first"),
        Signal(number: 11, name: "SEGV", action: .core, meaning: "memory that is not there, or not the program's"),
        Signal(number: 12, name: "USR2", action: .terminate, meaning: "the program's own, second"),
        Signal(number: 13, name: "PIPE", action: .terminate, meaning: "it wrote to a pipe or socket that nobody reads"),
        Signal(number: 14, name: "ALRM", action: .terminate, meaning: "the time set with alarm() is over"),
        Signal(number: 15, name: "TERM", action: .terminate, meaning: "please end; what kill sends by itself"),
        Signal(number: 16, name: "STKFLT", action: .terminate, meaning: "not used by any kernel of today"),
        Signal(
            number: 17, name: "CHLD", action: .ignore, meaning: "a child ended, stopped or went on", aliases: ["CLD"]),
        Signal(number: 18, name: "CONT", action: .continue, meaning: "go on after a stop; the shell's fg and bg"),
        Signal(number: 19, name: "STOP", action: .stop, meaning: "stand still until CONT; nobody can refuse"),
        Signal(number: 20, name: "TSTP", action: .stop, meaning: "the user wants it to stand still", key: "Ctrl+Z"),
        Signal(number: 21, name: "TTIN", action: .stop, meaning: "it read from the terminal, but is in the background"),
        Signal(
            number: 22, name: "TTOU", action: .stop,
            meaning: "it wrote to the terminal or set it, but is in the background"),
        Signal(number: 23, name: "URG", action: .ignore, meaning: "a socket has urgent data"),
        Signal(number: 24, name: "XCPU", action: .core, meaning: "its processor time is used up (RLIMIT_CPU)"),
        Signal(number: 25, name: "XFSZ", action: .core, meaning: "a file grew over its limit (RLIMIT_FSIZE)"),
        Signal(
            number: 26, name: "VTALRM", action: .terminate, meaning: "a timer of its own processor time (setitimer)"),
        Signal(number: 27, name: "PROF", action: .terminate, meaning: "a profiler's timer (setitimer)"),
        Signal(number: 28, name: "WINCH", action: .ignore, meaning: "the terminal's window changed its size"),
        Signal(
            number: 29, name: "IO", action: .terminate, meaning: "a descriptor is ready (O_ASYNC)", aliases: ["POLL"]),
        Signal(number: 30, name: "PWR", action: .terminate, meaning: "the power fails; containers: shut down"),
        Signal(
            number: 31, name: "SYS", action: .core, meaning: "a system call that is forbidden (seccomp) or unknown",
            aliases: ["UNUSED"]),
    ]

    private static let reserved: [Signal] = [
        Signal(number: 32, name: "32", action: .terminate, meaning: "the C library's own: cancels a thread"),
        Signal(number: 33, name: "33", action: .terminate, meaning: "the C library's own: setuid() in all threads"),
    ]

    private static let realTimeSignals: [Signal] = (firstRealTime...last).map { number in
        // As `kill -l` of bash names them: from the nearer end.
        let fromFirst = number - firstRealTime
        let fromLast = last - number
        let name =
            fromFirst == 0
            ? "RTMIN" : fromLast == 0 ? "RTMAX" : fromFirst <= 15 ? "RTMIN+\(fromFirst)" : "RTMAX-\(fromLast)"
        return Signal(
            number: number, name: name, action: .terminate,
            meaning: "the program's own; queued, so that none is lost")
    }
}
