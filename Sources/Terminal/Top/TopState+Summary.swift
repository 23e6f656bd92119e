package import Model
import Report

extension TopState {
    /// How a process is at this moment, for the bar above what covers its row: "S  3.1 % of a core  748M  9 threads".
    package func summary(of target: ProcessIdentity) -> String {
        let row = sample?.rows.first {
            $0.record.processID == target.pid && $0.record.identity.startTicks == target.startTicks
        }
        guard let row else { return "has ended" }
        if row.record.stat.isZombie, row.record.stat.threadCount > 1 {
            return "its main thread has ended, \(Units.counted(row.record.stat.threadCount - 1, "other")) go on"
        }
        if row.record.stat.isZombie { return "has ended; its parent has yet to wait for it" }
        let parts = [("stat", ""), ("pcpu", " % of a core"), ("rss", ""), ("nlwp", " threads"), ("etime", "")]
        return parts.compactMap { key, unit in
            guard let text = ProcessField.named(key)?.field.liveText(row), text != "-" else { return nil }
            return text == "1" && unit == " threads" ? "1 thread" : text + unit
        }.joined(separator: "  ")
    }
}
