import Glibc
import Model

/// Which processes ps(1) lists: those that fit any of the lists given, or else those of one's own terminal.
struct ProcessSelection: Sendable {
    /// `-e`, `-A`, `ax`.
    var all = false
    /// `-d`: all but those that lead a session.
    var exceptLeaders = false
    /// `-a`: with a terminal, but not leading a session.
    var withTerminalExceptLeaders = false
    /// BSD's `a`: of everybody, with a terminal.
    var ofEverybody = false
    /// BSD's `x`: without a terminal too.
    var withoutTerminal = false
    var pids: [Int32] = []
    var parents: [Int32] = []
    var sessions: [Int32] = []
    var groups: [Int32] = []
    /// Effective and real users.
    var users: [UInt32] = []
    var realUsers: [UInt32] = []
    /// Exact names.
    var names: [[UInt8]] = []
    /// Device numbers; 0 for processes without a terminal.
    var terminals: [UInt32] = []
    /// `-N`: those that do not fit.
    var inverted = false

    /// Who asks, and from which terminal.
    var own: (user: UInt32, terminal: UInt32) = (0, 0)

    /// Nothing but processes with these numbers is asked for, so that no others need to be looked for.
    var onlyProcesses: [Int32]? {
        guard !pids.isEmpty, !inverted, !hasOtherLists, !all else { return nil }
        return Array(Set(pids)).sorted()
    }

    private var hasOtherLists: Bool {
        exceptLeaders || withTerminalExceptLeaders || ofEverybody || withoutTerminal || !parents.isEmpty
            || !sessions.isEmpty || !groups.isEmpty || !users.isEmpty || !realUsers.isEmpty || !names.isEmpty
            || !terminals.isEmpty
    }

    /// Real users stand in `status` only.
    var needsStatus: Bool { !realUsers.isEmpty }

    func matches(_ record: ProcessRecord) -> Bool { fits(record) != inverted }

    private func fits(_ record: ProcessRecord) -> Bool {
        let stat = record.stat
        let leads = stat.session == record.processID
        if all || (ofEverybody && withoutTerminal) { return true }
        if exceptLeaders && !leads { return true }
        if withTerminalExceptLeaders && stat.terminal != 0 && !leads { return true }
        let isOwn = record.owner?.user == own.user
        if ofEverybody && stat.terminal != 0 { return true }
        if withoutTerminal && isOwn { return true }
        if pids.contains(record.processID) || parents.contains(stat.parent) || sessions.contains(stat.session)
            || groups.contains(stat.processGroup) || names.contains(stat.commandBytes)
            || terminals.contains(stat.terminal)
        {
            return true
        }
        if let user = record.owner?.user, users.contains(user) { return true }
        if let user = record.status?.user.real, realUsers.contains(user) { return true }
        if pids.isEmpty && !hasOtherLists { return isOwn && stat.terminal == own.terminal }
        return false
    }
}
