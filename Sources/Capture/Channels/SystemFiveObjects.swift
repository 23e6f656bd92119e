import Kernel
import Model
import SystemPackage

/// System V's queues, sets of semaphores and segments of one IPC namespace (man 5 proc, /proc/sysvipc; man 7 sysvipc).
struct SystemFiveObjects: Sendable {
    struct Queue: Hashable, Sendable {
        var id: Int32
        var key: Int32
        var bytes: Int
        var messages: Int
        /// nil where it may not be read.
        var capacityBytes: Int?
        /// Who sent and received last, 0 for nobody yet; and when, in seconds since 1970.
        var sender: Int32
        var receiver: Int32
        var sent: Double
        var received: Double
        var user: UInt32
    }

    struct SemaphoreSet: Hashable, Sendable {
        var id: Int32
        var key: Int32
        var count: Int
        /// Who changed one of them last.
        var users: Set<Int32> = []
        var used: Double
        var user: UInt32
    }

    struct Segment: Hashable, Sendable {
        var id: Int32
        var key: Int32
        var bytes: Int
        var attached: Int
        var user: UInt32
    }

    var queues: [Queue] = []
    var sets: [SemaphoreSet] = []
    var segments: [Segment] = []

    /// Of a set so many semaphores are asked for their last user.
    private static let semaphoreLimit = 64

    init() {}

    /// Those of the calling thread's namespace.
    init(root: String, asksKernel: Bool) {
        func file(_ name: String) -> [UInt8] {
            (try? ProcFile.read("\(root)/sysvipc/\(name)", limit: ProcFS.Limit.names)) ?? []
        }
        queues = SystemFiveObjects.lines(file("msg"), columns: 14).map { line in
            Queue(
                id: Int32(clamping: line[1]), key: Int32(truncatingIfNeeded: line[0]), bytes: Int(line[3]),
                messages: Int(line[4]), sender: Int32(clamping: line[5]), receiver: Int32(clamping: line[6]),
                sent: Double(line[11]), received: Double(line[12]), user: UInt32(clamping: line[7]))
        }
        sets = SystemFiveObjects.lines(file("sem"), columns: 10).map { line in
            SemaphoreSet(
                id: Int32(clamping: line[1]), key: Int32(truncatingIfNeeded: line[0]), count: Int(line[3]),
                used: Double(line[8]), user: UInt32(clamping: line[4]))
        }
        segments = SystemFiveObjects.lines(file("shm"), columns: 14).map { line in
            Segment(
                id: Int32(clamping: line[1]), key: Int32(truncatingIfNeeded: line[0]), bytes: Int(line[3]),
                attached: Int(line[6]), user: UInt32(clamping: line[7]))
        }
        guard asksKernel else { return }
        for index in queues.indices {
            queues[index].capacityBytes = SystemFive.messageCapacity(queue: queues[index].id)
        }
        for index in sets.indices {
            for number in 0..<max(0, min(sets[index].count, SystemFiveObjects.semaphoreLimit)) {
                guard let semaphore = SystemFive.semaphore(set: sets[index].id, number: Int32(number)) else { break }
                if semaphore.user > 0 { sets[index].users.insert(semaphore.user) }
            }
        }
    }

    /// Those of another namespace, entered for the moment.
    /// - Parameter path: of the namespace.
    static func visiting(_ path: String, root: String) throws(Errno) -> SystemFiveObjects {
        try Namespace.visit(path, .ipc) { () throws(Errno) in SystemFiveObjects(root: root, asksKernel: true) }
    }

    /// Lines of numbers below a line of names; the first `columns` of each.
    private static func lines(_ bytes: [UInt8], columns: Int) -> [[Int64]] {
        var result: [[Int64]] = []
        bytes.withUnsafeBufferPointer { buffer in
            var scanner = ByteScanner(buffer)
            _ = scanner.line()
            while var line = scanner.line() {
                var numbers: [Int64] = []
                while numbers.count < columns {
                    line.skipBlanks()
                    guard let number = line.signedDecimal() else { break }
                    numbers.append(number)
                }
                if numbers.count == columns { result.append(numbers) }
            }
        }
        return result
    }
}
