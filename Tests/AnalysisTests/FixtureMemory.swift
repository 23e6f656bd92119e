import Model
import Synchronization

/// Memory made by a test: a few mappings with their bytes.
final class FixtureMemory: MemoryReader {
    private struct Region {
        let range: AddressRange
        var bytes: [UInt8]
    }

    private let regions: Mutex<[Region]>

    private let unwritten: Mutex<[AddressRange]>

    init() {
        regions = Mutex([])
        unwritten = Mutex([])
    }

    /// Makes `range` hold what its file has always held.
    func leaveUnwritten(_ range: AddressRange) { unwritten.withLock { $0.append(range) } }

    func written(in range: AddressRange) -> [AddressRange] { [range].subtracting(unwritten.withLock { $0 }) }

    func map(_ range: AddressRange) {
        regions.withLock {
            $0.append(Region(range: range, bytes: [UInt8](repeating: 0, count: Int(range.count))))
            $0.sort { $0.range.lower < $1.range.lower }
        }
    }

    func write(_ word: UInt64, at address: UInt64) {
        write(withUnsafeBytes(of: word.littleEndian) { Array($0) }, at: address)
    }

    func write(_ bytes: [UInt8], at address: UInt64) {
        regions.withLock { regions in
            guard let index = regions.firstIndex(where: { $0.range.contains(address) }) else { return }
            let offset = Int(address - regions[index].range.lower)
            for (number, byte) in bytes.enumerated() where offset + number < regions[index].bytes.count {
                regions[index].bytes[offset + number] = byte
            }
        }
    }

    /// Changes bytes at random: `count` single bits anywhere.
    func flip(_ count: Int, using random: inout some RandomNumberGenerator) {
        regions.withLock { regions in
            for _ in 0..<count {
                let region = Int.random(in: 0..<regions.count, using: &random)
                let byte = Int.random(in: 0..<regions[region].bytes.count, using: &random)
                regions[region].bytes[byte] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            }
        }
    }

    /// Makes the end of one region unreadable.
    func truncate(using random: inout some RandomNumberGenerator) {
        regions.withLock { regions in
            let region = Int.random(in: 0..<regions.count, using: &random)
            regions[region].bytes.removeLast(Int.random(in: 0...regions[region].bytes.count, using: &random))
        }
    }

    func read(at address: UInt64, into buffer: UnsafeMutableRawBufferPointer) -> Int {
        regions.withLock { regions in
            var done = 0
            while done < buffer.count {
                let at = address &+ UInt64(done)
                guard let region = regions.first(where: { $0.range.contains(at) }) else { break }
                let offset = Int(at - region.range.lower)
                let count = min(buffer.count - done, region.bytes.count - offset)
                guard count > 0 else { break }
                region.bytes.withUnsafeBytes {
                    UnsafeMutableRawBufferPointer(rebasing: buffer[done..<done + count])
                        .copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[offset..<offset + count]))
                }
                done += count
            }
            return done
        }
    }
}

/// The same numbers in every run (SplitMix64), so that a failing case can be repeated.
struct Seeded: RandomNumberGenerator {
    private var state: UInt64
    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}
