import Analysis
import Model

extension ProcessField {
    /// What it does with signals: masks in which bit n-1 stands for signal n.
    static let signals: [ProcessField] = [
        mask("pending", "PENDING", also: ["sig": "PENDING"], json: "signalsPending", "signals that wait for it") {
            $0.signalsPending | $0.signalsPendingShared
        },
        mask(
            "blocked", "BLOCKED", also: ["sig_block": "BLOCKED", "sigmask": "BLOCKED"], json: "signalsBlocked",
            "signals that must wait"
        ) { $0.signalsBlocked },
        mask(
            "ignored", "IGNORED", also: ["sig_ignore": "IGNORED", "sigignore": "IGNORED"], json: "signalsIgnored",
            "signals that do nothing"
        ) { $0.signalsIgnored },
        mask(
            "caught", "CAUGHT", also: ["sig_catch": "CATCHED", "sigcatch": "CAUGHT"], json: "signalsCaught",
            "signals that it has a function for"
        ) { $0.signalsCaught },
    ]

    /// Whether it gives up processors, reads and grows: only known after `--interval`.
    static let rates: [ProcessField] = [
        rate(
            "pwait", "%WAIT", json: "waitPercent", "share of the time that it was ready and no processor was free",
            unit: .percent, sources: .schedstat, file: "schedstat", width: 5
        ) { $0.waitPercent },
        rate(
            "vcswrate", "VCSW/s", json: "voluntarySwitchesPerSecond", "how often it gave up its processor to wait",
            unit: .perSecond, sources: .status, file: "status", width: 8
        ) { $0.voluntarySwitches },
        rate(
            "ivcswrate", "IVCSW/s", json: "involuntarySwitchesPerSecond", "how often it was pushed off its processor",
            unit: .perSecond, sources: .status, file: "status", width: 8
        ) { $0.involuntarySwitches },
        rate(
            "minfltrate", "MINFLT/s", json: "minorFaultsPerSecond", "page faults that no storage was read for",
            unit: .perSecond, width: 8
        ) { $0.minorFaults },
        rate(
            "majfltrate", "MAJFLT/s", json: "majorFaultsPerSecond", "page faults that storage was read for",
            unit: .perSecond, width: 8
        ) { $0.majorFaults },
        rate(
            "readrate", "READ/s", json: "readBytesPerSecond", "bytes read from storage", unit: .bytesPerSecond,
            sources: .io, file: "io", right: .owner, width: 9
        ) { $0.readBytes },
        rate(
            "writerate", "WRITE/s", json: "writtenBytesPerSecond", "bytes written to storage", unit: .bytesPerSecond,
            sources: .io, file: "io", right: .owner, width: 9
        ) { $0.writtenBytes },
        rate(
            "iorate", "IO/s", json: "ioBytesPerSecond", "bytes read from storage and written to it",
            unit: .bytesPerSecond,
            sources: .io, file: "io", right: .owner, width: 9
        ) { rates in
            guard let read = rates.readBytes, let written = rates.writtenBytes else { return nil }
            return read + written
        },
        rate(
            "iodelay", "IOD%", json: "storageDelayPercent",
            "share of the time its main thread waited for storage, if that is counted (kernel.task_delayacct)",
            unit: .percent, width: 5
        ) { $0.storageDelayPercent },
        rate(
            "swapdelay", "SWPD%", json: "swapDelayPercent",
            "share of the time its main thread waited for swap, if that is counted (kernel.task_delayacct)",
            unit: .percent, sources: .delays, file: "taskstats", right: .administrator, width: 5
        ) { $0.swapDelayPercent },
        rate(
            "rssrate", "RSS/s", json: "residentBytesPerSecond", "growth of rss; below zero when it shrinks",
            unit: .bytesPerSecond, width: 9
        ) { $0.residentBytes },
    ]

    /// Said in `ps --fields` of what one look alone does not tell.
    static let needsInterval = "; with --interval"

    private static func mask(
        _ key: String, _ title: String, also spellings: KeyValuePairs<String, String>, json: String, _ meaning: String,
        _ bits: @escaping @Sendable (ProcessStatus) -> UInt64
    ) -> ProcessField {
        let text: @Sendable (ProcessRow) -> String? = { row in
            row.record.status.map { status in
                let digits = String(bits(status), radix: 16)
                return String(repeating: "0", count: 16 - digits.utf8.count) + digits
            }
        }
        return ProcessField(
            key, title, also: spellings, json: json, meaning, unit: .text, sources: .status, file: "status", width: 16,
            value: { row in text(row).map { .text($0) } ?? .unknown })
    }

    private static func rate(
        _ key: String, _ title: String, json: String, _ meaning: String, unit: Unit, sources: ProcessSources = [],
        file: String = "stat", right: Right = .everybody, width: Int,
        _ value: @escaping @Sendable (ProcessRates) -> Double?
    ) -> ProcessField {
        ProcessField(
            key, title, json: json, meaning + needsInterval, unit: unit, sources: sources, file: file,
            right: right, width: width, isRate: true, value: { row in ProcessValue(row.rates.flatMap(value)) })
    }
}
