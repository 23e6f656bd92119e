package import Analysis

/// All that `nusu signal` without a target says: the table of all signals, or one of them.
package struct SignalListReport: Sendable {
    /// The one that was asked for; nil: all.
    package var signal: Signal?
    /// It was asked for as an exit status.
    package var exitStatus: Int32?

    package init(signal: Signal? = nil, exitStatus: Int32? = nil) {
        self.signal = signal
        self.exitStatus = exitStatus
    }

    package func text(_ style: TextStyle) -> String {
        let lines = signal.map { one($0, style) } ?? all(style)
        return lines.joined(separator: "\n") + "\n"
    }

    /// The document of schema nusu.signal/1.
    package func json() -> String {
        let listed = signal.map { [$0] } ?? Signal.all
        return JSONValue.object([
            "schema": "nusu.signal/1", "target": .null, "exitStatus": JSONValue(exitStatus),
            "signals": .array(listed.map { .object(SignalListReport.fields($0)) }), "gaps": .array([]),
        ]).document()
    }

    static func fields(_ signal: Signal) -> [String: JSONValue] {
        [
            "number": JSONValue(signal.number), "name": .string(signal.name),
            "defaultAction": .string(signal.action.rawValue), "meaning": .string(signal.meaning),
            "key": JSONValue(signal.key), "canBeCaught": JSONValue(!signal.isAbsolute),
        ]
    }

    private func all(_ style: TextStyle) -> [String] {
        var lines = [
            style.strong(
                style.fit("31 signals and 31 real-time ones; two of them, KILL and STOP, no process can refuse.")), "",
        ]
        let titles: [(Signal.Action, String)] = [
            (.terminate, "end a process that has no handler for them"),
            (.core, "end it too, with its memory in a core file where limits allow"),
            (.stop, "make it stand still"), (.continue, "makes it go on"), (.ignore, "do nothing without a handler"),
        ]
        for (action, title) in titles {
            lines.append(style.fit("  \(title)"))
            for signal in Signal.all where signal.action == action && signal.number <= 31 {
                lines.append(style.fit(SignalListReport.row(signal)))
            }
        }
        lines.append(
            style.fit("  34-64 RTMIN to RTMAX: the programs' own, queued; 32 and 33 are the C library's own"))
        if style.isTerminal {
            lines.append(style.fit("next: nusu signal PID      what each would do to that process"))
        }
        return lines
    }

    private static func row(_ signal: Signal) -> String {
        let number = TerminalText.padded("\(signal.number)", to: 6, right: true)
        let key = TerminalText.padded(signal.key ?? "", to: 8)
        return "\(number)  \(TerminalText.padded(signal.name, to: 7))\(key)\(signal.meaning)"
    }

    private func one(_ signal: Signal, _ style: TextStyle) -> [String] {
        var lines: [String] = []
        if let exitStatus {
            lines = [
                style.strong(style.fit("\(exitStatus) is 128 + \(signal.number): ended by \(signal.fullName).")), "",
            ]
            lines.append(
                style.fit("  who says so  a shell, of a program that a signal ended; a program may also exit so"))
        } else {
            lines = [style.strong(style.fit("\(signal.fullName) is number \(signal.number): \(signal.meaning).")), ""]
        }
        if exitStatus != nil { lines.append(style.fit("  meaning      \(signal.meaning)")) }
        if let key = signal.key {
            lines.append(
                style.fit("  key          \(key), as terminals are usually set; to the whole foreground group"))
        }
        let refusal =
            signal.isAbsolute
            ? "; it can be neither caught nor ignored nor blocked" : "; a handler, or ignoring it, changes that"
        lines.append(style.fit("  by default   \(signal.action.text)\(refusal)"))
        if signal.action == .terminate || signal.action == .core {
            lines.append(style.fit("  exit status  128 + \(signal.number) = \(128 + signal.number), as shells say it"))
        }
        if !signal.aliases.isEmpty {
            lines.append(style.fit("  also called  " + signal.aliases.map { "SIG" + $0 }.joined(separator: ", ")))
        }
        if signal.isRealTime {
            lines.append(style.fit("  counted      from 34 on, as glibc has it; musl's RTMIN is 35"))
        }
        lines.append(style.fit("  numbers      of x86, ARM, RISC-V; MIPS and SPARC have others"))
        if style.isTerminal {
            lines.append(style.fit("next: nusu signal PID      what it would do to that process"))
        }
        return lines
    }
}

extension Signal {
    /// "SIGTERM"; "signal 32" for those that have no name.
    var fullName: String { Int(name) == nil ? "SIG" + name : "signal " + name }
}
