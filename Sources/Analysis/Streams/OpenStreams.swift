import Model

/// A FILE of the C library that is open on a descriptor, and lies in a block of the heap.
package struct OpenStream: Hashable, Sendable {
    let block: BlockID
    package let address: UInt64
    package let descriptor: Int32
    /// Made by popen.
    package let isCommand: Bool
    /// Where the library's own lists go on behind it: these words hold nothing for the program.
    let links: [UInt64]
}

/// The FILEs of a process, as the C library's own list has them.
struct OpenStreams: Sendable {
    /// Ascending by block.
    var streams: [OpenStream] = []
    /// Addresses of the library's variables where its lists begin, or lead back into one.
    var listWords: Set<UInt64> = []
    /// A bit for each block; empty where there are no streams.
    private(set) var bits: [UInt64] = []

    static let none = OpenStreams()

    private init() {}

    /// - Parameter blocks: how many the process has.
    init(_ streams: [OpenStream], listWords: Set<UInt64>, blocks: Int) {
        self.streams = streams.sorted { $0.block < $1.block }
        self.listWords = listWords
        guard !streams.isEmpty else { return }
        bits = [UInt64](repeating: 0, count: (blocks + 63) / 64)
        for stream in streams { bits[Int(stream.block) >> 6] |= 1 << UInt64(stream.block & 63) }
    }

    var isEmpty: Bool { streams.isEmpty }

    /// Of a graph with streams.
    @inline(__always)
    func contains(_ block: BlockID) -> Bool { bits[Int(block) >> 6] & (1 << UInt64(block & 63)) != 0 }

    subscript(block: BlockID) -> OpenStream? {
        let place = streams.partitioningIndex { $0.block >= block }
        return place < streams.count && streams[place].block == block ? streams[place] : nil
    }
}
