import Glibc

/// Holds back the signals by which a user ends a program, so that a snapshot can be ended first.
///
/// The mask belongs to the thread that closes the gate and to those it starts. What comes in meanwhile is asked for with
/// `poll` and does not kill any more; what comes in unasked is delivered when the gate opens.
package struct SignalGate: ~Copyable {
    private var previous = sigset_t()

    /// The corresponding C function is `pthread_sigmask`.
    package init() {
        var signals = SignalGate.signals
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

    private static var signals: sigset_t {
        var set = sigset_t()
        sigemptyset(&set)
        for signal in [SIGINT, SIGTERM, SIGHUP, SIGQUIT] { sigaddset(&set, signal) }
        return set
    }
}
