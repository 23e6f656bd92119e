import Glibc

/// A real terminal for a test: a tmux of its own with one window. Ended with all that runs in it when it goes out of use.
final class Tmux {
    static let isThere = installed("tmux") != nil

    private let socket: String
    private let server: [String]

    /// - Parameter command: what runs in it, a shell's words; by default a shell without settings of anybody's.
    init(
        _ command: String = "exec sh", rows: Int = 24, columns: Int = 80, environment: [String: String] = [:]
    ) throws {
        socket = "\(Surroundings.ownName)-\(Tmux.count)"
        Tmux.count += 1
        server = ["tmux", "-L", socket, "-f", "/dev/null", "-u"]
        let base = ["PS1": "$ ", "LC_ALL": "C.UTF-8", "ENV": "", "NO_COLOR": ""].merging(environment) { $1 }
        let variables = base.flatMap { ["-e", "\($0.key)=\($0.value)"] }
        let start = try run(
            server + ["new-session", "-d", "-x", "\(columns)", "-y", "\(rows)"] + variables + [command])
        guard start.status == 0 else { throw HarnessError("tmux does not start: \(start.errors)") }
    }

    deinit { _ = try? run(server + ["kill-server"]) }

    nonisolated(unsafe) private static var count = 0

    /// Who gives a terminal back after the end of a program that could not: it has its name a moment after its start.
    static func guardian(of program: String) throws -> ProcessView? {
        var found: pid_t?
        _ = try comesTrue {
            found = try run(["pgrep", "-P", program, "-x", "nusu-guard"]).text.split(separator: "\n").first.flatMap {
                pid_t($0)
            }
            return found != nil
        }
        return found.map { ProcessView(pid: $0) }
    }

    private func tmux(_ arguments: [String]) throws -> String {
        let outcome = try run(server + arguments)
        guard outcome.status == 0 else { throw HarnessError("tmux \(arguments): \(outcome.errors)") }
        return outcome.text
    }

    /// Keys by tmux's names ("Enter", "F5", "C-c"), or text.
    func send(_ keys: String...) throws { _ = try tmux(["send-keys"] + keys) }

    /// Bytes as a terminal would send them.
    func sendRaw(_ text: String) throws {
        _ = try tmux(["send-keys", "-H"] + text.utf8.map { String($0, radix: 16) })
    }

    func resize(rows: Int, columns: Int) throws {
        _ = try tmux(["resize-window", "-x", "\(columns)", "-y", "\(rows)"])
    }

    /// What the terminal shows; with `-e` for its colours.
    func screen(_ options: String...) throws -> String { try tmux(["capture-pane", "-p"] + options) }

    /// A fact of tmux's about its pane: "alternate_on", "mouse_any_flag", "cursor_flag", "pane_current_command".
    func fact(_ name: String) throws -> String {
        String(try tmux(["display-message", "-p", "#{\(name)}"]).filter { $0 != "\n" })
    }

    /// Waits until the screen has the text.
    func shows(_ text: String) throws -> Bool {
        try comesTrue { try screen().contains(text) }
    }

    /// The same, as what the test is about.
    func waits(for text: String) throws {
        if try !shows(text) { throw HarnessError("'\(text)' does not come up:\n\(try screen())") }
    }

    /// Whether the terminal is the shell's, and no longer that of what it has started (man 5 proc_pid_stat: pgrp, tpgid).
    private func isShellInFront() throws -> Bool {
        let fields = Surroundings.readFile("/proc/\(try fact("pane_pid"))/stat")?.split(separator: ")").last?.split(
            separator: " ")
        return fields.map { $0.count > 5 && $0[2] == $0[5] } ?? false
    }

    /// How the terminal is set, as `stty -a` that runs in it says; without its size, which is the window's.
    func settings() throws -> String {
        let path = "/tmp/\(socket).stty"
        defer { unlink(path) }
        // What is typed before that is lost: a program that gives the terminal back takes no click along for the shell.
        guard try comesTrue({ try isShellInFront() }) else { throw HarnessError("not at the shell: \(try screen())") }
        try send("stty -a > \(path); echo set\"tled\"", "Enter")
        guard try shows("settled") else { throw HarnessError("the shell does not answer: \(try screen())") }
        try send("clear", "Enter")
        guard try comesTrue({ try !screen().contains("settled") }) else {
            throw HarnessError("the shell does not clear")
        }
        let lines = (Surroundings.readFile(path) ?? "").split(separator: "; ", omittingEmptySubsequences: false)
        return lines.filter { !$0.hasPrefix("rows ") && !$0.hasPrefix("columns ") }.joined(separator: "; ")
    }
}
