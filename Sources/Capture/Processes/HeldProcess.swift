import Kernel
package import Model
package import SystemPackage

/// A process that was resolved and is held by a pidfd from then on: what is sent reaches it or nobody.
package final class HeldProcess: Sendable {
    /// How a process ended.
    package enum Ending: Hashable, Sendable {
        case exited(status: Int32)
        case killed(signal: Int32)
    }

    package let identity: ProcessIdentity
    private let procfs: ProcFS
    private let descriptor: ProcessDescriptorBox

    /// The kernel has no pidfds: the start time is looked at right before each signal instead.
    package var isByNumber: Bool { descriptor.isMissing }

    /// - Throws: `.noTarget` when it is gone, or another process has its number by now.
    package init(_ identity: ProcessIdentity, _ procfs: ProcFS) throws(Failure) {
        self.identity = identity
        self.procfs = procfs
        descriptor = ProcessDescriptorBox(identity.pid)
        // The number was this process's when it was resolved and is now: so it was when the descriptor was made.
        guard try procfs.stat(of: identity.pid).startTicks == identity.startTicks else {
            throw Failure(
                .noTarget, what: "\(identity) ended, and another process has its number now",
                subject: identity.description, remedy: "look for it with: nusu signal NAME, or ps -e")
        }
    }

    /// - Throws: `.noSuchProcess`, `.notPermitted`.
    package func send(_ signal: Int32) throws(Errno) {
        if isByNumber, !isStillThere { throw .noSuchProcess }
        try descriptor.send(signal, pid: identity.pid)
    }

    package func hasEnded(within seconds: Double = 0) -> Bool {
        if let ended = descriptor.hasEnded(within: seconds) { return ended }
        let deadline = Moment.now.after(seconds: seconds)
        while true {
            let stat = try? procfs.stat(of: identity.pid)
            guard let stat, stat.startTicks == identity.startTicks else { return true }
            if stat.isZombie, stat.threadCount <= 1 { return true }
            guard Moment.now < deadline else { return false }
            Pause.sleep(seconds: 0.005)
        }
    }

    /// How it ended; nil where that cannot be known. For a process that has ended.
    package func ending() -> Ending? {
        // Its parent may be about to wait for it.
        for _ in 0..<5 {
            if let ending = descriptor.ending().flatMap(HeldProcess.ending) { return ending }
            if let code = zombieCode() { return HeldProcess.ending(WaitStatus(status: code)) }
            Pause.sleep(seconds: 0.005)
        }
        return nil
    }

    private var isStillThere: Bool {
        (try? procfs.stat(of: identity.pid))?.startTicks == identity.startTicks
    }

    /// Field 52 of the zombie's `stat`, which is 0 for those who may not read it: whoever may, can read `io` too.
    private func zombieCode() -> Int32? {
        guard let bytes = try? procfs.read("stat", of: identity.pid, limit: ProcFS.Limit.small),
            let stat = ProcessStat(parsing: bytes), stat.startTicks == identity.startTicks, stat.isZombie,
            (try? procfs.read("io", of: identity.pid, limit: ProcFS.Limit.small)) != nil,
            let close = bytes.lastIndex(of: UInt8(ascii: ")"))
        else { return nil }
        let words = bytes[(close + 1)...].split { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\n") }
        return words.count > 49 ? Int32(String(decoding: words[49], as: UTF8.self)) : nil
    }

    private static func ending(_ status: WaitStatus) -> Ending? {
        switch status {
        case .exited(let code): .exited(status: code)
        case .killed(let signal): .killed(signal: signal)
        default: nil
        }
    }
}

/// A descriptor where the kernel gives one. A class cannot have a stored optional of it that is lent out.
private struct ProcessDescriptorBox: ~Copyable, Sendable {
    private let descriptor: ProcessDescriptor?

    init(_ pid: Int32) { descriptor = try? ProcessDescriptor(pid) }

    var isMissing: Bool {
        switch descriptor {
        case .some: false
        case .none: true
        }
    }

    borrowing func send(_ signal: Int32, pid: Int32) throws(Errno) {
        switch descriptor {
        case .some(let descriptor): try descriptor.send(signal)
        case .none: try ProcessDescriptor.send(signal, toNumber: pid)
        }
    }

    borrowing func hasEnded(within seconds: Double) -> Bool? {
        switch descriptor {
        case .some(let descriptor): descriptor.hasEnded(within: seconds)
        case .none: nil
        }
    }

    borrowing func ending() -> WaitStatus? {
        switch descriptor {
        case .some(let descriptor): descriptor.ending()
        case .none: nil
        }
    }
}
