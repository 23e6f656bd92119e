import CLinux
import Glibc

/// Why a test could not be carried out: of the harness, not of nusu.
struct HarnessError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

/// A process started by a test, with a pipe on its standard input (its end tells a demo to end) and one on its output.
/// Killed and waited for when it goes out of use.
final class Child {
    let pid: pid_t
    /// Write end of the child's standard input.
    private var input: Int32
    /// Read end of its standard output.
    private var output: Int32
    /// Read end of its standard error, -1 where it shares the test's.
    private var errors: Int32
    private var buffered: [UInt8] = []
    private var status: Int32?
    /// What it has used up, with the children that it has waited for: known at its end.
    private var processorSeconds = 0.0

    /// - Parameter arguments: the program first, looked up in PATH when it has no slash.
    /// - Parameter environment: added to the test's own.
    init(_ arguments: [String], environment: [String: String] = [:], capturesErrors: Bool = false) throws {
        let inputPipe = try Child.pipe()
        let outputPipe = try Child.pipe()
        let errorPipe = capturesErrors ? try Child.pipe() : (read: -1, write: -1)
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, inputPipe.read, 0)
        posix_spawn_file_actions_adddup2(&actions, outputPipe.write, 1)
        if capturesErrors { posix_spawn_file_actions_adddup2(&actions, errorPipe.write, 2) }
        // What other tests have open at this moment is not the program's.
        _ = clinux_close_on_exec(3)

        // The test runner blocks and ignores signals of its own; a program starts with none of that.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        var all = sigset_t()
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))

        var words: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
        var variables = Child.inherited(except: environment.keys).map { strdup($0) }
        variables += environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for pointer in words + variables { free(pointer) } }
        var pid: pid_t = 0
        let failure = posix_spawnp(&pid, arguments[0], &actions, &attributes, &words, &variables)
        for descriptor in [inputPipe.read, outputPipe.write, errorPipe.write] where descriptor >= 0 {
            close(descriptor)
        }
        input = inputPipe.write
        output = outputPipe.read
        errors = errorPipe.read
        self.pid = pid
        if failure != 0 {
            status = 0
            throw HarnessError("cannot start \(arguments[0]): \(String(cString: strerror(failure)))")
        }
    }

    deinit {
        if status == nil { end() }
        for descriptor in [input, output, errors] where descriptor >= 0 { close(descriptor) }
    }

    /// The exit status, or 128 + n after signal n. Nil while it runs.
    func poll() -> Int32? {
        if let status { return status }
        var raw: Int32 = 0
        var used = rusage()
        guard wait4(pid, &raw, WNOHANG, &used) == pid else { return nil }
        processorSeconds = [used.ru_utime, used.ru_stime].reduce(0) {
            $0 + Double($1.tv_sec) + Double($1.tv_usec) / 1e6
        }
        status = raw & 0x7f == 0 ? (raw >> 8) & 0xff : 128 + (raw & 0x7f)
        return status
    }

    /// Kills it and waits for its end.
    func end() {
        guard poll() == nil else { return }
        kill(pid, SIGKILL)
        var raw: Int32 = 0
        while waitpid(pid, &raw, 0) < 0, errno == EINTR {}
        status = 128 + SIGKILL
    }

    /// Waits until it has got to what it does after it was ready: each of its threads sleeps, or has run for a while since.
    ///
    /// A program is ready before it says so, but not out of saying it: on a busy machine whoever reads the line may run
    /// first, and would see what the writing has left on the stack. Nor are its threads out of telling that they are there.
    func settle() throws {
        let view = ProcessView(pid: pid)
        for thread in view.threads {
            let start = view.timeOnProcessor(of: thread)
            let isSettled = comesTrue {
                guard let state = view.status("State", thread: thread)?.first else { return true }
                if state != "R" { return true }
                guard let start, let now = view.timeOnProcessor(of: thread) else { return false }
                return now - start >= 5_000_000
            }
            guard isSettled else { throw HarnessError("thread \(thread) of \(pid) was never given a processor") }
        }
    }

    func write(_ text: String) {
        var bytes = Array(text.utf8)
        while !bytes.isEmpty {
            let count = Glibc.write(input, bytes, bytes.count)
            guard count > 0 else { return }
            bytes.removeFirst(count)
        }
    }

    /// The end of its standard input.
    func closeInput() {
        close(input)
        input = -1
    }

    /// The next line of its output without the newline; nil at the end of the output.
    func readLine(withinSeconds seconds: Double = 60) throws -> String? {
        let deadline = Clock.now + seconds
        while true {
            if let end = buffered.firstIndex(of: 0x0a) {
                let line = String(decoding: buffered[..<end], as: UTF8.self)
                buffered.removeSubrange(...end)
                return line
            }
            guard try Child.wait(for: [output], until: deadline).first != nil else {
                throw HarnessError("process \(pid) printed no line within \(seconds) s")
            }
            guard let bytes = Child.read(output) else { return nil }
            buffered += bytes
        }
    }

    /// Reads all that it prints and waits for its end.
    func finish(withinSeconds seconds: Double) throws -> Outcome {
        let deadline = Clock.now + seconds
        var printed = buffered
        var complained: [UInt8] = []
        var open = [output, errors].filter { $0 >= 0 }
        while !open.isEmpty {
            let ready = try Child.wait(for: open, until: deadline)
            guard !ready.isEmpty else {
                end()
                throw HarnessError("process \(pid) did not end within \(seconds) s")
            }
            for descriptor in ready {
                guard let bytes = Child.read(descriptor) else {
                    open.removeAll { $0 == descriptor }
                    continue
                }
                if descriptor == output { printed += bytes } else { complained += bytes }
            }
        }
        while poll() == nil {
            guard Clock.now < deadline else { throw HarnessError("process \(pid) did not end within \(seconds) s") }
            usleep(1000)
        }
        return Outcome(
            status: status ?? -1, output: printed, errors: String(decoding: complained, as: UTF8.self),
            processorSeconds: processorSeconds)
    }

    private static func pipe() throws -> (read: Int32, write: Int32) {
        var ends: [Int32] = [-1, -1]
        // Closed on exec from the first moment: other tests start processes at the same time, and one that inherited the
        // writing end would keep this child's input from ever ending.
        guard clinux_pipe(&ends) == 0 else { throw HarnessError("no pipe") }
        return (ends[0], ends[1])
    }

    /// Which of the descriptors can be read, or none at the deadline.
    private static func wait(for descriptors: [Int32], until deadline: Double) throws -> [Int32] {
        var entries = descriptors.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        while true {
            let milliseconds = max(0, min(deadline - Clock.now, 1000)) * 1000
            let count = Glibc.poll(&entries, nfds_t(entries.count), Int32(milliseconds))
            if count > 0 { return entries.filter { $0.revents != 0 }.map(\.fd) }
            if count < 0, errno != EINTR { throw HarnessError("poll failed") }
            if Clock.now >= deadline { return [] }
        }
    }

    /// What there is to be read, nil at the end.
    private static func read(_ descriptor: Int32) -> [UInt8]? {
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        let count = Glibc.read(descriptor, &chunk, chunk.count)
        return count > 0 ? Array(chunk[..<count]) : nil
    }

    private static func inherited(except names: some Collection<String>) -> [String] {
        var result: [String] = []
        var entry = environ
        while let variable = entry.pointee {
            let text = String(cString: variable)
            if !names.contains(where: { text.hasPrefix($0 + "=") }) { result.append(text) }
            entry += 1
        }
        return result
    }
}

/// How a program ended and what it printed.
struct Outcome {
    let status: Int32
    let output: [UInt8]
    let errors: String
    /// Time on processors, its children's included: what a bound on its work is to be put on. Time that passes is the
    /// machine's affair.
    let processorSeconds: Double

    var text: String { String(decoding: output, as: UTF8.self) }
}

enum Clock {
    /// Seconds of the monotonic clock.
    static var now: Double {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}

/// Whether something comes true within a time that is long even for a busy machine. For what must come about and takes as
/// long as it takes: a fixed wait would test the machine.
func comesTrue(withinSeconds seconds: Double = 60, _ condition: () throws -> Bool) rethrows -> Bool {
    let deadline = Clock.now + seconds
    while try !condition() {
        guard Clock.now < deadline else { return false }
        usleep(1000)
    }
    return true
}

/// Runs a program to its end.
func run(
    _ arguments: [String], environment: [String: String] = [:], withinSeconds seconds: Double = 300
) throws -> Outcome {
    try Child(arguments, environment: environment, capturesErrors: true).finish(withinSeconds: seconds)
}

/// The path of an installed program, nil where there is none.
func installed(_ name: String) -> String? {
    let path = getenv("PATH").map { String(cString: $0) } ?? ""
    // Servers live where an ordinary user's PATH does not look.
    for folder in path.split(separator: ":").map(String.init) + ["/usr/sbin", "/usr/local/sbin", "/sbin"] {
        let candidate = "\(folder)/\(name)"
        if access(candidate, X_OK) == 0 { return candidate }
    }
    return nil
}
