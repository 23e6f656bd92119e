package import SystemPackage

import CLinux
import Glibc

/// A command that nusu has started and that waits before its first instruction until it is let go. Where nusu ends before that,
/// it ends too.
package struct HeldCommand: ~Copyable {
    package let pid: Int32
    private let gate: Int32
    private let report: Int32

    /// Makes the process of `arguments`, the first of which is looked for in PATH, with nusu's standard descriptors and environment.
    package init(_ arguments: [String], mask: borrowing SignalGate) throws(Errno) {
        guard !arguments.isEmpty else { throw .invalidArgument }
        var gate: [Int32] = [-1, -1]
        var report: [Int32] = [-1, -1]
        var opened = [Int32]()
        defer { for descriptor in opened { close(descriptor) } }
        _ = try checked { clinux_pipe(&gate) }
        opened += gate
        _ = try checked { clinux_pipe(&report) }
        opened += report
        var words = arguments.map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        var previous = mask.previous
        pid = try checked { clinux_spawn_waiting(&words, &previous, gate[0], gate[1], report[1]) }
        opened = [gate[0], report[1]]
        self.gate = gate[1]
        self.report = report[0]
    }

    deinit {
        close(gate)
        close(report)
    }

    /// Lets it begin. Throws why it could not: ENOENT where there is no such program.
    package consuming func release() throws(Errno) -> StartedCommand {
        _ = write(gate, "x", 1)
        // The end of the pipe, when the program has begun; or why it has not.
        var code: Int32 = 0
        var count: Int
        repeat { count = read(report, &code, 4) } while count < 0 && errno == EINTR
        guard count == 4 else { return StartedCommand(pid: pid) }
        while waitpid(pid, nil, 0) < 0, errno == EINTR {}
        throw Errno(rawValue: code)
    }
}
