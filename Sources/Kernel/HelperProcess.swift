import CLinux
import Glibc

/// A program of nusu's own that is asked one question, and must not matter when it crashes, hangs or writes nonsense.
package enum HelperProcess {
    /// Runs `program` with open files as its descriptors 3 and up, and returns what it wrote to stdout; nil where it could
    /// not be run, took too long, wrote too much, or did not end with 0. It has ended when this returns.
    ///
    /// - Parameters:
    ///   - input: what it reads from stdin.
    ///   - limitBytes: more output than that is nonsense.
    package static func ask(
        _ program: String, _ descriptors: [Int32], input: [UInt8], withinSeconds seconds: Double, limitBytes: Int
    ) -> [UInt8]? {
        // In a file, so that neither side waits for the other.
        let question = clinux_memory_file("question")
        guard question >= 0 else { return nil }
        defer { close(question) }
        guard write(question, input, input.count) == input.count, lseek(question, 0, SEEK_SET) == 0 else { return nil }
        var answer: [Int32] = [-1, -1]
        guard clinux_pipe(&answer) == 0 else { return nil }
        let pid = clinux_spawn_helper(program, question, answer[1], descriptors, Int32(descriptors.count))
        close(answer[1])
        defer { close(answer[0]) }
        guard pid > 0 else { return nil }
        let output = read(answer[0], until: ContinuousClock.now + .seconds(seconds), limitBytes: limitBytes)
        if output == nil { kill(pid, SIGKILL) }
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0, errno == EINTR {}
        return status == 0 ? output : nil
    }

    /// Everything up to the end; nil where that does not come in time.
    private static func read(_ descriptor: Int32, until end: ContinuousClock.Instant, limitBytes: Int) -> [UInt8]? {
        var output: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while output.count <= limitBytes {
            let left = ContinuousClock.now.duration(to: end)
            let milliseconds = left.components.seconds * 1000 + left.components.attoseconds / 1_000_000_000_000_000
            var wanted = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            let ready = poll(&wanted, 1, Int32(clamping: max(milliseconds, 0)))
            if ready == 0 { return nil }
            let count = ready > 0 ? Glibc.read(descriptor, &chunk, chunk.count) : -1
            if count < 0 {
                guard errno == EINTR else { return nil }
                continue
            }
            if count == 0 { return output }
            output += chunk[..<count]
        }
        return nil
    }
}
