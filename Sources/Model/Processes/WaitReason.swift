/// Why a thread does not run, at one moment.
package struct WaitReason: Hashable, Sendable {
    package enum Cause: Hashable, Sendable {
        /// It runs, or is ready to.
        case running
        /// wait4, waitid: until a child ends; or vfork: until it has become another program.
        case child
        /// Reading: until somebody writes. Writing: until somebody reads. `isOwn`: no other process has the other end open.
        case pipe(inode: UInt64, isReading: Bool, isOwn: Bool)
        /// The same of a FIFO, by its path as the kernel writes it. Whoever may open that could join in.
        case fifo(path: [UInt8], isReading: Bool, isOwn: Bool)
        case socket(SocketWait)
        /// A lock of a file (flock, fcntl).
        case fileLock
        /// One descriptor that is no pipe and no socket; what it leads to, as the kernel writes it.
        case descriptor(target: [UInt8])
        /// Several descriptors at once (poll, select, epoll): how many of which kind; empty where that is not known.
        case descriptors([String: Int])
        case timer
        case signal
        /// Something in memory (futex).
        case memoryLock(MemoryLock)
        /// A System V semaphore (semop): any process may raise it.
        case semaphore
        /// Stopped by a signal, nil where it is not known by which; by its tracer; ended.
        case stopped(by: Int32?)
        case tracer(pid: Int32)
        case zombie(parent: Int32)
        case other
        /// The call may not be seen.
        case notPermitted
    }

    /// Who could end the wait: a process by any of its threads, or one thread alone.
    package struct Awaited: Hashable, Sendable {
        package var process: ProcessIdentity
        /// nil: any.
        package var thread: Int32?

        package init(_ process: ProcessIdentity, thread: Int32? = nil) {
            self.process = process
            self.thread = thread
        }
    }

    package var process: ProcessIdentity
    package var thread: Int32
    /// How many threads its process has.
    package var threadCount = 1
    package var state: UInt8
    package var cause: Cause
    /// The system call that it is in; nil where it is in none, or that may not be seen.
    package var call: String?
    /// The descriptor that the call is about.
    package var descriptor: Int32?
    /// The kernel's function that it sleeps in; nil where that may not be seen.
    package var channel: String?
    /// Of a wait for several descriptors those that it waits at, where all of them are ends of channels whose other ends are
    /// known; else empty.
    package var descriptors: [Int32] = []
    /// The call ends by itself when a time is over.
    package var hasTimeout = false
    /// Whom it waits for: any one of them is enough. Empty where nobody is known.
    package var awaited: [Awaited] = []
    /// Another thread of its own process could end the wait as well.
    package var ownThreadsToo = false
    /// How often it had gone to sleep before it was looked at; nil: not known.
    package var sleeps: UInt64?
    /// It ran while others were looked at: what was seen of it and of them was never so at one moment.
    package var ranMeanwhile = false

    /// - Parameter thread: nil for the main thread.
    package init(process: ProcessIdentity, thread: Int32? = nil, state: UInt8, cause: Cause) {
        self.process = process
        self.thread = thread ?? process.pid
        self.state = state
        self.cause = cause
    }
}

/// What a thread waits for at a socket.
package struct SocketWait: Hashable, Sendable {
    package enum Purpose: String, Hashable, Sendable {
        case receive, send, connect, accept
    }

    package var purpose: Purpose
    /// nil: of a kind that the table of sockets does not have, or that table may not be read.
    package var socket: Socket?
    /// What the socket is connected to, or is to be: of a unix socket the name of the server, at whichever end.
    package var name = SocketAddress.unnamed
    /// It serves the other end: what it waits for is no answer.
    package var isServer = false
    /// The other end is a listener that has not taken the connection yet.
    package var isPending = false
    /// No other process has the other end open.
    package var isOwn = false
    /// Bytes that the other end has not read yet; nil: not known.
    package var unreadBytes: UInt64?

    package init(_ purpose: Purpose, socket: Socket? = nil) {
        self.purpose = purpose
        self.socket = socket
    }
}

/// What a thread waits for in memory.
package struct MemoryLock: Hashable, Sendable {
    package enum Kind: String, Hashable, Sendable {
        /// Something that says who holds it: a mutex, or a lock for readers and one writer that is held by the writer.
        case owned
        /// The end of a thread (pthread_join).
        case thread
        /// A condition, a semaphore, or a lock that does not say who holds it.
        case anonymous
    }

    package var kind: Kind
    /// It lies in memory that other processes may share; nil: not known.
    package var isShared: Bool?
    /// The owner that the lock names, where it is not there any more: it has ended, or the lock was copied by a fork. A
    /// number of the process's own PID namespace.
    package var missingOwner: Int32?

    package init(_ kind: Kind = .anonymous, isShared: Bool? = nil) {
        self.kind = kind
        self.isShared = isShared
    }
}
