/// An open descriptor of a process (man 5 proc_pid_fd, proc_pid_fdinfo).
package struct Descriptor: Hashable, Sendable {
    /// What it leads to. The names appear in the output.
    package enum Kind: String, CaseIterable, Sendable {
        case file, directory, pipe, fifo, socket, terminal, device
        case eventfd, epoll, timerfd, signalfd, inotify, fanotify, pidfd, memfd
        case ioUring = "io_uring"
        /// A namespace, a program of BPF, a performance counter, …
        case other
    }

    package enum Access: String, Sendable {
        case read, write
        case both = "read+write"
        /// O_PATH: names a file, and gives no way to its contents.
        case path
    }

    /// What the kernel says of some kinds only.
    package enum Detail: Hashable, Sendable {
        /// The descriptors that an epoll waits for, at most `Descriptor.targetLimit` of `count`.
        case watched([Int32], count: Int)
        /// Of an eventfd: its number among all of them (nil before Linux 5.2), and its value.
        case event(id: UInt64?, value: UInt64)
        /// Of a timerfd: CLOCK_REALTIME 0, CLOCK_MONOTONIC 1, …; seconds until it rings (0: not armed), and between two rings.
        case timer(clock: Int32, secondsLeft: Double, interval: Double)
        /// A bit for each signal that a signalfd takes; bit 0 is signal 1.
        case signals(UInt64)
        /// Files that an inotify or fanotify watches.
        case watches(Int)
        /// Whom a pidfd means; nil when that one is gone, or has no number here.
        case process(Int32?)
        /// Of the master of a pseudo-terminal: the number of its slave, N of /dev/pts/N.
        case master(UInt32)
    }

    /// Who has the other end of a pipe, FIFO, socket or pseudo-terminal open.
    package struct OtherEnd: Hashable, Sendable {
        /// At most `Descriptor.processLimit` of `count`, ascending. The process itself only where it is the only one.
        package var processes: [ProcessIdentity]
        package var count: Int
        /// No process but this one has it.
        package var isOwn: Bool
        /// false: a connection that the other one has not accepted yet.
        package var isAccepted: Bool

        package init(processes: [ProcessIdentity], count: Int, isOwn: Bool = false, isAccepted: Bool = true) {
            self.processes = processes
            self.count = count
            self.isOwn = isOwn
            self.isAccepted = isAccepted
        }
    }

    package static let targetLimit = 256
    package static let processLimit = 8

    package var number: Int32
    package var kind: Kind
    /// Where the link leads, as bytes, not escaped: a path (without the mark of a deleted file), "pipe:[123]",
    /// "anon_inode:[eventpoll]".
    package var target: [UInt8]
    /// The file has no name any more.
    package var isDeleted = false
    /// nil where there is no file, or it may not be seen.
    package var file: Mapping.FileID?
    /// Of files: their length, and what they take of their disk; nil where that cannot be told.
    package var sizeBytes: UInt64?
    package var diskBytes: UInt64?
    /// As in fdinfo, O_ACCMODE included (man 2 open); nil where fdinfo may not be read.
    package var flags: UInt32?
    /// Where the next read or write begins, in bytes; nil as above.
    package var offset: UInt64?
    /// Locks of the file that this descriptor's owner holds or waits for.
    package var locks = 0
    package var detail: Detail?
    /// nil for all but sockets, and where the kernel does not tell.
    package var socket: Socket?
    /// Whether the socket's connection came from a client.
    package var isServer = false
    /// What the other end's unix socket is bound to.
    package var peerName = SocketAddress.unnamed
    /// nil: there is none, it is on another machine, or it cannot be told.
    package var otherEnd: OtherEnd?

    package init(number: Int32, kind: Kind, target: [UInt8]) {
        self.number = number
        self.kind = kind
        self.target = target
    }

    package var access: Access? {
        guard let flags else { return nil }
        if flags & 0o10000000 != 0 { return .path }
        switch flags & 3 {
        case 0: return .read
        case 1: return .write
        default: return .both
        }
    }

    /// The names of open's flags without O_ and in lower case, O_ACCMODE and O_LARGEFILE left out (x86-64's values:
    /// include/uapi/asm-generic/fcntl.h).
    package var flagNames: [String] {
        guard let flags else { return [] }
        let names: [(UInt32, String)] = [
            (0o2000, "append"), (0o4000, "nonblock"), (0o20000, "async"), (0o40000, "direct"),
            (0o200000, "directory"), (0o400000, "nofollow"), (0o1000000, "noatime"), (0o2000000, "cloexec"),
        ]
        // O_SYNC has O_DSYNC's bit in it.
        let sync = flags & 0o4010000 == 0o4010000 ? ["sync"] : flags & 0o10000 != 0 ? ["dsync"] : []
        return names.filter { flags & $0.0 != 0 }.map(\.1) + sync
    }

    /// Whether both numbers stand for one and the same open thing, seen at two moments. Things without a name or number of
    /// their own (timers, epolls) are told apart by their kind only.
    package func isSame(as other: Descriptor) -> Bool {
        guard number == other.number, kind == other.kind, target == other.target, file == other.file else {
            return false
        }
        switch (detail, other.detail) {
        case (.event(let one, _), .event(let two, _)): return one == two
        case (.process(let one), .process(let two)): return one == two || one == nil || two == nil
        case (.master(let one), .master(let two)): return one == two
        default: return true
        }
    }
}
