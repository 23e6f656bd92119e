/// Something by which processes reach each other, and who has it: a pipe of thousands of holders is one channel.
package struct Channel: Hashable, Sendable {
    /// The names appear in the output.
    package enum Kind: String, CaseIterable, Sendable {
        case pipe, fifo, unix, tcp, udp, pty, eventfd, epoll, signalfd, inotify, pidfd, mqueue
        case sysvMessages = "sysv-msg"
        case sysvSemaphores = "sysv-sem"
        case sharedMemory = "shared-memory"
        /// A named POSIX semaphore: a file of shared memory with nothing else in it.
        case semaphore
        /// Threads that sleep at a word of shared memory.
        case futex
        case parentChild = "parent-child"
    }

    /// What shared memory is made of.
    package enum Memory: String, Sendable {
        /// A file below /dev/shm (man 7 shm_overview).
        case posix
        case memfd
        /// MAP_SHARED with MAP_ANONYMOUS: by inheritance only.
        case anonymous
        case sysv
        case file
    }

    /// Who moves the bytes.
    package enum Carrier: String, Sendable {
        case kernel
        /// The kernel sets it up; what is written is there without its help.
        case sharedMemory = "shared-memory"
    }

    package enum Role: String, Sendable {
        case read, write, both
        /// Has it in its memory and may write there; who may only read there has `read`.
        case map
        case listen
        /// Is told when something happens: epoll, inotify, signalfd; of a pidfd: who holds it.
        case watch
        /// Is watched: whom a pidfd means.
        case watched
        /// A thread of it sleeps there just now: in semop, msgrcv, msgsnd, at a futex.
        case wait
        /// Holds the lock that others wait for, by the lock's own word.
        case hold
        /// Used it last, by the kernel's note of the last user (System V): it may be done with it.
        case used
        case parent, child
    }

    package struct End: Hashable, Sendable {
        package var pid: Int32
        /// nil: it has no descriptor of it, or none any more (a mapping, a System V queue, a parent).
        package var fd: Int32?
        package var role: Role
        /// Of channels with two ends (sockets, ptys): 0 is who called, or the master of a pty; 1 who was called, or the
        /// slave. Of those that go one way: 0 writes, 1 reads.
        package var side: UInt8
        /// The thread that sleeps there; nil for the whole process.
        package var thread: Int32?

        package init(pid: Int32, fd: Int32? = nil, role: Role, side: UInt8 = 0, thread: Int32? = nil) {
            self.pid = pid
            self.fd = fd
            self.role = role
            self.side = side
            self.thread = thread
        }
    }

    /// Why nothing moves.
    package struct Stuck: Hashable, Sendable {
        /// The names appear in the output.
        package enum Cause: String, Sendable {
            /// A writer sleeps: there is no room.
            case full
            /// A client sleeps: nobody takes its connection.
            case unaccepted
            /// Somebody sleeps at a lock whose owner, known by the lock's own word, cannot go on by itself, or is gone.
            case locked
            /// A reader sleeps, and all who could write wait for it in turn: none of them will ever go on by itself.
            case deadlock
        }

        package var cause: Cause
        /// Who sleeps.
        package var pid: Int32
        package var thread: Int32

        package init(_ cause: Cause, pid: Int32, thread: Int32) {
            self.cause = cause
            self.pid = pid
            self.thread = thread
        }
    }

    package enum State: Hashable, Sendable {
        /// Nothing lies in it.
        case idle
        /// Something lies in it, and nobody sleeps because of that.
        case unread
        /// A lock: somebody sleeps there until the owner gives it up, who may do that any moment.
        case held
        case stuck(Stuck)
    }

    /// What else is to be said of it.
    package enum Detail: Hashable, Sendable {
        /// A connection that the listener has not accepted yet.
        case notAccepted
        /// Descriptors that were sent through it and not yet received (SCM_RIGHTS).
        case inFlight(Int)
        /// The other end is open nowhere that could be seen.
        case otherEndUnseen
        /// It belongs to another namespace than nusu's own: "net:[4026532281]", "ipc:[4026532280]".
        case namespace(String)
        /// It has no name any more, and goes with its last holder.
        case deleted
    }

    package var kind: Kind
    /// Of shared memory, else nil.
    package var memory: Memory?
    /// Of sockets: stream, datagram or sequenced.
    package var transport: Socket.Transport?
    /// As in JSON, not escaped, invalid UTF-8 replaced: "pipe:[1234]", "unix:[12]↔[13]", "127.0.0.1:5432↔127.0.0.1:40112",
    /// "/dev/shm/ratelimit", "shmid 5 key 0x2a". Two channels of one graph never have the same of one kind.
    package var identity: String
    /// What people know it by, as bytes: a path, "@abstract", "/jobs", "pts/0"; empty where it has no name.
    package var name: [UInt8] = []
    /// Ascending by process, then descriptor.
    package var ends: [End]
    /// Bytes that lie unread on the way to side 1 and, where it has two ends, to side 0; nil: not known.
    package var waiting: Int?
    package var waitingBack: Int?
    /// Bytes that fit in; nil: not known, or no bound.
    package var capacity: Int?
    /// Of queues, and of listeners: messages (connections) that wait, and how many may.
    package var messages: Int?
    package var messageLimit: Int?
    /// Of shared memory: its bytes.
    package var size: Int?
    /// Of System V semaphores: how many in the set.
    package var semaphores: Int?
    /// Of an eventfd, or a semaphore of one: its count.
    package var value: UInt64?
    /// Bytes that ever went to side 1 and to side 0, where the kernel counts them (TCP); nil: it does not.
    package var carriedBytes: UInt64?
    package var carriedBytesBack: UInt64?
    /// false: what joins the ends is a guess, and `doubt` says why.
    package var sure = true
    package var doubt: String?
    /// nil: cannot be told.
    package var state: State?
    /// Seconds that it has been stuck, or that nothing went through it; nil: not known.
    package var since: Double?
    /// Seconds that it has been there, at least; nil: not known.
    package var age: Double?
    /// The user whose it is, or whose the end is that was not seen, where the kernel says.
    package var owner: UInt32?
    /// Of an epoll: what it watches: identities of other channels, or paths.
    package var watched: [String] = []
    package var details: Set<Detail> = []

    package init(_ kind: Kind, identity: String, ends: [End] = []) {
        self.kind = kind
        self.identity = identity
        self.ends = ends
    }

    package var carried: Carrier {
        switch kind {
        case .sharedMemory, .semaphore, .futex: .sharedMemory
        default: .kernel
        }
    }

    package var stuck: Stuck? { if case .stuck(let stuck) = state { stuck } else { nil } }

    /// At least two processes have it.
    package var joinsProcesses: Bool { ends.contains { $0.pid != ends[0].pid } }
}
