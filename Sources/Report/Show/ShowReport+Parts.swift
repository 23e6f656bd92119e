import Analysis
import Model

extension ShowReport {
    /// One part of it, whole: nothing is cut but the lines of tables on a terminal.
    package func text(_ part: ShowPart, _ style: TextStyle) -> String {
        let lines =
            switch part {
            case .command: commandLines(style)
            case .environment: environmentLines(style)
            case .locks: lockLines(style)
            case .calls: callLines(style)
            }
        var result = lines
        for gap in (details?.gaps ?? []) + (part == .calls ? portrait.gaps : []) {
            result += ["", style.fit("  not seen   \(gap.what)"), style.fit("             \(gap.reason)")]
        }
        if style.isTerminal {
            result.append(style.fit("next: nusu show \(stat.pid)      all that the kernel knows of it"))
        }
        return result.joined(separator: "\n") + "\n"
    }

    /// Of a zombie; without its main thread others may go on.
    private var ended: String {
        let others = stat.threadCount - 1
        return others > 0 ? "goes on in \(Units.counted(others, "thread")): its main thread has ended" : "has ended"
    }

    private var name: String { "\(TerminalText.escaped(identity.commandBytes)) (\(identity.pid))" }

    // MARK: The command line

    private func commandLines(_ style: TextStyle) -> [String] {
        guard let arguments, let bytes = portrait.record.argumentBytes else {
            return [style.strong("The command line of \(name) may not be seen.")]
        }
        if arguments.isEmpty {
            let why =
                stat.isKernelThread
                ? "is a thread of the kernel: it has no command line"
                : stat.isZombie ? "\(ended), and its command line with it" : "has written over its command line"
            return [style.strong("\(name) \(why).")]
        }
        let count = Units.counted(arguments.count, "argument")
        var lines = [style.strong("\(name) has a command line of \(count), \(Units.counted(bytes.count, "byte")).")]
        // A program that writes its own title over them leaves one, with blanks, that no shell would take.
        let only = arguments.count == 1 ? arguments.first.map { TerminalText.escaped($0) } : nil
        lines += ["", only ?? arguments.map(ShellText.quoted).joined(separator: " ")]
        if let program = portrait.record.executable {
            lines += ["", "  program    \(TerminalText.escaped(program))"]
        }
        return lines
    }

    /// Without the empty ones at the end, which are left where a program shortened its own.
    var arguments: [[UInt8]]? {
        portrait.record.argumentBytes.map { bytes in
            var parts = bytes.split(separator: 0, omittingEmptySubsequences: false).map { Array($0) }
            while parts.last?.isEmpty == true { parts.removeLast() }
            return parts
        }
    }

    // MARK: The environment

    /// Each variable with its `=`, as it stands.
    private var variables: [[UInt8]] {
        (details?.environmentBytes ?? []).split(separator: 0).map { Array($0) }
    }

    private func environmentLines(_ style: TextStyle) -> [String] {
        let variables = variables
        guard !variables.isEmpty else {
            let why =
                stat.isKernelThread
                ? "is a thread of the kernel: it has no environment"
                : stat.isZombie
                    ? "\(ended), and its environment with it"
                    : details?.environmentBytes?.isEmpty == false
                        ? "has written over the environment that it was started with"
                        : "was started with an empty environment"
            return [style.strong("\(name) \(why).")]
        }
        let size = Units.bytes(UInt64(details?.environmentBytes?.count ?? 0))
        let count = Units.counted(variables.count, "variable")
        var lines = [style.strong("\(name) was started with \(count) in its environment, \(size)."), ""]
        for variable in variables {
            let parts = variable.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            let key = style.strong(TerminalText.escaped(Array(parts[0])))
            lines.append(parts.count > 1 ? "\(key)=\(TerminalText.escaped(Array(parts[1])))" : key)
        }
        if details?.isEnvironmentCut == true { lines.append("… and more, which is not read") }
        let remark = "What it has set since its start stands elsewhere in its memory, and is not seen here."
        return lines + [""] + TextWrap.remark(remark, style).map { style.faint(style.fit($0)) }
    }

    var environmentJSON: JSONValue {
        guard details?.environmentBytes != nil else { return .null }
        return .array(
            variables.map { variable in
                let parts = variable.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
                var fields: [String: JSONValue] = ["value": .null]
                fields.set("name", bytes: Array(parts[0]))
                if parts.count > 1 { fields.set("value", bytes: Array(parts[1])) }
                return .object(fields)
            })
    }

    // MARK: Locks of files

    private func lockLines(_ style: TextStyle) -> [String] {
        let locks = details?.locks ?? []
        let waiting = locks.count(where: \.isWaiting)
        let held = locks.count - waiting
        var headline = "\(name) has " + (held == 0 ? "no lock of a file" : "\(Units.counted(held, "lock")) of files")
        if waiting > 0 {
            let holders = locks.filter(\.isWaiting).flatMap(\.others)
            headline += ", and waits for \(waiting == 1 ? "one" : "\(waiting)")"
            if let holder = holders.first { headline += " that \(ShowReport.name(holder)) has" }
        }
        var lines = [style.strong(style.fit(headline + "."))]
        guard !locks.isEmpty else { return lines }
        lines += ["", style.fit("         mode       kind       bytes             fd   file")]
        for lock in locks {
            let bytes =
                lock.first == 0 && lock.last == nil ? "all" : "\(lock.first)-\(lock.last.map { "\($0)" } ?? "end")"
            let row = [
                ("", 2), (lock.isWaiting ? "waits" : "has", 7), (lock.isShared ? "shared" : "exclusive", 11),
                (ShowReport.kind(lock.kind), 11), (bytes, 18), (lock.descriptor.map { "\($0)" } ?? "-", 5),
            ].map { TerminalText.padded($0.0, to: $0.1) }.joined()
            lines.append(style.fit(row + ShowReport.file(lock)))
            guard !lock.others.isEmpty else { continue }
            let names = lock.others.prefix(4).map(ShowReport.name).joined(separator: " ")
            let more = lock.others.count > 4 ? " and \(Units.grouped(lock.others.count - 4)) more" : ""
            lines.append(style.fit("         \(lock.isWaiting ? "held by" : "waited for by") \(names)\(more)"))
        }
        return lines
    }

    private static func kind(_ kind: FileLock.Kind) -> String {
        switch kind {
        case .posix: "fcntl"
        case .flock: "flock"
        case .openFile: "open file"
        case .lease: "lease"
        case .delegation: "delegation"
        }
    }

    private static func file(_ lock: FileLock) -> String {
        lock.path.map { TerminalText.escaped($0) }
            ?? "inode \(lock.file.inode) of device \(lock.file.deviceMajor):\(lock.file.deviceMinor)"
    }

    var locksJSON: JSONValue {
        guard let locks = details?.locks else { return .null }
        return .array(
            locks.map { lock in
                var fields: [String: JSONValue] = [
                    "kind": .string(lock.kind.rawValue), "isShared": JSONValue(lock.isShared),
                    "isWaiting": JSONValue(lock.isWaiting), "descriptor": JSONValue(lock.descriptor),
                    "inode": JSONValue(lock.file.inode), "deviceMajor": .integer(Int64(lock.file.deviceMajor)),
                    "deviceMinor": .integer(Int64(lock.file.deviceMinor)), "firstByte": JSONValue(lock.first),
                    "lastByte": JSONValue(lock.last), "path": .null, "heldBy": .null, "waitedForBy": .null,
                ]
                fields[lock.isWaiting ? "heldBy" : "waitedForBy"] = .array(lock.others.map { JSONValue($0.pid) })
                if let path = lock.path { fields.set("path", bytes: path) }
                return .object(fields)
            })
    }

    // MARK: System calls

    private func callLines(_ style: TextStyle) -> [String] {
        var counts: [(call: String, count: Int)] = []
        for thread in portrait.threads {
            let call = doing(thread).call
            if let index = counts.firstIndex(where: { $0.call == call }) {
                counts[index].count += 1
            } else {
                counts.append((call, 1))
            }
        }
        counts.sort { ($1.count, $0.call) < ($0.count, $1.call) }
        let isOne = portrait.threads.count == 1
        let parts = counts.prefix(3).map { doing in
            (isOne ? "" : counts.count == 1 ? "all " : "\(Units.grouped(doing.count)) ") + doing.call
        }
        let more = counts.count > 3 ? " and others" : ""
        let threads = Units.counted(portrait.threads.count, "thread")
        var lines = [
            style.strong(style.fit("\(name) has \(threads): \(parts.joined(separator: ", "))\(more).")), "",
            style.fit("  thread   name            S  call             what it waits for"),
        ]
        for thread in portrait.threads {
            let doing = doing(thread)
            let row = [
                ("", 2), ("\(thread.number)", 9), (TerminalText.escaped(thread.nameBytes) + " ", 16),
                (String(UnicodeScalar(thread.state)), 3), ((thread.call ?? "-") + " ", 17),
            ].map { TerminalText.padded($0.0, to: $0.1) }.joined()
            lines.append(style.fit(row + doing.reason))
        }
        lines += ["", style.faint(style.fit("  Where each thread is at this moment; nothing was traced."))]
        guard !stat.isKernelThread, !stat.isZombie || stat.threadCount > 1 else { return lines }
        let remark = "strace -f -p \(stat.pid) shows every call as it comes, but stops it at each one."
        return lines + [style.faint(style.fit("  " + remark))]
    }

    /// What a thread is in, in words that follow a number, and why.
    private func doing(_ thread: ProcessPortrait.Thread) -> (call: String, reason: String) {
        let reason = reason(ofThread: thread.number)
        let text =
            reason.map { WaitText.brief($0, namesCall: false) }
            ?? thread.channel.map { "in the kernel's \(TerminalText.escaped($0))" } ?? ""
        if let call = thread.call { return ("in \(call)", text) }
        switch thread.state {
        case UInt8(ascii: "R"): return ("running", text)
        case UInt8(ascii: "Z"), UInt8(ascii: "X"): return ("ended", text)
        case UInt8(ascii: "T"): return ("stopped", text)
        case UInt8(ascii: "t"): return ("held by a tracer", text)
        default:
            if stat.isKernelThread { return ("in the kernel", text) }
            return (reason?.cause == .notPermitted ? "in calls that may not be seen" : "asleep", text)
        }
    }
}
