package import Model

/// What a panel asks of the executable, which alone can look at processes and send signals. It answers when it can
/// (`PanelAnswer`); meanwhile keys go on.
package enum PanelRequest: Hashable, Sendable {
    /// What a verb says of a process, or with `isPlan` what asking it would cost.
    case look(PanelTab, ProcessIdentity, isPlan: Bool)
    /// Nobody waits any more for the looks that go on.
    case stopLooks
    /// What each signal would do to these.
    case signals([ProcessIdentity])
    /// Was agreed to by the user.
    case send(signal: Int32, [ProcessIdentity])
}

/// What comes of a `PanelRequest`.
package enum PanelAnswer: Hashable, Sendable {
    /// What a look is at, in a few words.
    case progress(PanelTab, ProcessIdentity, String)
    /// The lines that the verb printed, with its own marks of bold and faint (`StyledLine`).
    case looked(PanelTab, ProcessIdentity, isPlan: Bool, lines: [String], hasFailed: Bool)
    /// Those that have ended are left out.
    case signals([ProcessSignals])
    /// What came of the signals, in lines.
    case sent([String])
}

/// What the detail pane shows: what a verb says, or a part of `nusu show`.
package enum PanelTab: String, Hashable, Sendable, CaseIterable {
    case show, memory, maps, fds, leaks, signal, ipc
    case command, calls, locks, environment

    package var verb: String { letter == nil ? rawValue : "show" }

    /// htop's key for it; the others have numbers.
    var letter: Character? {
        switch self {
        case .command: "w"
        case .calls: "s"
        case .locks: "x"
        case .environment: "e"
        case .show, .memory, .maps, .fds, .leaks, .signal, .ipc: nil
        }
    }

    /// Its lines are text without columns: what is too long goes on in the next row.
    var isWrapped: Bool { self == .command || self == .environment }

    /// It stops the process for some milliseconds, so its cost is said first, and it waits for Enter.
    package var isCostly: Bool { self == .memory || self == .leaks }
    var title: String {
        switch self {
        case .signal: "signals"
        case .command: "args"
        case .environment: "env"
        default: rawValue
        }
    }

    /// The command that prints the same: what follows "nusu".
    package func arguments(_ target: ProcessIdentity, isPlan: Bool) -> [String] {
        [verb, "\(target.pid)"] + (letter == nil ? [] : ["--\(rawValue)"]) + (isPlan ? ["--dry-run"] : [])
    }
}
