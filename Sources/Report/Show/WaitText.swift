import Analysis
import Model

/// Why a thread waits, in words that follow its name.
enum WaitText {
    /// - Parameter namesCall: also say in which system call.
    static func reason(_ reason: WaitReason, namesCall: Bool = true) -> String {
        let call = namesCall ? reason.call.map { " in \($0)" } ?? "" : ""
        switch reason.cause {
        case .running: return "runs, or is ready to"
        case .child: return "waits\(call) for " + (reason.awaited.isEmpty ? "a child" : children(reason.awaited.count))
        case .pipe(_, let isReading, let isOwn):
            return "waits\(call) " + pipe("a pipe", isReading, isOwn, reason)
        case .fifo(let path, let isReading, let isOwn):
            return "waits\(call) " + pipe("the FIFO \(TerminalText.escaped(path))", isReading, isOwn, reason)
        case .socket(let wait): return "waits\(call) " + SocketText.wait(wait, others(reason.awaited))
        case .fileLock:
            return "waits\(call) for a lock of a file"
                + (others(reason.awaited).map { " that \($0) has" } ?? ", holder not known")
        case .descriptor(let target):
            return "waits\(call) on descriptor \(reason.descriptor ?? 0), \(TerminalText.escaped(target))"
        case .descriptors(let kinds):
            return "waits\(call) " + several(kinds) + (others(reason.awaited).map { " to \($0)" } ?? "")
                + (reason.hasTimeout ? ", or a time is over" : "")
        case .timer: return "sleeps\(call) until a time is over"
        case .signal: return "waits\(call) for a signal"
        case .memoryLock(let lock): return "waits\(call) " + memory(lock, reason)
        case .semaphore: return "waits\(call) for a System V semaphore, which has no owner"
        case .stopped(let signal): return "is stopped by \(SignalOutlookText.stopper(signal)); CONT lets it go on"
        case .tracer(let pid): return "is held by its tracer \(pid)"
        case .zombie(let parent): return "has ended; its parent \(parent) must wait for it"
        case .other:
            return "waits" + (reason.call.map { " in \($0)" } ?? reason.channel.map { " in the kernel's \($0)" } ?? "")
        case .notPermitted: return "waits; for what may not be seen"
        }
    }

    /// For one line of many: without saying that nobody can be named.
    static func brief(_ reason: WaitReason, namesCall: Bool = true) -> String {
        guard case .memoryLock(let lock) = reason.cause, lock.kind == .anonymous, reason.awaited.isEmpty else {
            return self.reason(reason, namesCall: namesCall)
        }
        return "waits" + (namesCall ? reason.call.map { " in \($0)" } ?? "" : "") + " for a condition or a lock "
            + (lock.isShared == true ? "in shared memory" : "in memory")
    }

    private static func pipe(_ what: String, _ isReading: Bool, _ isOwn: Bool, _ reason: WaitReason) -> String {
        let who = others(reason.awaited) ?? "somebody"
        let unseen =
            isOwn ? ", whose other end only it has open" : ", which no other process that can be seen has open"
        return "for \(who) to \(isReading ? "write to" : "read from") \(what) (descriptor \(reason.descriptor ?? 0))"
            + (reason.awaited.isEmpty ? unseen : "")
    }

    private static func children(_ count: Int) -> String {
        count == 1 ? "its child" : "one of \(Units.grouped(count)) children"
    }

    /// "nginx(910)", "one of nginx(910), nginx(911) and 3 more"; nil for nobody.
    private static func others(_ awaited: [WaitReason.Awaited]) -> String? {
        let names = awaited.map { ShowReport.name($0.process) }
        guard names.count > 1 else { return names.first }
        if names.count == 2 { return "\(names[0]) or \(names[1])" }
        return "one of \(names[0]), \(names[1]) and \(Units.grouped(names.count - 2)) more"
    }

    /// "for 3 sockets and 1 timer".
    private static func several(_ kinds: [String: Int]) -> String {
        let sorted = kinds.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
        let texts = sorted.map { Units.counted($0.value, TerminalText.escaped(noun($0.key))) }
        guard let last = texts.last else { return "for one of its descriptors" }
        return "for " + (texts.count == 1 ? last : texts.dropLast().joined(separator: ", ") + " and \(last)")
    }

    /// The kernel's names for what it has no file for.
    private static func noun(_ kind: String) -> String {
        switch kind {
        case "timerfd": "timer"
        case "eventfd": "event counter"
        case "signalfd": "signal descriptor"
        case "eventpoll": "epoll descriptor"
        case "inotify": "file watch"
        case "pidfd": "process descriptor"
        default: kind
        }
    }

    private static func memory(_ lock: MemoryLock, _ reason: WaitReason) -> String {
        let place = lock.isShared == true ? "in shared memory" : "in memory"
        if let number = lock.missingOwner {
            return "for a lock \(place) whose owner, thread \(number), is not there any more"
        }
        guard let owner = reason.awaited.first, let thread = owner.thread else {
            return "for a condition or a lock \(place), which does not tell who could end the wait"
        }
        let isOwn = owner.process.pid == reason.process.pid
        if lock.kind == .thread { return "for its thread \(thread) to end" }
        if thread == reason.thread { return "for a lock \(place) that it holds itself" }
        return "for a lock \(place) that " + (isOwn ? "its thread \(thread)" : holder(owner, thread)) + " holds"
    }

    private static func holder(_ owner: WaitReason.Awaited, _ thread: Int32) -> String {
        let name = ShowReport.name(owner.process)
        return thread == owner.process.pid ? name : "thread \(thread) of \(name)"
    }

    /// A thread as the subject of a sentence in a report of `target`.
    private static func who(_ link: WaitReason, _ target: Int32) -> String {
        if link.thread == link.process.pid { return ShowReport.name(link.process) }
        return link.process.pid == target
            ? "its thread \(link.thread)" : "thread \(link.thread) of \(ShowReport.name(link.process))"
    }

    /// What a sure circle means for the target, in words that follow its name.
    static func deadlock(_ chain: WaitChain, of target: Int32) -> String {
        let circle = chain.circle
        let isWithin = circle.contains { $0.process.pid == target }
        if circle.count == 1, let one = circle.first {
            return isWithin
                ? "is in a deadlock: thread \(one.thread) waits for itself"
                : "waits for \(ShowReport.name(one.process)), which waits for itself"
        }
        guard let first = circle.first, circle.allSatisfy({ $0.process.pid == first.process.pid }) else {
            let count = Set(circle.map(\.process.pid)).count
            return (isWithin ? "is in" : "waits for") + " a deadlock of \(Units.grouped(count)) processes"
        }
        let numbers = circle.prefix(4).map { "\($0.thread)" }
        let more = circle.count > 4 ? " and \(Units.grouped(circle.count - 4)) more" : ""
        let list =
            more.isEmpty
            ? numbers.dropLast().joined(separator: ", ") + " and \(numbers.last ?? "")"
            : numbers.joined(separator: ", ") + more
        if isWithin { return "is in a deadlock: its threads \(list) wait for each other" }
        return "waits for \(ShowReport.name(first.process)), whose threads \(list) wait for each other"
    }

    /// One line for each link behind the target's main thread, and what a circle means.
    static func chain(_ chain: WaitChain, of target: Int32) -> [String] {
        var lines: [String] = []
        for (index, link) in chain.links.enumerated().dropFirst().prefix(8) {
            let others = chain.links[index - 1].awaited.count - 1
            let among = others > 0 ? " (and \(Units.grouped(others)) more)" : ""
            lines.append("\(who(link, target))\(among) \(reason(link))")
        }
        let shown = Set(chain.links.map(\.thread))
        for link in chain.circle.prefix(8) where !shown.contains(link.thread) {
            lines.append("\(who(link, target)) \(reason(link))")
        }
        if !chain.circle.isEmpty {
            let isWithin = chain.circle.allSatisfy { $0.process.pid == target }
            let names = (chain.circle + chain.circle.prefix(1)).prefix(9).map {
                isWithin ? "thread \($0.thread)" : who($0, target)
            }
            let verdict = chain.isDeadlock ? "deadlock" : "a circle, perhaps a deadlock"
            lines.append("\(verdict): \(names.joined(separator: " waits for "))")
        }
        return lines
    }

    static func json(_ reason: WaitReason) -> JSONValue {
        var fields: [String: JSONValue] = [
            "pid": JSONValue(reason.process.pid), "tid": JSONValue(reason.thread), "call": JSONValue(reason.call),
            "waitChannel": JSONValue(reason.channel), "descriptor": JSONValue(reason.descriptor),
            "reason": .string(self.reason(reason)), "hasTimeout": JSONValue(reason.hasTimeout),
            "awaited": .array(reason.awaited.map { JSONValue($0.process.pid) }),
            "awaitedThreads": .array(reason.awaited.map { JSONValue($0.thread) }), "socket": .null, "lock": .null,
        ]
        if case .socket(let wait) = reason.cause { fields["socket"] = SocketText.json(wait) }
        if case .memoryLock(let lock) = reason.cause {
            fields["lock"] = .object([
                "kind": .string(lock.kind.rawValue), "isShared": lock.isShared.map { JSONValue($0) } ?? .null,
                "missingOwner": JSONValue(lock.missingOwner),
            ])
        }
        fields.set("command", bytes: reason.process.commandBytes)
        return .object(fields)
    }
}
