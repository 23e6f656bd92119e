import Kernel
import Model
import SystemPackage

/// Memory copied out of a target. The room is populated beforehand; what does not fit takes more, at the price of a longer
/// stop.
///
/// Filled by one thread; read-only afterwards.
final class CopiedMemory: @unchecked Sendable {
    private final class Room {
        let buffer: PrivateBuffer
        var used = 0
        init(count: Int, populated: Bool) throws(Errno) {
            buffer = try PrivateBuffer(count: count, populated: populated)
        }
    }

    private var rooms: [Room] = []
    private(set) var copiedBytes: UInt64 = 0

    /// - Parameter expectedBytes: what will be copied, as far as that is known before the stop.
    init(expectedBytes: UInt64) throws(Errno) {
        guard expectedBytes > 0 else { return }
        guard let count = Int(exactly: expectedBytes), count < 1 << 46 else { throw .noMemory }
        rooms.append(try Room(count: count, populated: true))
    }

    /// Copies what can be read of `range` and returns where its start lies; nil when nothing could be read.
    func copy(_ range: AddressRange, from memory: OpenMemory) throws(Errno) -> (range: AddressRange, at: UInt)? {
        guard let count = Int(exactly: range.count), count < 1 << 46 else { throw .noMemory }
        if rooms.last.map({ $0.buffer.bytes.count - $0.used < count }) ?? true {
            rooms.append(try Room(count: max(count, 4 << 20), populated: false))
        }
        guard let room = rooms.last, let base = room.buffer.bytes.baseAddress else { return nil }
        let target = UnsafeMutableRawBufferPointer(start: base + room.used, count: count)
        let got = memory.file.read(at: range.lower, into: target)
        guard got > 0 else { return nil }
        room.used += got
        copiedBytes += UInt64(got)
        return (AddressRange(range.lower, range.lower + UInt64(got)), UInt(bitPattern: base + room.used - got))
    }
}
