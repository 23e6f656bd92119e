import Analysis
import Glibc
import Model

/// Files with saved traces.
enum TraceFile {
    /// Whether a file begins as a saved trace does.
    static func isSaved(_ path: String) -> Bool {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        var head = [UInt8](repeating: 0, count: SavedTraceReader.magic.count)
        let count = pread(descriptor, &head, head.count, 0)
        return count == head.count && head == SavedTraceReader.magic
    }

    /// What a saved trace says of itself.
    static func header(_ path: String) throws(Failure) -> TraceHeader {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw SavedFile.failure("cannot open \(path)", path, errno) }
        defer { close(descriptor) }
        return try SavedTraceReader(name: path) { (count) throws(Failure) in try bytes(count, of: descriptor, path) }
            .header
    }

    /// The workload that a saved trace stands for.
    static func workload(_ path: String) throws(Failure) -> WorkloadRecorder.Recording {
        var recorder = WorkloadRecorder(try header(path))
        let end = try read(path) { (batch) throws(Failure) in recorder.add(batch) }
        return try recorder.finish(end, file: path)
    }

    /// Hands on what was saved.
    /// - Parameter body: gets the events.
    /// - Throws: `.noTarget`, `.notPermitted`, `.unsupported` for what is no saved trace or a damaged one.
    static func read(_ path: String, _ body: (TraceBatch) throws(Failure) -> Void) throws(Failure) -> TraceEnd {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw SavedFile.failure("cannot open \(path)", path, errno) }
        defer { close(descriptor) }
        var reader = try SavedTraceReader(name: path) { (count) throws(Failure) in
            try bytes(count, of: descriptor, path)
        }
        var completeTo: UInt64 = 0
        while let batch = try reader.next() {
            completeTo = max(completeTo, batch.completeTo)
            try body(batch)
        }
        if let end = reader.end { return end }
        let gap = Gap(
            what: "what came after \(Units.milliseconds(completeTo))",
            reason: "the file is cut short: its end is missing",
            remedy: "copy it anew, or record again")
        return TraceEnd(nanoseconds: completeTo, lost: 0, gaps: [gap])
    }

    /// The corresponding C function is `read`.
    private static func bytes(_ count: Int, of descriptor: Int32, _ path: String) throws(Failure) -> [UInt8] {
        var error: Int32 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, done in
            while done < count, let base = buffer.baseAddress {
                let got = Glibc.read(descriptor, base + done, count - done)
                if got == 0 { break }
                if got > 0 {
                    done += got
                } else if errno != EINTR {
                    error = errno
                    break
                }
            }
        }
        if error != 0 { throw SavedFile.failure("cannot read \(path)", path, error) }
        return bytes
    }

    /// A writer into an open file.
    static func writer(
        _ header: TraceHeader, limitBytes: Int, descriptor: Int32, _ path: String
    ) throws(Failure) -> SavedTraceWriter {
        try SavedTraceWriter(header, limitBytes: limitBytes) { (bytes) throws(Failure) in
            let error = bytes.withUnsafeBytes { Output.write($0, to: descriptor) }
            if let error { throw SavedFile.failure("cannot write \(path)", path, error) }
        }
    }
}
