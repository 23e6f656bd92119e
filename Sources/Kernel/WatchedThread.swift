package import SystemPackage

import CLinux
import Glibc
import Synchronization

/// A thread that may never end: whoever started it waits for a bounded time only, and can leave it behind. What it works
/// on must live as long as it does, so `body` owns all it touches.
package struct WatchedThread: Sendable {
    private let work: Work

    /// The corresponding C function is `pthread_create`.
    package init(_ body: @escaping @Sendable () -> Void) throws(Errno) {
        work = try Work(body)
        let reference = Unmanaged.passRetained(work)
        let code = clinux_start_thread(
            { argument in
                guard let argument else { return nil }
                let work = Unmanaged<Work>.fromOpaque(argument).takeRetainedValue()
                work.thread.store(clinux_gettid(), ordering: .releasing)
                work.body()
                work.end()
                return nil
            }, reference.toOpaque())
        guard code == 0 else {
            reference.release()
            throw Errno(rawValue: code)
        }
    }

    /// Whether it has ended, or ends within `seconds`.
    ///
    /// The corresponding C function is `poll`.
    package func waitForEnd(seconds: Double) -> Bool {
        var entry = pollfd(fd: work.ends.read, events: Int16(POLLIN), revents: 0)
        return poll(&entry, 1, Int32(min(max(seconds, 0), 60) * 1000)) > 0
    }

    /// It waits for something else than a processor. From `/proc/self/task/TID/stat`.
    package var isAsleep: Bool {
        let thread = work.thread.load(ordering: .acquiring)
        let file = open("/proc/self/task/\(thread)/stat", O_RDONLY | O_CLOEXEC)
        guard thread != 0, file >= 0 else { return false }
        defer { close(file) }
        let bytes = [UInt8](unsafeUninitializedCapacity: 512) { buffer, count in
            count = max(0, read(file, buffer.baseAddress, buffer.count))
        }
        guard let name = bytes.lastIndex(of: UInt8(ascii: ")")), name + 2 < bytes.count else { return false }
        return bytes[name + 2] != UInt8(ascii: "R")
    }

    private final class Work: Sendable {
        let body: @Sendable () -> Void
        let ends: (read: Int32, write: Int32)
        let thread = Atomic<Int32>(0)

        init(_ body: @escaping @Sendable () -> Void) throws(Errno) {
            self.body = body
            var pipe: [Int32] = [-1, -1]
            guard clinux_pipe(&pipe) == 0 else { throw Errno(rawValue: errno) }
            ends = (pipe[0], pipe[1])
        }

        deinit {
            close(ends.read)
            close(ends.write)
        }

        /// Nobody writes to the pipe; the byte says that the end was reached.
        func end() {
            var byte: UInt8 = 1
            _ = write(ends.write, &byte, 1)
        }
    }
}
