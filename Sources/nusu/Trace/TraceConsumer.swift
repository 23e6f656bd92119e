import Analysis
import Glibc
import Model
import Report

/// What becomes of the events of a trace: figures, and a file for Perfetto where that was asked for.
struct TraceConsumer {
    private let header: TraceHeader
    private var analysis: TraceAnalysis
    private var perfetto: PerfettoWriter?
    private let descriptor: Int32
    private let path: String

    /// - Parameter descriptor: of `path`, where there is a file for Perfetto to be written.
    init(_ header: TraceHeader, perfetto path: String?, descriptor: Int32?, limitBytes: Int) {
        self.header = header
        analysis = TraceAnalysis(header)
        self.path = path ?? ""
        self.descriptor = descriptor ?? -1
        if descriptor != nil { perfetto = PerfettoWriter(header, limitBytes: limitBytes) }
    }

    mutating func add(_ batch: TraceBatch) throws(Failure) {
        analysis.add(batch)
        if let bytes = perfetto?.add(batch) { try write(bytes) }
    }

    mutating func finish(_ end: TraceEnd) throws(Failure) -> TraceSummary {
        var summary = analysis.finish(end)
        if let bytes = perfetto?.finish(end) { try write(bytes) }
        if let time = perfetto?.cutAt {
            summary.gaps.append(
                Gap(
                    what: "in \(path) what came after \(Units.milliseconds(time))",
                    reason: "the file is as large as it may be",
                    remedy: "allow more with --save-limit"))
        }
        return summary
    }

    private func write(_ bytes: [UInt8]) throws(Failure) {
        guard !bytes.isEmpty else { return }
        if let error = bytes.withUnsafeBytes({ Output.write($0, to: descriptor) }) {
            throw SavedFile.failure("cannot write \(path)", path, error)
        }
    }

    /// Opens a file where one was asked for, for as long as `body` takes; under its name stands the whole file or what was there.
    /// `-` is stdout.
    static func withFile<Result>(
        _ path: String?, _ body: (Int32?) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        guard let path else { return try body(nil) }
        guard path != SavedFile.standardOutput else { return try body(STDOUT_FILENO) }
        return try SavedFile.replace(path) { (descriptor) throws(Failure) in try body(descriptor) }
    }
}
