package import Model

/// Reads a saved trace, frame by frame. The file is hostile: no count is believed before it is checked against what is there.
package struct SavedTraceReader {
    /// How every saved trace begins.
    package static let magic = SavedTraceFormat.magic

    package let header: TraceHeader
    /// After the last batch; nil where the file is cut short, as when nusu was killed while it wrote.
    package private(set) var end: TraceEnd?

    private let name: String
    /// At most so many bytes, fewer only at the end.
    private let input: (Int) throws(Failure) -> [UInt8]
    private var lastTime: UInt64 = 0

    /// - Parameter name: of the file, for messages.
    /// - Throws: `.unsupported` for what is no saved trace, or one of a newer format.
    package init(name: String, input: @escaping (Int) throws(Failure) -> [UInt8]) throws(Failure) {
        self.name = name
        self.input = input
        let head = try input(SavedTraceFormat.headerBytes)
        guard head.count == SavedTraceFormat.headerBytes, head.starts(with: SavedTraceFormat.magic) else {
            throw SavedTraceReader.failure(
                name, "\(name) is no trace that nusu saved", remedy: "make one: nusu sched trace --save FILE.nusu")
        }
        let version = head[SavedTraceFormat.magic.count]
        guard version == SavedTraceFormat.version else {
            throw SavedTraceReader.failure(
                name, "\(name) has format \(version), and this nusu reads format \(SavedTraceFormat.version)",
                remedy: "read it with the version of nusu that wrote it, or a newer one")
        }
        guard let (kind, content) = try SavedTraceReader.frame(name, input), kind == .header else {
            throw SavedTraceReader.damaged(name, "its beginning")
        }
        do {
            var cursor = ByteCursor(content)
            header = try TraceFactsCoding.header(&cursor)
            guard cursor.isAtEnd else { throw DamagedBytes() }
        } catch {
            throw SavedTraceReader.damaged(name, "its beginning")
        }
    }

    /// The next events; nil at the end.
    /// - Throws: `.unsupported` where the file is damaged.
    package mutating func next() throws(Failure) -> TraceBatch? {
        guard end == nil, let (kind, content) = try SavedTraceReader.frame(name, input) else { return nil }
        do throws(DamagedBytes) {
            switch kind {
            case .header: throw DamagedBytes()
            case .events:
                var reader = TraceEventReader(content)
                let batch = try reader.batch(earliest: lastTime)
                lastTime = batch.events.last?.time ?? lastTime
                return batch
            case .end:
                var cursor = ByteCursor(content)
                let read = try TraceFactsCoding.end(&cursor)
                guard cursor.isAtEnd, read.nanoseconds >= lastTime else { throw DamagedBytes() }
                end = read
                return nil
            }
        } catch {
            throw SavedTraceReader.damaged(name, "a frame behind \(Units.milliseconds(lastTime))")
        }
    }

    /// nil at the end of the file, also where that comes in the middle of a frame.
    private static func frame(
        _ name: String, _ input: (Int) throws(Failure) -> [UInt8]
    ) throws(Failure) -> (SavedTraceFormat.Frame, [UInt8])? {
        let head = try input(SavedTraceFormat.frameHeaderBytes)
        guard head.count == SavedTraceFormat.frameHeaderBytes else { return nil }
        let length = SavedTraceFormat.littleEndian(head[1..<5])
        let stored = SavedTraceFormat.littleEndian(head[5..<9])
        guard let kind = SavedTraceFormat.Frame(rawValue: head[0]), length <= SavedTraceFormat.frameLimitBytes,
            stored <= SavedTraceFormat.frameLimitBytes
        else { throw damaged(name, "a frame that is none") }
        let compressed = try input(stored)
        guard compressed.count == stored else { return nil }
        guard let content = Deflate.expanded(compressed, count: length) else { throw damaged(name, "a frame") }
        return (kind, content)
    }

    private static func damaged(_ name: String, _ part: String) -> Failure {
        failure(name, "\(name) is damaged: \(part) cannot be read", remedy: "copy it anew, or record again")
    }

    private static func failure(_ name: String, _ what: String, remedy: String) -> Failure {
        Failure(.unsupported, what: what, subject: name, remedy: remedy)
    }
}
