import SystemPackage

import CLinux
import Glibc

/// A child of nusu's own for a demonstration: ends with nusu, and after half a minute at the latest.
///
/// Only for a nusu with a single thread: the child is a copy of the calling thread alone.
struct ForkedChild: ~Copyable {
    let pid: Int32
    private var isWaitedFor = false

    /// - Parameter body: runs in the child; its result is the exit status.
    init(_ body: @escaping () -> Int32) throws(Errno) {
        let box = Unmanaged.passRetained(Body(body))
        defer { box.release() }
        pid = try checked {
            clinux_fork({ Unmanaged<Body>.fromOpaque($0!).takeUnretainedValue().run() }, box.toOpaque())
        }
    }

    deinit {
        guard !isWaitedFor else { return }
        kill(pid, SIGKILL)
        ForkedChild.wait(for: pid)
    }

    /// Waits for its end.
    mutating func end() -> WaitStatus {
        isWaitedFor = true
        return ForkedChild.wait(for: pid)
    }

    /// Lets it end and be a zombie.
    func awaitZombie() {
        var info = siginfo_t()
        while waitid(P_PID, id_t(pid), &info, WEXITED | WNOWAIT) < 0, errno == EINTR {}
    }

    /// What a child has used of a processor, and how often it was pushed off.
    struct Use {
        var seconds: Double
        var pushedOff: UInt64
    }

    /// After its end.
    mutating func endWithUse() -> Use {
        isWaitedFor = true
        var usage = rusage()
        var status: Int32 = 0
        while wait4(pid, &status, 0, &usage) < 0, errno == EINTR {}
        return Use(
            seconds: ForkedChild.seconds(usage.ru_utime) + ForkedChild.seconds(usage.ru_stime),
            pushedOff: UInt64(clamping: usage.ru_nivcsw))
    }

    private static func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }

    @discardableResult private static func wait(for pid: Int32) -> WaitStatus {
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0, errno == EINTR {}
        return WaitStatus(status: status)
    }

    private final class Body {
        let run: () -> Int32
        init(_ run: @escaping () -> Int32) { self.run = run }
    }
}

/// A pipe to a child, by single bytes.
struct BytePipe: ~Copyable {
    private var ends: [Int32] = [-1, -1]

    init() throws(Errno) {
        var ends: [Int32] = [-1, -1]
        _ = try checked { clinux_pipe(&ends) }
        self.ends = ends
    }

    deinit { for end in ends where end >= 0 { close(end) } }

    func send() {
        var byte: UInt8 = 1
        _ = write(ends[1], &byte, 1)
    }

    /// False at the end of the pipe.
    func receive() -> Bool {
        var byte: UInt8 = 0
        var count: Int
        repeat { count = read(ends[0], &byte, 1) } while count < 0 && errno == EINTR
        return count == 1
    }

    /// The parent's copy of the writing end: without it the pipe ends with the child.
    mutating func closeWriting() {
        close(ends[1])
        ends[1] = -1
    }
}
