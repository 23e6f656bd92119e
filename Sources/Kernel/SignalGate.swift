import CLinux
import Glibc

/// Holds back the signals by which a user ends a program, so that a snapshot can be ended first.
///
/// The mask belongs to the thread that closes the gate and to those it starts. What comes in meanwhile is asked for with
/// `poll` and does not kill any more; what comes in unasked is delivered when the gate opens.
package struct SignalGate: ~Copyable {
    /// The mask of before.
    private(set) var previous = sigset_t()

    /// - Parameter children: also hold back SIGCHLD, for `waitForChild`.
    ///
    /// The corresponding C function is `pthread_sigmask`.
    package init(children: Bool = false) {
        var signals = SignalGate.signals
        if children { sigaddset(&signals, SIGCHLD) }
        pthread_sigmask(SIG_BLOCK, &signals, &previous)
    }

    /// Does nothing: named at the end of a scope it keeps the gate closed up to there.
    package borrowing func hold() {}

    deinit {
        var previous = previous
        pthread_sigmask(SIG_SETMASK, &previous, nil)
    }

    /// The signal that has come in, taken from the queue; nil when there is none.
    ///
    /// The corresponding C function is `sigtimedwait`.
    package static func poll() -> Int32? {
        var signals = signals
        var time = timespec(tv_sec: 0, tv_nsec: 0)
        let signal = sigtimedwait(&signals, nil, &time)
        return signal > 0 ? signal : nil
    }

    /// Waits so long for a signal; nil when none came, or a child has something to report (see `init`).
    ///
    /// The corresponding C function is `sigtimedwait`.
    package static func wait(seconds: Double) -> Received? {
        var signals = signals
        sigaddset(&signals, SIGCHLD)
        let bounded = min(max(seconds, 0), 3600)
        var time = timespec(tv_sec: Int(bounded), tv_nsec: Int(bounded.truncatingRemainder(dividingBy: 1) * 1e9))
        var info = siginfo_t()
        let signal = sigtimedwait(&signals, &info, &time)
        // SI_KERNEL is above 0, what processes send is not.
        return signal > 0 && signal != SIGCHLD ? Received(signal: signal, isFromTerminal: info.si_code > 0) : nil
    }

    package struct Received: Hashable, Sendable {
        package let signal: Int32
        /// It went to every process in the foreground.
        package let isFromTerminal: Bool
    }

    /// Waits until a child has something to report, or so long. A signal that somebody sent to nusu goes to `forward`; one of
    /// the terminal goes to every process in its foreground without that.
    ///
    /// The corresponding C function is `sigtimedwait`.
    static func waitForChild(seconds: Double, forward: (Int32) -> Void) {
        var signals = signals
        sigaddset(&signals, SIGCHLD)
        var time = timespec(tv_sec: 0, tv_nsec: Int(min(max(seconds, 0), 0.9) * 1e9))
        var info = siginfo_t()
        let signal = sigtimedwait(&signals, &info, &time)
        // SI_KERNEL is above 0, what processes send is not.
        if signal > 0, signal != SIGCHLD, info.si_code <= 0 { forward(signal) }
    }

    private static var signals: sigset_t {
        var set = sigset_t()
        sigemptyset(&set)
        for signal in [SIGINT, SIGTERM, SIGHUP, SIGQUIT] { sigaddset(&set, signal) }
        return set
    }
}
