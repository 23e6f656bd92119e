import Glibc
import Kernel
import Model
import SystemPackage
import Testing

@Suite struct KernelTests {
    @Test func decodesWaitStatus() {
        #expect(WaitStatus(status: 0x0300) == .exited(code: 3))
        #expect(WaitStatus(status: 9) == .killed(signal: 9))
        #expect(WaitStatus(status: 0x8b) == .killed(signal: 11))
        #expect(WaitStatus(status: 0x137f) == .signal(SIGSTOP))
        #expect(WaitStatus(status: 0x857f) == .systemCall)
        #expect(WaitStatus(status: 0x3_057f) == .child)
        #expect(WaitStatus(status: 0x80_057f) == .interrupted)
        #expect(WaitStatus(status: 0x80_137f) == .interrupted)
        #expect(WaitStatus(status: 0x6_057f) == .event(6))
    }

    @Test func readsAndWritesMemory() throws {
        let memory = try MemoryFile(getpid(), writable: true)
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 16, alignment: 8)
        defer { buffer.deallocate() }
        buffer.storeBytes(of: 0x1122_3344_5566_7788, as: UInt64.self)
        let address = UInt64(UInt(bitPattern: buffer.baseAddress))
        #expect(memory.word(at: address) == 0x1122_3344_5566_7788)
        try memory.write([1, 2, 3], at: address)
        #expect(memory.bytes(at: address, count: 4) == [1, 2, 3, 0x55])
        #expect(memory.bytes(at: 8, count: 4) == nil)
        #expect(memory.word(at: UInt64.max - 3) == nil)
        #expect(throws: Errno.self) { try memory.write([1], at: UInt64.max) }
    }

    /// MADV_GUARD_INSTALL (102, Linux 6.13).
    private static let canGuard: Bool = {
        guard let buffer = try? PrivateBuffer(count: 1 << 12, populated: false),
            madvise(buffer.bytes.baseAddress, buffer.bytes.count, 102) == 0, let map = try? PageMap(getpid())
        else { return false }
        // Told since Linux 6.15.
        return map.entry(at: UInt64(UInt(bitPattern: buffer.bytes.baseAddress))).map { $0 & 1 << 58 != 0 } ?? false
    }()

    @Test(
        "A guard inside a mapping is no page", .enabled(if: canGuard, "this kernel tells of no guards inside mappings"))
    func guards() throws {
        let buffer = try PrivateBuffer(count: 4 << 12, populated: false)
        let base = UInt64(UInt(bitPattern: buffer.bytes.baseAddress))
        let range = AddressRange(base, base + 4 << 12)
        madvise(buffer.bytes.baseAddress, buffer.bytes.count, MADV_NOHUGEPAGE)
        buffer.bytes[1 << 12] = 1
        #expect(madvise(buffer.bytes.baseAddress, 1 << 12, 102) == 0)
        let map = try PageMap(getpid())
        #expect(map.entry(at: base).map(PageRun.State.init) == .guarded)
        #expect(map.pages(.populated, in: range) == [AddressRange(base + 1 << 12, base + 2 << 12)])
        #expect(map.runs(in: [range], limit: 10)?.map(\.state) == [.guarded, .present])
    }

    @Test func findsPopulatedPages() throws {
        let pages = try PageMap(getpid())
        let buffer = try PrivateBuffer(count: 64 << 12, populated: false)
        let base = UInt64(UInt(bitPattern: buffer.bytes.baseAddress))
        let range = AddressRange(base, base + 64 << 12)
        // No huge page may populate the neighbours.
        madvise(buffer.bytes.baseAddress, buffer.bytes.count, MADV_NOHUGEPAGE)
        for page in [3, 4, 9] { buffer.bytes[page << 12] = 1 }
        func page(_ lower: UInt64, _ upper: UInt64) -> AddressRange {
            AddressRange(base + lower << 12, base + upper << 12)
        }
        #expect(pages.pages(.populated, in: range) == [page(3, 5), page(9, 10)])
        #expect(pages.pages(.written, in: range, joining: 4 << 12) == [page(3, 10)])
        // Parts of pages are clipped.
        let part = AddressRange(base + 3 << 12 + 8, base + 4 << 12 + 16)
        #expect(pages.pages(.populated, in: part) == [part])
    }

    @Test func runsOnAThreadOfItsOwn() {
        struct Stop: Error {}
        let own = pthread_self()
        var other = own
        OwnerThread.run {
            other = pthread_self()
        } failed: { _ -> Never in
            preconditionFailure()
        }
        #expect(pthread_equal(own, other) == 0)
        #expect(throws: Stop.self) {
            try OwnerThread.run { () throws(Stop) in
                throw Stop()
            } failed: { _ in
                Stop()
            }
        }
    }

    @Test func holdsSignalsBack() {
        let signal: Int32? = OwnerThread.run {
            let gate = SignalGate()
            // To this thread alone: others of the test would die of it.
            pthread_kill(pthread_self(), SIGHUP)
            let signal = SignalGate.poll()
            gate.hold()
            return signal
        } failed: { _ -> Never in
            preconditionFailure()
        }
        #expect(signal == SIGHUP)
    }

    /// Byte number n of a ring lies at n modulo its size.
    @Test func unwrapsRings() {
        let ring = (0..<16).map { UInt8($0) }
        func unwrap(_ tail: UInt64, _ head: UInt64) -> [UInt8] {
            ring.withUnsafeBytes { ring in
                [UInt8](unsafeUninitializedCapacity: 16) { buffer, count in
                    count = SwitchRings.unwrap(ring, from: tail, to: head, into: UnsafeMutableRawBufferPointer(buffer))
                }
            }
        }
        #expect(unwrap(0, 4) == [0, 1, 2, 3])
        #expect(unwrap(14, 19) == [14, 15, 0, 1, 2])
        #expect(unwrap(30, 32) == [14, 15])
        #expect(unwrap(32, 48) == ring)
        #expect(unwrap(5, 5).isEmpty)
        // More than the ring holds, or less than none: nobody's numbers.
        #expect(unwrap(0, 17).isEmpty && unwrap(9, 8).isEmpty && unwrap(0, .max).isEmpty)
    }
}
