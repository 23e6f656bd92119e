package import SystemPackage

import CLinux
import Glibc

/// A command that nusu has started, followed to its end: there all its threads stand still once more, with the memory that
/// they had.
///
/// Only the first process is followed, through every execve; what it forks runs unseen. It belongs to the thread that made
/// it. Were nusu killed, the kernel would let all threads go, and the command would run on.
package struct TracedCommand: ~Copyable {
    package enum StartFailure: Error, Hashable, Sendable {
        /// There is no such program, or it cannot be run.
        case notRun(Errno)
        /// The kernel lets nusu make no process, or not trace its own child.
        case notTraced(Errno)
    }

    package enum Progress: Hashable, Sendable {
        /// All threads that are left stand at their ends; these are they.
        case standing([Int32])
        /// `.exited` or `.killed`.
        case ended(WaitStatus)
    }

    package let pid: Int32
    /// Threads at their ends, not yet let go.
    private var held: Set<Int32> = []
    /// The process ends as a whole: a thread called exit_group, or a signal ended it.
    private var isEnding = false
    /// The first thread that was held without that being known.
    private var heldSince: Moment?
    private var end: WaitStatus?

    /// An execve ends all other threads as an exit of the process does. Only there the thread that called does not come to
    /// its end: after this time the others are let go.
    private static let execSeconds = 0.25

    /// Starts `arguments`, the first of which is looked for in PATH, with nusu's standard descriptors and environment.
    package static func start(
        _ arguments: [String], mask: borrowing SignalGate
    ) throws(StartFailure) -> TracedCommand {
        guard !arguments.isEmpty else { throw .notRun(.invalidArgument) }
        var gate: [Int32] = [-1, -1]
        var report: [Int32] = [-1, -1]
        defer { for descriptor in gate + report where descriptor >= 0 { close(descriptor) } }
        guard clinux_pipe(&gate) == 0, clinux_pipe(&report) == 0 else { throw .notTraced(Errno(rawValue: errno)) }
        var words = arguments.map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        var previous = mask.previous
        let pid = clinux_spawn_waiting(&words, &previous, gate[0], gate[1], report[1])
        guard pid > 0 else { throw .notTraced(Errno(rawValue: errno)) }
        close(report[1])
        report[1] = -1
        do throws(Errno) {
            try Ptrace.seize(pid, options: [.traceExit, .traceClone])
        } catch {
            // Without the byte the child ends by itself.
            close(gate[1])
            gate[1] = -1
            while waitpid(pid, nil, 0) < 0, errno == EINTR {}
            throw .notTraced(error)
        }
        _ = write(gate[1], "x", 1)
        // The end of the pipe, when the program has begun; or why it has not.
        var code: Int32 = 0
        var count: Int
        repeat { count = read(report[0], &code, 4) } while count < 0 && errno == EINTR
        var command = TracedCommand(pid: pid)
        guard count == 4 else { return command }
        _ = command.letEnd()
        throw .notRun(Errno(rawValue: code))
    }

    private init(pid: Int32) { self.pid = pid }

    deinit { for thread in held { try? Ptrace.detach(thread) } }

    /// Follows the command until all its threads stand at their ends, or it has ended without that.
    ///
    /// Signals that the user sends to nusu alone are handed on; those of the terminal reach the command by themselves.
    package mutating func run() -> Progress {
        while true {
            takeReports()
            if let end { return .ended(end) }
            if !held.isEmpty, areAllHeld() { return .standing(held.sorted()) }
            if let heldSince, !isEnding, Moment.now.seconds(since: heldSince) > TracedCommand.execSeconds {
                release()
            }
            SignalGate.waitForChild(seconds: held.isEmpty ? 0.2 : 0.001) { [pid] in _ = Glibc.kill(pid, $0) }
        }
    }

    /// Lets it end and returns how it did.
    package mutating func letEnd() -> WaitStatus {
        release()
        while true {
            takeReports()
            if let end { return end }
            if !held.isEmpty { release() }
            SignalGate.waitForChild(seconds: 0.05) { [pid] in _ = Glibc.kill(pid, $0) }
        }
    }

    private mutating func release() {
        for thread in held { try? Ptrace.resume(thread) }
        held = []
        heldSince = nil
    }

    /// Whether no thread runs any more.
    private func areAllHeld() -> Bool {
        guard let folder = opendir("/proc/\(pid)/task") else { return false }
        defer { closedir(folder) }
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            guard let thread = Int32(name), !held.contains(thread) else { continue }
            // A first thread that has ended before the others stays as a zombie.
            guard TracedCommand.isZombie("/proc/\(pid)/task/\(name)/stat") else { return false }
        }
        return true
    }

    private static func isZombie(_ path: String) -> Bool {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return true }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 512)
        let count = read(descriptor, &bytes, bytes.count)
        guard count > 0 else { return true }
        // The name in parentheses may hold anything; the state stands behind the last one.
        guard let close = bytes[..<count].lastIndex(of: UInt8(ascii: ")")), close + 2 < count else { return false }
        return bytes[close + 2] == UInt8(ascii: "Z") || bytes[close + 2] == UInt8(ascii: "X")
    }

    /// Takes all reports that there are.
    private mutating func takeReports() {
        var status: Int32 = 0
        while true {
            let thread = waitpid(-1, &status, Int32(bitPattern: 0x4000_0000) | WNOHANG)
            if thread < 0, errno == EINTR { continue }
            guard thread > 0 else { return }
            take(WaitStatus(status: status), signal: status >> 8 & 0xff, of: thread)
        }
    }

    private mutating func take(_ status: WaitStatus, signal: Int32, of thread: Int32) {
        switch status {
        case .exited, .killed:
            held.remove(thread)
            if thread == pid { end = status }
        case .signal(let signal): try? Ptrace.resume(thread, signal: signal)
        case .systemCall, .child: try? Ptrace.resume(thread)
        case .interrupted:
            // SIGTRAP: a new thread. Else a stop of the whole process, in which it stays until it is continued.
            if signal == SIGTRAP { try? Ptrace.resume(thread) } else { try? Ptrace.listen(thread) }
        case .event(let event): if event == 6 { holdAtEnd(thread) } else { try? Ptrace.resume(thread) }
        }
    }

    /// PTRACE_EVENT_EXIT. A thread that ends itself goes, unless it is the last; those that are ended stay until it is known
    /// that the whole process ends.
    private mutating func holdAtEnd(_ thread: Int32) {
        let call = (try? Ptrace.registers(of: thread))?.systemCall
        let isBySignal = ((try? Ptrace.eventMessage(of: thread)) ?? 0) & 0x7f != 0
        held.insert(thread)
        if call == TracedCommand.exitGroup || isBySignal {
            isEnding = true
        } else if call == TracedCommand.exit, !areAllHeld() {
            held.remove(thread)
            try? Ptrace.resume(thread)
            return
        }
        if heldSince == nil { heldSince = .now }
    }

    private static let exit: Int64 = 60
    private static let exitGroup: Int64 = 231
}
