import Model
import Report

/// What a trace holds, in short.
struct TraceCounts {
    private let header: TraceHeader
    private var switches = 0
    private var wakeups = 0
    private var threads: Set<ThreadKey> = []

    init(_ header: TraceHeader) { self.header = header }

    mutating func add(_ batch: TraceBatch) {
        for event in batch.events {
            switch event.kind {
            case .switchIn(let key) where !key.isIdle:
                switches += 1
                threads.insert(key)
            case .wakeup: wakeups += 1
            default: break
            }
        }
    }

    func text(_ end: TraceEnd) -> String {
        let seconds = Double(end.nanoseconds) / 1e9
        var lines = [
            "\(threads.count) threads began to run \(switches) times in \(seconds) s (\(header.source)), \(wakeups) wake-ups, \(end.lost) lost"
        ]
        for gap in header.gaps + end.gaps {
            lines.append("  not shown: \(gap.what): \(gap.reason)" + (gap.remedy.map { "; \($0)" } ?? ""))
        }
        return lines.map { TerminalText.escaped($0) }.joined(separator: "\n") + "\n"
    }
}
