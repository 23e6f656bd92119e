import CLinux
import Glibc
package import Model

/// A program of nusu's own that is asked one question, and must not matter when it crashes, hangs or writes nonsense.
package enum HelperProcess {
    /// How long it may take, and how much it may write and read.
    package struct Limits: Sendable {
        package let seconds: Double
        /// More output than that is nonsense.
        package let answerBytes: Int
        /// Of the target's memory.
        package let memoryBytes: Int

        package init(seconds: Double, answerBytes: Int, memoryBytes: Int = 0) {
            self.seconds = seconds
            self.answerBytes = answerBytes
            self.memoryBytes = memoryBytes
        }
    }

    /// Runs `program` with open files as its descriptors 3 and up, and returns what it wrote to stdout; nil where it could
    /// not be run, took too long, wrote too much, or did not end with 0. It has ended when this returns.
    ///
    /// - Parameters:
    ///   - input: what it reads from stdin.
    ///   - memory: what it may ask for; then its descriptor 3 is a socket (`HelperMemory`), and the files come behind it.
    package static func ask(
        _ program: String, _ descriptors: [Int32], input: [UInt8], memory: (any MemoryReader)? = nil,
        within limits: Limits
    ) -> [UInt8]? {
        // In a file, so that neither side waits for the other.
        let question = clinux_memory_file("question")
        guard question >= 0 else { return nil }
        defer { close(question) }
        guard write(question, input, input.count) == input.count, lseek(question, 0, SEEK_SET) == 0 else { return nil }
        var answer: [Int32] = [-1, -1]
        guard clinux_pipe(&answer) == 0 else { return nil }
        defer { close(answer[0]) }
        var served: HelperMemory?
        if let memory {
            served = HelperMemory(memory, limitBytes: limits.memoryBytes)
            guard served != nil else {
                close(answer[1])
                return nil
            }
        }
        defer { served?.end() }
        let handed = (served.map { [$0.theirs] } ?? []) + descriptors
        let pid = clinux_spawn_helper(program, question, answer[1], handed, Int32(handed.count))
        close(answer[1])
        served?.handOver()
        guard pid > 0 else { return nil }
        let end = ContinuousClock.now + .seconds(limits.seconds)
        let output = output(answer[0], serving: &served, until: end, limits)
        // It may have closed its output and gone on.
        let status = output == nil ? nil : ending(of: pid, until: end)
        if status == nil {
            kill(pid, SIGKILL)
            while waitpid(pid, nil, 0) < 0, errno == EINTR {}
        }
        return status == 0 ? output : nil
    }

    /// How it ended; nil where it has not ended in time, and is still to be waited for.
    private static func ending(of pid: Int32, until end: ContinuousClock.Instant) -> Int32? {
        var status: Int32 = 0
        while true {
            let waited = waitpid(pid, &status, WNOHANG)
            if waited == pid { return status }
            guard waited == 0 || errno == EINTR, ContinuousClock.now < end else { return nil }
            usleep(waitMicroseconds)
        }
    }

    /// A process that has closed its output ends within a fraction of this.
    private static let waitMicroseconds: UInt32 = 500

    /// Everything up to the end; nil where that does not come in time.
    private static func output(
        _ answer: Int32, serving memory: inout HelperMemory?, until end: ContinuousClock.Instant, _ limits: Limits
    ) -> [UInt8]? {
        var output: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while output.count <= limits.answerBytes {
            let left = ContinuousClock.now.duration(to: end)
            let milliseconds = left.components.seconds * 1000 + left.components.attoseconds / 1_000_000_000_000_000
            guard milliseconds > 0 else { return nil }
            var wanted = [
                pollfd(fd: answer, events: Int16(POLLIN), revents: 0),
                pollfd(fd: memory?.ours ?? -1, events: Int16(POLLIN), revents: 0),
            ]
            let ready = poll(&wanted, 2, Int32(clamping: milliseconds))
            if ready == 0 { return nil }
            guard ready > 0 else {
                guard errno == EINTR else { return nil }
                continue
            }
            // Without a socket it can ask for nothing more; what it says without counts all the same.
            if wanted[1].revents != 0, memory?.serve() == false { memory?.end() }
            guard wanted[0].revents != 0 else { continue }
            let count = Glibc.read(answer, &chunk, chunk.count)
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
