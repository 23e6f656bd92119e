import SystemPackage

import CLinux
import Glibc
import Model

/// Runs a C call until it is not interrupted, and turns -1 into its error.
///
/// - Parameter retries: EINTR is tried again. Off for calls that are interrupted on purpose.
func checked<Result: SignedInteger>(retries: Bool = true, _ body: () -> Result) throws(Errno) -> Result {
    while true {
        let result = body()
        if result != -1 { return result }
        let code = errno
        guard retries, code == EINTR else { throw Errno(rawValue: code) }
    }
}

/// A moment of the clock that never jumps (CLOCK_MONOTONIC).
package struct Moment: Hashable, Comparable, Sendable {
    package let nanoseconds: UInt64

    package init(nanoseconds: UInt64) { self.nanoseconds = nanoseconds }

    /// The corresponding C function is `clock_gettime`.
    package static var now: Moment {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Moment(nanoseconds: UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec))
    }

    /// Seconds from `earlier` to this moment, 0 when it lies behind.
    package func seconds(since earlier: Moment) -> Double {
        nanoseconds > earlier.nanoseconds ? Double(nanoseconds - earlier.nanoseconds) / 1e9 : 0
    }

    /// - Parameter seconds: from 0 to about three hundred years; other values are cut to that.
    package func after(seconds: Double) -> Moment {
        Moment(nanoseconds: nanoseconds &+ UInt64(min(max(seconds, 0), 9e9) * 1e9))
    }

    package static func < (left: Moment, right: Moment) -> Bool { left.nanoseconds < right.nanoseconds }
}

/// Lets other threads run: at first at once, then with short sleeps, so that a wait of microseconds is not made a
/// millisecond's, and one of milliseconds does not eat a processor that the awaited thread may need.
struct Backoff {
    private var rounds = 0

    mutating func pause() {
        rounds += 1
        if rounds <= 16 {
            sched_yield()
        } else {
            var time = timespec(tv_sec: 0, tv_nsec: rounds <= 256 ? 20_000 : 200_000)
            nanosleep(&time, nil)
        }
    }
}

/// Waiting for time to pass.
package enum Pause {
    /// - Parameter seconds: at most a minute; a signal ends it early.
    ///
    /// The corresponding C function is `nanosleep`.
    package static func sleep(seconds: Double) {
        let nanoseconds = Int(min(max(seconds, 0), 60) * 1e9)
        var time = timespec(tv_sec: nanoseconds / 1_000_000_000, tv_nsec: nanoseconds % 1_000_000_000)
        nanosleep(&time, nil)
    }
}

/// Numbers of system calls, as `/proc/PID/syscall` shows them for a program of nusu's own processor.
package enum SystemCallNumber {
    /// rt_sigtimedwait: sigwait, sigwaitinfo and sigtimedwait of C.
    package static let signalWait = UInt64(SYS_rt_sigtimedwait)
}

/// The processors that the calling thread runs on.
package enum Processors {
    /// Runs `body` on one processor, then where the thread was allowed to run before; nil where it may not run there.
    ///
    /// The corresponding C function is `sched_setaffinity`.
    package static func run<Result>(on processor: Int32, _ body: () -> Result) -> Result? {
        // 0 is the calling thread.
        guard let before = try? ProcessorSet.ofThread(0),
            (try? ProcessorSet([Int(processor)]).set(ofThread: 0)) != nil
        else { return nil }
        defer { try? before.set(ofThread: 0) }
        return body()
    }
}
