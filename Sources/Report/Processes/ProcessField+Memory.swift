import Analysis
import Model

extension ProcessField {
    /// The memory that it has. Columns show KiB as ps does; conditions and JSON have bytes.
    static let memory: [ProcessField] = [
        size("vsz", "VSZ", also: ["vsize": "VSZ"], json: "virtualBytes", "address space that it reserved", width: 6) {
            $0.virtualBytes
        },
        size(
            "rss", "RSS", also: ["rssize": "RSS", "rsz": "RSZ"], json: "residentBytes",
            "memory that it uses, shared parts included"
        ) { $0.residentBytes },
        ProcessField(
            "pmem", "%MEM", also: ["%mem": "%MEM", "mem": "%MEM"], json: "memoryPercent",
            "rss as a share of the machine's memory", unit: .percent, sources: .status, file: "status, /proc/meminfo",
            width: 4, value: { ProcessValue(memoryPercent($0)) },
            text: { row in
                memoryPercent(row).map { TerminalText.padded(tenths(min($0, 99.9)), to: 4, right: true) } ?? "-"
            }),
        ProcessField(
            "sz", "SZ", json: "virtualPages", "address space that it reserved, in pages", sources: .status,
            file: "status", width: 5, value: { .integer(Int64(clamping: $0.virtualBytes / max($0.facts.pageBytes, 1))) }
        ),
        size(
            "pss", "PSS", json: "proportionalBytes", "memory that it uses, each page shared by n counted as an n-th",
            sources: .proportional, file: "smaps_rollup", right: .owner
        ) { $0.record.proportionalBytes },
        size("swap", "SWAP", json: "swappedBytes", "memory that was swapped out") { $0.record.status?.swappedBytes },
        size("locked", "LCK", json: "lockedBytes", "memory that cannot be swapped out") {
            $0.record.status?.lockedBytes
        },
        ProcessField(
            "min_flt", "MINFL", also: ["minflt": "MINFLT"], json: "minorFaults",
            "page faults that no storage was read for", width: 6,
            value: { ProcessValue($0.stat.minorFaults as UInt64?) }),
        ProcessField(
            "maj_flt", "MAJFL", also: ["majflt": "MAJFLT", "pagein": "PAGEIN"], json: "majorFaults",
            "page faults that storage was read for", width: 6,
            value: { ProcessValue($0.stat.majorFaults as UInt64?) }),
        ProcessField(
            "rbytes", "RBYTES", json: "readBytes", "bytes that it read from storage", unit: .bytes, sources: .io,
            file: "io", right: .owner, width: 5, value: { ProcessValue($0.record.io?.readBytes) }),
        ProcessField(
            "wbytes", "WBYTES", json: "writtenBytes", "bytes that it wrote to storage", unit: .bytes, sources: .io,
            file: "io", right: .owner, width: 5, value: { ProcessValue($0.record.io?.writtenBytes) }),
        ProcessField(
            "oom", "OOM", json: "oomScore", "the kernel ends the highest first when memory runs out",
            sources: .memoryPressure, file: "oom_score", width: 4, value: { ProcessValue($0.record.oomScore) }),
        ProcessField(
            "oomadj", "OOMADJ", json: "oomAdjustment", "what was added to that on purpose: -1000 is never",
            sources: .memoryPressure, file: "oom_score_adj", width: 5,
            value: { ProcessValue($0.record.oomAdjustment) }),
    ]

    private static func size(
        _ key: String, _ title: String, also spellings: KeyValuePairs<String, String> = [:], json: String,
        _ meaning: String, sources: ProcessSources = .status, file: String = "status", right: Right = .everybody,
        width: Int = 5, _ bytes: @escaping @Sendable (ProcessRow) -> UInt64?
    ) -> ProcessField {
        ProcessField(
            key, title, also: spellings, json: json, meaning, unit: .bytes, sources: sources, file: file, right: right,
            width: width, value: { ProcessValue(bytes($0)) }, text: { kibibytes(ProcessValue(bytes($0))) })
    }

    private static func memoryPercent(_ row: ProcessRow) -> Double? {
        guard let whole = row.facts.memoryBytes, whole > 0 else { return nil }
        return Double(row.residentBytes) * 100 / Double(whole)
    }
}
