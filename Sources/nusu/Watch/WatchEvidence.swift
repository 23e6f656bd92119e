import Analysis
import Capture
import Glibc
import Model
import Report

/// Keeps what would be gone after a process's end: a report, and a snapshot of its heap where that can be taken.
struct WatchEvidence {
    let directory: String
    /// Of each process so many are kept; older ones that this watch wrote are deleted.
    let keep: Int
    let maxPauseSeconds: Double
    let procfs: ProcFS
    private var keptCount = 0
    private var written: [Int32: [WatchReport.Evidence]] = [:]

    init(directory: String, keep: Int, maxPauseSeconds: Double, procfs: ProcFS) {
        self.directory = directory
        self.keep = keep
        self.maxPauseSeconds = maxPauseSeconds
        self.procfs = procfs
    }

    /// In the order of time.
    var all: [WatchReport.Evidence] { written.values.flatMap { $0 }.sorted { $0.afterSeconds < $1.afterSeconds } }

    /// Says early what would fail when it matters.
    func check() throws(Failure) {
        // 0700: for nobody else to read.
        if mkdir(directory, 0o700) == 0 || access(directory, W_OK | X_OK) == 0 { return }
        throw Failure(
            .notPermitted, what: "cannot write into \(directory): \(String(cString: strerror(errno)))",
            subject: "--directory", remedy: "choose a folder that you may write into: --directory DIR")
    }

    /// The report goes first: it takes a moment, and a snapshot may come too late.
    /// - Returns: a signal that came in meanwhile.
    mutating func keep(_ report: WatchReport, of target: WatchReport.Target, reason: String) throws(Failure) -> Int32? {
        let process = target.process
        var base = "\(directory)/nusu-\(WatchEvidence.fileName(process))-\(WatchEvidence.date("%Y%m%d-%H%M%S"))"
        // Several within a second.
        keptCount += 1
        if written[process.pid]?.last?.reportPath.hasPrefix(base) ?? false { base += "-\(keptCount)" }
        var evidence = WatchReport.Evidence(
            process: process, afterSeconds: report.seconds, reason: reason, reportPath: "\(base).txt")
        let text = report.evidenceText(
            procfs.evidence(of: process.pid), date: WatchEvidence.date("%Y-%m-%d %H:%M:%S %z"), reason: reason)
        try SavedFile.write(text, to: evidence.reportPath)
        var signal: Int32?
        do throws(Failure) {
            try snapshot(of: process, to: "\(base).nusu")
            evidence.snapshotPath = "\(base).nusu"
        } catch {
            if case .interrupted(let number) = error.kind { signal = number }
            evidence.problem = error.what
        }
        written[process.pid, default: []].append(evidence)
        prune(process.pid)
        return signal
    }

    /// By the cheapest way that the limits allow: where a copy would push a group over its limit, by reading while it stands.
    private func snapshot(of process: ProcessIdentity, to path: String) throws(Failure) {
        do throws(Failure) {
            try snapshot(of: process, by: nil, to: path)
        } catch {
            guard error.kind == .unsupported else { throw error }
            do throws(Failure) {
                try snapshot(of: process, by: .stream, to: path)
            } catch let second {
                // What stands in the way of the last resort, unless that is only the way itself.
                throw second.kind == .unsupported ? error : second
            }
        }
    }

    private func snapshot(of process: ProcessIdentity, by method: SnapshotMethod?, to path: String) throws(Failure) {
        let options = SnapshotOptions(method: method, maxPauseSeconds: maxPauseSeconds)
        let looker = HeapLooker(target: process, procfs: procfs, snapshot: options)
        let source = GraphSource.running(looker)
        let progress = Progress("", isEnabled: false)
        let resident = source.residentBytes()
        let look = try source.look(progress, keep: .cheaply, saving: true) { _ in () }
        try SavedFile.save(look, of: source, residentBytes: resident, to: path)
    }

    private mutating func prune(_ pid: Int32) {
        while let items = written[pid], items.count > keep, let oldest = items.first {
            unlink(oldest.reportPath)
            if let path = oldest.snapshotPath { unlink(path) }
            written[pid]?.removeFirst()
        }
    }

    /// The name of a process where any file system takes it.
    private static func fileName(_ process: ProcessIdentity) -> String {
        let letters = process.commandBytes.map { byte -> Character in
            let character = Character(UnicodeScalar(byte))
            return byte < 0x80 && (character.isLetter || character.isNumber || "._-".contains(character))
                ? character : "_"
        }
        let name = String(letters.drop { $0 == "." })
        return "\(name.isEmpty ? "process" : name)-\(process.pid)"
    }

    /// The corresponding C functions are `localtime_r` and `strftime`.
    private static func date(_ format: String) -> String {
        var now = time(nil)
        var parts = tm()
        localtime_r(&now, &parts)
        var buffer = [CChar](repeating: 0, count: 64)
        let count = strftime(&buffer, buffer.count, format, &parts)
        return String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
