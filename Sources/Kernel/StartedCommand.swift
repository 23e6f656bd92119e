package import SystemPackage

import Glibc

/// A command that nusu has started and does nothing to. It runs on when nusu ends.
package struct StartedCommand {
    package let pid: Int32
    private var end: WaitStatus?

    /// Starts `arguments`, the first of which is looked for in PATH, with nusu's standard descriptors and environment.
    ///
    /// The corresponding C function is `posix_spawnp`.
    package init(_ arguments: [String], mask: borrowing SignalGate) throws(Errno) {
        guard let program = arguments.first else { throw .invalidArgument }
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var previous = mask.previous
        posix_spawnattr_setsigmask(&attributes, &previous)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        var words = arguments.map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        var pid: pid_t = 0
        let code = posix_spawnp(&pid, program, nil, &attributes, &words, environ)
        guard code == 0 else { throw Errno(rawValue: code) }
        self.pid = pid
    }

    /// One that was held until now.
    init(pid: Int32) { self.pid = pid }

    /// How it ended; nil while it runs. Its entry is gone after that.
    ///
    /// The corresponding C function is `waitpid`.
    package mutating func ending() -> WaitStatus? {
        if let end { return end }
        var status: Int32 = 0
        var result: pid_t
        repeat { result = waitpid(pid, &status, WNOHANG) } while result < 0 && errno == EINTR
        if result == pid { end = WaitStatus(status: status) }
        return end
    }
}
