package import Model

/// Writes a trace while it is taken: what it is told goes to `output` in whole frames, and little is kept.
package struct SavedTraceWriter {
    private let output: ([UInt8]) throws(Failure) -> Void
    private let limitBytes: Int
    private var written = 0
    private var events = TraceEventWriter()
    private var waits: [WaitSample] = []
    private var completeTo: UInt64 = 0
    /// Of the frames that are in the file.
    private var completedBefore: UInt64 = 0
    /// Up to where the events are in the file, once it is full.
    package private(set) var fullAt: UInt64?

    /// - Parameter limitBytes: events that would make the file longer are left out, with all after them.
    package init(
        _ header: TraceHeader, limitBytes: Int, output: @escaping ([UInt8]) throws(Failure) -> Void
    ) throws(Failure) {
        self.output = output
        self.limitBytes = limitBytes
        try output(SavedTraceFormat.magic + [SavedTraceFormat.version])
        try write(.header, TraceFactsCoding.encode(header).bytes)
    }

    package mutating func add(_ batch: TraceBatch) throws(Failure) {
        guard fullAt == nil else { return }
        waits += batch.waits
        for event in batch.events {
            events.add(event)
            if events.count >= SavedTraceFormat.eventsPerFrame { try flush(completeTo: event.time) }
            if fullAt != nil { return }
        }
        completeTo = max(batch.completeTo, events.lastTime)
        if waits.count > 4096 { try flush(completeTo: completeTo) }
    }

    package mutating func finish(_ end: TraceEnd) throws(Failure) {
        if fullAt == nil { try flush(completeTo: end.nanoseconds) }
        var end = end
        if let fullAt {
            end.nanoseconds = fullAt
            // They tell of the whole time.
            end.differences = []
            end.gaps.append(
                Gap(
                    what: "what came after the first \(Units.milliseconds(fullAt))",
                    reason: "the file may have \(limitBytes >> 20) MiB",
                    remedy: "record anew with a larger --save-limit"))
        }
        try write(.end, TraceFactsCoding.encode(end).bytes)
    }

    private mutating func flush(completeTo time: UInt64) throws(Failure) {
        defer { (events, waits) = (TraceEventWriter(), []) }
        guard events.count > 0 || !waits.isEmpty else { return }
        let stored = SavedTraceWriter.frame(.events, events.content(waits: waits, completeTo: time))
        guard written + stored.count <= limitBytes else {
            fullAt = completedBefore
            return
        }
        try output(stored)
        written += stored.count
        completedBefore = max(completedBefore, time)
    }

    private mutating func write(_ kind: SavedTraceFormat.Frame, _ content: [UInt8]) throws(Failure) {
        let stored = SavedTraceWriter.frame(kind, content)
        try output(stored)
        written += stored.count
    }

    private static func frame(_ kind: SavedTraceFormat.Frame, _ content: [UInt8]) -> [UInt8] {
        let compressed = Deflate.compressed(content)
        return [kind.rawValue] + SavedTraceFormat.littleEndian(content.count)
            + SavedTraceFormat.littleEndian(compressed.count) + compressed
    }
}
