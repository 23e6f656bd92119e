import Analysis
import Model

extension ProcessField {
    /// Who it is, and whose.
    static let identity: [ProcessField] =
        [
            number("pid", "PID", also: ["tgid": "TGID"], json: "pid", "number of the process") { $0.record.processID },
            number("ppid", "PPID", json: "ppid", "number of its parent") { $0.stat.parent },
            number("lwp", "LWP", also: ["tid": "TID", "spid": "SPID"], json: "thread", "number of the thread") {
                $0.stat.pid
            },
            number(
                "pgid", "PGID", also: ["pgrp": "PGRP"], json: "processGroup", "process group: what a shell's job is"
            ) { $0.stat.processGroup },
            number(
                "sid", "SID", also: ["sess": "SESS", "session": "SESS"], json: "session",
                "session: what was started from one login or terminal"
            ) { $0.stat.session },
            number("tpgid", "TPGID", json: "terminalGroup", "process group that its terminal's keys go to") {
                $0.stat.terminalGroup
            },
            ProcessField(
                "tty", "TT", also: ["tt": "TT", "tname": "TTY", "longtname": "TTY", "tty8": "TTY"], json: "terminal",
                "controlling terminal", unit: .text, width: 8, .left,
                value: { row in row.facts.terminalName(row.stat.terminal).map { .text($0) } ?? .unknown },
                text: { $0.facts.terminalName($0.stat.terminal) ?? "?" }),
            user(
                "user", "USER", also: ["uname": "USER", "euser": "EUSER", "uid_hack": "UID"], json: "user",
                "effective user: whose rights it has", sources: .owner, file: "owner of /proc/PID"
            ) { $0.record.owner?.user },
            userNumber(
                "uid", "UID", also: ["euid": "EUID"], json: "uid", "number of the effective user", sources: .owner,
                file: "owner of /proc/PID"
            ) { $0.record.owner?.user },
            user("ruser", "RUSER", json: "realUser", "real user: who started it") { $0.record.status?.user.real },
            userNumber("ruid", "RUID", json: "realUid", "number of the real user") { $0.record.status?.user.real },
            user(
                "suser", "SUSER", also: ["svuser": "SVUSER"], json: "savedUser", "saved user: whose rights it may take"
            ) {
                $0.record.status?.user.saved
            },
            userNumber("suid", "SUID", also: ["svuid": "SVUID"], json: "savedUid", "number of the saved user") {
                $0.record.status?.user.saved
            },
            group(
                "group", "GROUP", also: ["egroup": "EGROUP"], json: "group", "effective group", sources: .owner,
                file: "group of /proc/PID"
            ) { $0.record.owner?.group },
            userNumber(
                "gid", "GID", also: ["egid": "EGID"], json: "gid", "number of the effective group", sources: .owner,
                file: "group of /proc/PID"
            ) { $0.record.owner?.group },
            group("rgroup", "RGROUP", json: "realGroup", "real group") { $0.record.status?.group.real },
            userNumber("rgid", "RGID", json: "realGid", "number of the real group") { $0.record.status?.group.real },
            user(
                "luser", "LUSER", json: "loginUser", "who logged in for it to be started", sources: .loginUser,
                file: "loginuid"
            ) { $0.record.loginUser },
            userNumber(
                "luid", "LUID", json: "loginUid", "number of who logged in for it to be started", sources: .loginUser,
                file: "loginuid"
            ) { $0.record.loginUser },
            ProcessField(
                "container", "CONTAINER", also: ["docker": "DOCKER"], json: "container",
                "identifier of its container, of which a column has the beginning: container~\"^3f9c\"",
                unit: .text, sources: .controlGroups, file: "cgroup", width: 12, .left,
                value: { ProcessValue($0.record.containerBytes) },
                text: { row in row.record.containerBytes.map { TerminalText.escaped(Array($0.prefix(12))) } ?? "-" }),
            ProcessField(
                "cgroup", "CGROUP", json: "controlGroups", "its control groups, one for each hierarchy but the roots",
                unit: .text, sources: .controlGroups, file: "cgroup", width: 27, .open,
                value: { row in ProcessValue(row.record.controlGroups.map(joinedGroups)) }),
        ] + ProcessRecord.Namespaces.Kind.allCases.map(namespace)

    private static func number(
        _ key: String, _ title: String, also spellings: KeyValuePairs<String, String> = [:], json: String,
        _ meaning: String, _ value: @escaping @Sendable (ProcessRow) -> Int32
    ) -> ProcessField {
        ProcessField(
            key, title, also: spellings, json: json, meaning, width: 5, isProcessNumber: true,
            value: { .integer(Int64(value($0))) })
    }

    private static func user(
        _ key: String, _ title: String, also spellings: KeyValuePairs<String, String> = [:], json: String,
        _ meaning: String, sources: ProcessSources = .status, file: String = "status",
        _ value: @escaping @Sendable (ProcessRow) -> UInt32?
    ) -> ProcessField {
        ProcessField(
            key, title, also: spellings, json: json, meaning, unit: .text, sources: sources, file: file, width: 8,
            .name, value: { row in value(row).map { .text(row.facts.userName($0)) } ?? .unknown })
    }

    private static func group(
        _ key: String, _ title: String, also spellings: KeyValuePairs<String, String> = [:], json: String,
        _ meaning: String, sources: ProcessSources = .status, file: String = "status",
        _ value: @escaping @Sendable (ProcessRow) -> UInt32?
    ) -> ProcessField {
        ProcessField(
            key, title, also: spellings, json: json, meaning, unit: .text, sources: sources, file: file, width: 8,
            .name, value: { row in value(row).map { .text(row.facts.groupName($0)) } ?? .unknown })
    }

    private static func userNumber(
        _ key: String, _ title: String, also spellings: KeyValuePairs<String, String> = [:], json: String,
        _ meaning: String, sources: ProcessSources = .status, file: String = "status",
        _ value: @escaping @Sendable (ProcessRow) -> UInt32?
    ) -> ProcessField {
        ProcessField(
            key, title, also: spellings, json: json, meaning, sources: sources, file: file, width: 5,
            value: { ProcessValue(value($0)) })
    }

    private static func namespace(_ kind: ProcessRecord.Namespaces.Kind) -> ProcessField {
        let name = kind.rawValue + "ns"
        return ProcessField(
            name, name.uppercased(), json: kind.rawValue + "Namespace",
            "number of its \(kind.rawValue) namespace: processes with the same one share it", sources: .namespaces,
            file: "ns/\(kind.rawValue)", right: .owner, width: 10,
            value: { ProcessValue($0.record.namespaces?.inodes[kind]) })
    }

    /// The lines of `cgroup` with commas between, without the roots, as ps has them.
    private static func joinedGroups(_ bytes: [UInt8]) -> [UInt8] {
        let lines = bytes.split(separator: UInt8(ascii: "\n")).filter { $0.last != UInt8(ascii: "/") }
        return lines.isEmpty ? [UInt8(ascii: "-")] : Array(lines.joined(separator: [UInt8(ascii: ",")]))
    }
}
