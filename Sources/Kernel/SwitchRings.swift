package import SystemPackage

import CLinux
import Glibc

/// The kernel's records of switches (man 2 perf_event_open): a ring of memory for each core, into which the kernel writes and
/// from which nusu reads. What lies in them are bytes: Capture reads them.
///
/// It changes nothing in those that it watches: were nusu killed, the kernel would take the rings away.
package struct SwitchRings: ~Copyable {
    private struct Ring {
        let core: Int
        /// The source that the ring belongs to, then those that share it.
        var sources: [Int32]
        /// The page with head and tail, then the data.
        let memory: UnsafeMutableRawPointer
        /// Its thread has ended: waiting for it would not wait.
        var isDead = false
    }

    private var rings: [Ring] = []
    private let switches: Bool
    /// Of one ring's data: a power of two.
    package private(set) var bytesPerCore: Int
    /// Whether the kernel counts what it could not write.
    package private(set) var countsLost = true
    /// A process whose end ends a wait; -1: none.
    private var awaited: Int32 = -1
    /// Threads that could not be watched: too many open files.
    package private(set) var unwatched = 0

    /// The cores that have a ring, in the order of their indexes.
    package var cores: [Int] { rings.map(\.core) }

    /// All threads of the machine on all its cores. Needs CAP_PERFMON, or kernel.perf_event_paranoid at most 0.
    ///
    /// - Parameter bytes: of all rings together, at most; less where the kernel does not let so much be locked.
    ///
    /// Throws EACCES without the right, EPERM or ENOSYS where a sandbox or the kernel lacks it, EINVAL where the kernel is too old.
    package init(bytes: Int) throws(Errno) {
        try self.init(threads: [-1], switches: true, inherits: false, bytes: bytes, least: 512 << 10)
    }

    /// Of all threads names, forks and ends alone, which are few: for who learns of switches otherwise. Throws as above.
    package init(birthsInBytes bytes: Int) throws(Errno) {
        try self.init(threads: [-1], switches: false, inherits: false, bytes: bytes, least: 64 << 10)
    }

    /// These threads and whatever they start. Needs the right to trace them, and kernel.perf_event_paranoid at most 2.
    ///
    /// Throws ESRCH where all are gone; else as above.
    package init(threads: [Int32], bytes: Int) throws(Errno) {
        try self.init(threads: threads, switches: true, inherits: true, bytes: bytes, least: 512 << 10)
    }

    /// - Parameter least: a ring is not made smaller for there being many.
    private init(threads: [Int32], switches: Bool, inherits: Bool, bytes: Int, least: Int) throws(Errno) {
        self.switches = switches
        _ = clinux_raise_file_limit()
        let configured = max(1, min(sysconf(Int32(_SC_NPROCESSORS_CONF)), 4096))
        // What any user may lock of each core is about half a MiB (kernel.perf_event_mlock_kb).
        var size = 8 << 20
        while size > least, size * configured > bytes { size >>= 1 }
        bytesPerCore = size
        while true {
            do throws(Errno) {
                bytesPerCore = size
                for core in 0..<configured { try open(core, threads, inherits: inherits) }
                break
            } catch {
                close()
                // EPERM of mmap: more than may be locked. Of a sandbox it stays so.
                guard error == .notPermitted || error == .noMemory, size > 64 << 10 else { throw error }
                size >>= 1
            }
        }
        // Only where no core was on line.
        if rings.isEmpty { throw .noSuchProcess }
    }

    deinit {
        for ring in rings { SwitchRings.close(ring, bytesPerCore) }
        if awaited >= 0 { Glibc.close(awaited) }
    }

    private mutating func close() {
        for ring in rings { SwitchRings.close(ring, bytesPerCore) }
        rings = []
        unwatched = 0
    }

    private static func close(_ ring: Ring, _ bytes: Int) {
        munmap(ring.memory, bytes + pageBytes)
        for source in ring.sources { Glibc.close(source) }
    }

    private static let pageBytes = 4096

    // MARK: - Sources

    /// The corresponding C functions are `perf_event_open` and `mmap`.
    private mutating func open(_ core: Int, _ threads: [Int32], inherits: Bool) throws(Errno) {
        var next = 0
        while next < threads.count {
            let source: Int32
            do throws(Errno) { source = try open(threads[next], core, inherits) } catch {
                next += 1
                // The core is off line, or the thread is gone.
                if error.rawValue == ENODEV { return }
                guard error == .noSuchProcess, next < threads.count || !rings.isEmpty else { throw error }
                continue
            }
            next += 1
            let memory = mmap(nil, bytesPerCore + SwitchRings.pageBytes, PROT_READ | PROT_WRITE, MAP_SHARED, source, 0)
            guard let memory, memory != UnsafeMutableRawPointer(bitPattern: -1) else {
                let code = errno
                Glibc.close(source)
                throw Errno(rawValue: code)
            }
            rings.append(Ring(core: core, sources: [source], memory: memory))
            break
        }
        for thread in threads[next...] { try add(thread, inherits: inherits, to: rings.count - 1) }
    }

    private mutating func open(_ thread: Int32, _ core: Int, _ inherits: Bool) throws(Errno) -> Int32 {
        let watermark = UInt32(bytesPerCore / 4)
        do throws(Errno) {
            return try checked {
                clinux_open_switches(
                    thread, Int32(core), watermark, switches ? 1 : 0, inherits ? 1 : 0, countsLost ? 1 : 0)
            }
        } catch {
            guard error == .invalidArgument, countsLost else { throw error }
            countsLost = false
            return try checked {
                clinux_open_switches(thread, Int32(core), watermark, switches ? 1 : 0, inherits ? 1 : 0, 0)
            }
        }
    }

    /// Watches one more thread, and whatever it starts, on all cores. A thread that is gone is none.
    package mutating func add(thread: Int32) throws(Errno) {
        for index in rings.indices { try add(thread, inherits: true, to: index) }
    }

    private mutating func add(_ thread: Int32, inherits: Bool, to index: Int) throws(Errno) {
        do throws(Errno) {
            try share(try open(thread, rings[index].core, inherits), index)
        } catch {
            switch error {
            case .noSuchProcess: return
            case .tooManyOpenFiles, .tooManyOpenFilesInSystem: if index == 0 { unwatched += 1 }
            default: throw error
            }
        }
    }

    /// Records of a tracepoint too, of all threads, into the same rings.
    ///
    /// - Parameters:
    ///   - number: of its `id` file.
    ///   - filter: in the kernel's language (Documentation/trace/events.rst); nil: all.
    package mutating func add(tracepoint number: UInt64, filter: String? = nil) throws(Errno) {
        for index in rings.indices {
            let source = try checked {
                clinux_open_tracepoint(number, Int32(rings[index].core), countsLost ? 1 : 0)
            }
            if let filter, clinux_filter_tracepoint(source, filter) != 0 {
                let code = errno
                Glibc.close(source)
                throw Errno(rawValue: code)
            }
            try share(source, index)
        }
    }

    private mutating func share(_ source: Int32, _ index: Int) throws(Errno) {
        guard clinux_share_ring(source, rings[index].sources[0]) == 0 else {
            let code = errno
            Glibc.close(source)
            throw Errno(rawValue: code)
        }
        rings[index].sources.append(source)
    }

    /// The corresponding C function is `ioctl` (PERF_EVENT_IOC_ENABLE, PERF_EVENT_IOC_DISABLE).
    package borrowing func turn(on: Bool) {
        for ring in rings { for source in ring.sources { _ = clinux_switch_source(source, on ? 1 : 0) } }
    }

    // MARK: - Records

    /// Lets `wait` end with a process's end too, where the kernel has pidfds.
    ///
    /// The corresponding C function is `pidfd_open`.
    package mutating func wake(atEndOf pid: Int32) {
        if awaited < 0 { awaited = clinux_pidfd_open(pid) }
    }

    /// Waits until a ring is a quarter full, a process has ended (see `wake`), a signal that is not held back comes, or so long.
    ///
    /// The corresponding C function is `poll`.
    package mutating func wait(seconds: Double) {
        var entries = rings.map { pollfd(fd: $0.isDead ? -1 : $0.sources[0], events: Int16(POLLIN), revents: 0) }
        entries.append(pollfd(fd: awaited, events: Int16(POLLIN), revents: 0))
        let milliseconds = Int32(min(max(seconds, 0), 60) * 1000)
        guard poll(&entries, nfds_t(entries.count), milliseconds) > 0 else { return }
        if let process = entries.popLast(), process.revents != 0 {
            // Once is enough.
            Glibc.close(awaited)
            awaited = -1
        }
        for (index, entry) in entries.enumerated() where entry.revents & Int16(POLLHUP | POLLERR) != 0 {
            rings[index].isDead = true
        }
    }

    /// Takes out what has been written to one ring since the last time. The bytes live only as long as the call.
    ///
    /// - Parameter buffer: of at least `bytesPerCore`.
    package borrowing func read<Result>(
        _ index: Int, into buffer: UnsafeMutableRawBufferPointer, _ body: (UnsafeRawBufferPointer) -> Result
    ) -> Result {
        let page = rings[index].memory
        let data = UnsafeRawBufferPointer(start: page + SwitchRings.pageBytes, count: bytesPerCore)
        let head = clinux_ring_head(page)
        let count = SwitchRings.unwrap(data, from: clinux_ring_tail(page), to: head, into: buffer)
        clinux_set_ring_tail(page, head)
        return body(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
    }

    /// Copies the bytes numbered `tail` to `head`, of which byte number n lies at n modulo the ring's size; how many. None where
    /// that are more than the ring holds: somebody else has written there.
    package static func unwrap(
        _ ring: UnsafeRawBufferPointer, from tail: UInt64, to head: UInt64, into buffer: UnsafeMutableRawBufferPointer
    ) -> Int {
        guard head >= tail, head - tail <= UInt64(min(ring.count, buffer.count)), !ring.isEmpty else { return 0 }
        let count = Int(head - tail)
        let start = Int(tail % UInt64(ring.count))
        let first = min(count, ring.count - start)
        buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: ring[start..<start + first]))
        UnsafeMutableRawBufferPointer(rebasing: buffer[first...])
            .copyMemory(from: UnsafeRawBufferPointer(rebasing: ring[..<(count - first)]))
        return count
    }

    /// Records that the kernel could not write, of all rings; nil where it does not count them (before Linux 6.0).
    ///
    /// The corresponding C function is `read` (PERF_FORMAT_LOST).
    package borrowing func lostCount() -> UInt64? {
        guard countsLost else { return nil }
        var sum: UInt64 = 0
        for ring in rings {
            // Each that writes into a ring counts for itself.
            for source in ring.sources {
                var values: (value: UInt64, lost: UInt64) = (0, 0)
                let count = withUnsafeMutableBytes(of: &values) { Glibc.read(source, $0.baseAddress, $0.count) }
                if count == 16 { sum += values.lost }
            }
        }
        return sum
    }
}
