package import SystemPackage

import CLinux
import Glibc

/// A program whose output is kept, and whose lines on stderr are told as they change. It has a session of its own, so that no key
/// of the terminal reaches it, and no input.
package struct CapturedCommand: ~Copyable {
    package struct Outcome: Sendable {
        package var output: [UInt8]
        package var errors: [UInt8]
        /// nil where that could not be known.
        package var ending: WaitStatus?
        /// More was written than was kept.
        package var isCut: Bool
    }

    package let pid: Int32
    private let output: Int32
    /// A terminal, where the machine has one to give: only on one do programs tell how far they are.
    private let errors: Int32

    private static let outputLimit = 8 << 20
    private static let errorLimit = 1 << 16
    /// How long it may take to end once it was asked to.
    private static let endSeconds = 5.0

    /// Starts the file `program` with `arguments`, the first of which is its name.
    ///
    /// The corresponding C function is `posix_spawn`.
    package init(_ program: String, _ arguments: [String]) throws(Errno) {
        var ends: [Int32] = [-1, -1]
        _ = try checked { clinux_pipe(&ends) }
        var errorEnds: [Int32] = [-1, -1]
        if clinux_terminal_pair(&errorEnds) != 0, clinux_pipe(&errorEnds) != 0 {
            let error = Errno(rawValue: errno)
            close(ends[0])
            close(ends[1])
            throw error
        }
        defer {
            close(ends[1])
            close(errorEnds[1])
        }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO)
        posix_spawn_file_actions_adddup2(&actions, errorEnds[1], STDERR_FILENO)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        // POSIX_SPAWN_SETSID, which has the value only with _GNU_SOURCE.
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK) | 0x80)
        var words = arguments.map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        var pid: pid_t = 0
        let code = posix_spawn(&pid, program, &actions, &attributes, &words, environ)
        guard code == 0 else {
            close(ends[0])
            close(errorEnds[0])
            throw Errno(rawValue: code)
        }
        self.pid = pid
        output = ends[0]
        errors = errorEnds[0]
    }

    deinit {
        close(output)
        close(errors)
    }

    /// Reads until it has ended; asks it to end as Ctrl+C would when nobody waits any more.
    /// - Parameters:
    ///   - isWanted: asked some times a second.
    ///   - line: what its last line on stderr is by now.
    package consuming func finish(isWanted: () -> Bool, line: (String) -> Void) -> Outcome {
        var outcome = Outcome(output: [], errors: [], ending: nil, isCut: false)
        var open = (output: true, errors: true)
        var deadline: ContinuousClock.Instant?
        while open.output || open.errors {
            if deadline == nil, !isWanted() {
                kill(pid, SIGINT)
                deadline = .now + .seconds(CapturedCommand.endSeconds)
            }
            if let deadline, deadline < .now { break }
            var wanted = [
                pollfd(fd: open.output ? output : -1, events: Int16(POLLIN), revents: 0),
                pollfd(fd: open.errors ? errors : -1, events: Int16(POLLIN), revents: 0),
            ]
            guard poll(&wanted, 2, 50) > 0 else { continue }
            if wanted[0].revents != 0 {
                let bytes = CapturedCommand.read(output)
                open.output = bytes != nil
                let room = CapturedCommand.outputLimit - outcome.output.count
                outcome.isCut = outcome.isCut || (bytes?.count ?? 0) > room
                outcome.output += (bytes ?? []).prefix(room)
            }
            if wanted[1].revents != 0 {
                let bytes = CapturedCommand.read(errors)
                open.errors = bytes != nil
                outcome.errors += (bytes ?? []).prefix(CapturedCommand.errorLimit - outcome.errors.count)
                if bytes != nil { line(CapturedCommand.lastLine(outcome.errors)) }
            }
        }
        outcome.ending = ending(until: deadline)
        return outcome
    }

    /// What stands on the last line: what was written after it was taken back to its beginning.
    private static func lastLine(_ bytes: [UInt8]) -> String {
        let last = bytes.split { $0 == UInt8(ascii: "\r") || $0 == UInt8(ascii: "\n") }.last ?? []
        return String(decoding: last.starts(with: erasing) ? last.dropFirst(erasing.count) : last, as: UTF8.self)
    }

    /// The lines that were left standing on stderr, without those that others took the place of.
    package static func lines(_ errors: [UInt8]) -> [String] {
        errors.split(separator: UInt8(ascii: "\n")).map { line in
            let shown = line.split(separator: UInt8(ascii: "\r")).last ?? []
            return String(decoding: shown.starts(with: erasing) ? shown.dropFirst(erasing.count) : shown, as: UTF8.self)
        }.filter { !$0.isEmpty }
    }

    /// To the end of the line (ECMA-48, EL).
    private static let erasing = Array("\u{1b}[K".utf8)

    /// nil at the end.
    private static func read(_ descriptor: Int32) -> [UInt8]? {
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        let count = Glibc.read(descriptor, &chunk, chunk.count)
        if count > 0 { return Array(chunk[..<count]) }
        // A terminal that nobody has open any more is EIO.
        return count < 0 && (errno == EINTR || errno == EAGAIN) ? [] : nil
    }

    private borrowing func ending(until deadline: ContinuousClock.Instant?) -> WaitStatus? {
        let deadline = deadline ?? .now + .seconds(CapturedCommand.endSeconds)
        while true {
            var status: Int32 = 0
            let result = waitpid(pid, &status, WNOHANG)
            if result == pid { return WaitStatus(status: status) }
            if result < 0, errno != EINTR { return nil }
            guard ContinuousClock.now < deadline else { break }
            usleep(1000)
        }
        // What it has stopped runs on whatever becomes of it.
        kill(pid, SIGKILL)
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0, errno == EINTR {}
        return WaitStatus(status: status)
    }
}
