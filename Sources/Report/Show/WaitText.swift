import Analysis
import Model

/// Why a process waits, in words that follow its name.
enum WaitText {
    static func reason(_ reason: WaitReason) -> String {
        let call = reason.call.map { " in \($0)" } ?? ""
        switch reason.cause {
        case .running: return "runs, or is ready to"
        case .child: return "waits\(call) for " + (reason.awaited.isEmpty ? "a child" : children(reason.awaited.count))
        case .pipe(_, let isReading):
            let what = isReading ? "for somebody to write to" : "for somebody to read from"
            let other = reason.awaited.isEmpty ? ", which no other process that can be seen has open" : ""
            return "waits\(call) \(what) a pipe (descriptor \(reason.descriptor ?? 0))\(other)"
        case .fileLock:
            return "waits\(call) for a lock of a file" + (reason.awaited.isEmpty ? ", holder not known" : "")
        case .descriptor(let target):
            return "waits\(call) on descriptor \(reason.descriptor ?? 0), \(descriptor(target))"
        case .descriptors: return "waits\(call) until one of its descriptors is ready, or a time is over"
        case .timer: return "sleeps\(call) until a time is over"
        case .signal: return "waits\(call) for a signal"
        case .memoryLock: return "waits\(call) for a lock or a condition in memory; who holds it cannot be told"
        case .stopped: return "is stopped by a signal; CONT lets it go on"
        case .tracer(let pid): return "is held by its tracer \(pid)"
        case .zombie(let parent): return "has ended; its parent \(parent) must wait for it"
        case .other:
            return "waits" + (reason.call.map { " in \($0)" } ?? reason.channel.map { " in the kernel's \($0)" } ?? "")
        case .notPermitted: return "waits; for what may not be seen"
        }
    }

    private static func children(_ count: Int) -> String { count == 1 ? "its child" : "one of \(count) children" }

    private static func descriptor(_ target: [UInt8]) -> String {
        if target.starts(with: "socket:".utf8) { return "a socket; who is at the other end is not looked at" }
        return TerminalText.escaped(target)
    }

    /// One line for each link behind the target, and what a circle means.
    static func chain(_ chain: WaitChain) -> [String] {
        var lines: [String] = []
        for (index, link) in chain.links.enumerated().dropFirst().prefix(8) {
            let others = chain.links[index - 1].awaited.count - 1
            let among = others > 0 ? " (and \(others) more)" : ""
            lines.append("\(ShowReport.name(link.process))\(among) \(reason(link))")
        }
        if !chain.circle.isEmpty {
            let names = (chain.circle + chain.circle.prefix(1)).prefix(9).map { ShowReport.name($0.process) }
            let verdict = chain.isDeadlock ? "deadlock" : "a circle, perhaps a deadlock"
            lines.append("\(verdict): \(names.joined(separator: " waits for "))")
        }
        return lines
    }
}
