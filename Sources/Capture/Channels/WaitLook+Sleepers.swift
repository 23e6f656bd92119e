import Model

/// A thread that sleeps in a call.
struct Sleeper: Sendable {
    var pid: Int32
    var thread: Int32
    var call: ProcFS.SystemCall
    var kind: WaitingCall.Kind
    /// Of calls whose arguments lie in memory.
    var reason: WaitReason?
}

extension WaitLook {
    enum Found {
        /// Its calls may not be seen.
        case refused
        case asleep(Sleeper)
        /// It runs, or sleeps at nothing that joins processes.
        case elsewhere
    }

    /// - Parameters:
    ///   - mappings: the memory that others share with the process.
    ///   - writes: whether it has the end of something that may be full.
    func sleeper(_ pid: Int32, _ thread: Int32, mappings: [Mapping], writes: Bool) -> Found {
        let call: ProcFS.SystemCall
        do {
            call = try procfs.call(of: pid, thread: thread)
        } catch { return error.kind == .notPermitted ? .refused : .elsewhere }
        guard let number = call.number, let kind = WaitingCall.number(number)?.kind else { return .elsewhere }
        var sleeper = Sleeper(pid: pid, thread: thread, call: call, kind: kind)
        switch kind {
        case .write, .semaphore, .descriptor, .other: break
        case .read: guard writes else { return .elsewhere }
        case .several, .connect:
            guard writes else { return .elsewhere }
            sleeper.reason = reason(of: pid, thread: thread)
        case .futex:
            // FUTEX_PRIVATE_FLAG: of the process alone.
            guard call.arguments.count > 1, call.arguments[1] & 128 == 0,
                mappings.contains(where: { $0.range.contains(call.arguments[0]) })
            else { return .elsewhere }
            sleeper.reason = reason(of: pid, thread: thread)
        default: return .elsewhere
        }
        return .asleep(sleeper)
    }
}
