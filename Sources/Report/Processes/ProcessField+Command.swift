import Analysis
import Model

extension ProcessField {
    /// What it runs.
    static let commands: [ProcessField] = [
        ProcessField(
            "comm", "COMMAND", also: ["name": "COMMAND", "ucomm": "COMMAND", "ucmd": "CMD"], json: "command",
            "name of the command, at most 15 bytes", unit: .text, width: 15, .open,
            value: { .bytes($0.stat.commandBytes) }, text: { TerminalText.escaped($0.name) }),
        ProcessField(
            "args", "COMMAND", also: ["command": "COMMAND", "cmd": "CMD"], json: "arguments",
            "command line: all arguments; the name in brackets where there are none", unit: .text, sources: .arguments,
            file: "cmdline", width: 27, .open,
            value: { .bytes($0.commandLine) }),
        ProcessField(
            "exe", "EXE", json: "executable", "file of the program", unit: .text, sources: .executable, file: "exe",
            right: .owner, width: 27, .open, value: { ProcessValue($0.record.executable) }),
    ]

    /// What it does just now.
    static let state: [ProcessField] = [
        ProcessField(
            "s", "S", also: ["state": "S"], json: "state",
            "R runs or could, S asleep, D asleep in the kernel where at most a fatal signal reaches it, "
                + "T stopped, t traced, Z ended but not waited for, I idle thread of the kernel", unit: .text, width: 1,
            .left,
            value: { .bytes([$0.stat.state]) }),
        ProcessField(
            "stat", "STAT", json: "stateLetters",
            "the state; < before others, N after others, L locked in memory, s leads a session, l has threads, "
                + "+ in the terminal's foreground", unit: .text, sources: .status, file: "stat, status", width: 4,
            .left, value: { .text($0.stateLetters) }),
        ProcessField(
            "wchan", "WCHAN", also: ["wname": "WCHAN", "nwchan": "WCHAN"], json: "waitChannel",
            "function of the kernel that it sleeps in", unit: .text, sources: .waitChannel, file: "wchan",
            right: .owner, width: 6, .open, value: waitChannel),
        ProcessField(
            "f", "F", also: ["flag": "F", "flags": "F"], json: "flags",
            "1 forked and started no program since, 4 used root's rights", width: 1,
            value: { .integer(Int64($0.stat.flags >> 6 & 7)) }),
        ProcessField(
            "nlwp", "NLWP", also: ["thcount": "THCNT"], json: "threads", "number of its threads", width: 4,
            value: { .integer(Int64($0.stat.threadCount)) }),
        ProcessField(
            "addr", "ADDR", json: "address", "always -, for old habits", unit: .text, width: 4,
            value: { _ in .unknown }),
    ]

    /// Without the underscores that some of the kernel's names begin with, as ps has them.
    private static func waitChannel(_ row: ProcessRow) -> ProcessValue {
        guard let bytes = row.record.waitChannel, !bytes.isEmpty, bytes != [UInt8(ascii: "0")] else { return .unknown }
        return .bytes(Array(bytes.drop { $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: ".") }))
    }
}
