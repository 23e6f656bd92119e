/// FILEs in a saved graph.
enum StreamCoding {
    private static let linkLimit = 2

    static func encode(_ streams: OpenStreams) -> ByteWriter {
        var out = ByteWriter()
        out.number(streams.streams.count)
        for stream in streams.streams {
            out.number(UInt64(stream.block))
            out.number(UInt64(UInt32(bitPattern: stream.descriptor)))
            out.flag(stream.isCommand)
            out.number(stream.links.count)
            for link in stream.links { out.number(link) }
        }
        out.number(streams.listWords.count)
        for word in streams.listWords.sorted() { out.number(word) }
        return out
    }

    static func decode(_ cursor: inout ByteCursor, _ index: BlockIndex) throws(DamagedBytes) -> OpenStreams {
        var streams: [OpenStream] = []
        var last = -1
        for _ in 0..<(try cursor.count(ofBytes: 4)) {
            let block = try cursor.number(below: index.count)
            guard block > last else { throw DamagedBytes() }
            last = block
            let descriptor = Int32(try cursor.number(below: Int(Int32.max)))
            let isCommand = try cursor.flag()
            var links: [UInt64] = []
            for _ in 0..<(try cursor.number(below: linkLimit + 1)) { links.append(try cursor.number()) }
            streams.append(
                OpenStream(
                    block: BlockID(block), address: index.start(BlockID(block)), descriptor: descriptor,
                    isCommand: isCommand, links: links))
        }
        var listWords: Set<UInt64> = []
        for _ in 0..<(try cursor.count()) { listWords.insert(try cursor.number()) }
        return OpenStreams(streams, listWords: listWords, blocks: index.count)
    }
}
