import Analysis
import Model

extension ProcessField {
    /// How it gets processors, and how often it had to wait for one.
    static let scheduling: [ProcessField] = [
        ProcessField(
            "ni", "NI", also: ["nice": "NI"], json: "nice",
            "-20 before others, 19 after them; - for real-time policies",
            width: 3, value: { row in hasNice(row) ? .integer(Int64(row.stat.nice)) : .unknown }),
        priority("pri", "PRI", json: "priority", "priority: higher runs first", { 39 - $0 }),
        priority(
            "opri", "PRI", also: ["intpri": "PRI"], json: "priorityOld", "priority: lower runs first, from 60",
            { 60 + $0 }),
        priority("priority", "PRI", json: "priorityKernel", "priority as the kernel has it: lower runs first", { $0 }),
        ProcessField(
            "rtprio", "RTPRIO", json: "realTimePriority", "priority of a real-time policy, 1 to 99", width: 6,
            value: { row in row.stat.policy == 0 ? .unknown : .integer(Int64(row.stat.realTimePriority)) }),
        ProcessField(
            "cls", "CLS", json: "policy",
            "policy: TS normal, FF first in first out, RR round robin, B batch, IDL idle, DLN deadline", unit: .text,
            width: 3, value: { .text(policy($0.stat.policy)) }),
        ProcessField(
            "class", "CLS", also: ["policy": "POL"], json: "policy", "the same, on the left of its column", unit: .text,
            width: 3, .left, value: { .text(policy($0.stat.policy)) }),
        ProcessField(
            "sched", "SCH", json: "policyNumber", "number of the policy", width: 3,
            value: { .integer(Int64($0.stat.policy)) }),
        ProcessField(
            "ioprio", "IO", json: "ioPriority",
            "whose I/O is served first: R0 real time to R7, B0 best effort to B7, id last; of its main thread",
            unit: .text, sources: .ioPriority, file: "ioprio_get",
            width: 2, .left,
            value: { row in PriorityText.code(row.record.ioPriority, row.stat).map { .text($0) } ?? .unknown }),
        ProcessField(
            "psr", "PSR", also: ["cpuid": "CPUID", "lastcpu": "C"], json: "processor", "processor that it ran on last",
            width: 3, value: { .integer(Int64($0.stat.processor)) }),
        ProcessField(
            "ran", "RAN", json: "ranSeconds", "time on a processor, exactly; of its main thread", unit: .seconds,
            sources: .schedstat, file: "schedstat", width: 9,
            value: { row in ProcessValue(row.record.runTimes.map { Double($0.ran) / 1e9 }) }, text: milliseconds),
        ProcessField(
            "waited", "WAITED", json: "runQueueSeconds",
            "time that it was ready and no processor was free for it; of its main thread", unit: .seconds,
            sources: .schedstat, file: "schedstat", width: 9,
            value: { row in ProcessValue(row.record.runTimes.map { Double($0.waited) / 1e9 }) }, text: waited),
        ProcessField(
            "nvcsw", "VCSW", also: ["vcsw": "VCSW"], json: "voluntarySwitches",
            "how often it gave up its processor to wait; of its main thread", sources: .status, file: "status",
            width: 7, value: { ProcessValue($0.record.status?.voluntarySwitches) }),
        ProcessField(
            "nivcsw", "IVCSW", also: ["ivcsw": "IVCSW"], json: "involuntarySwitches",
            "how often it was pushed off its processor; of its main thread", sources: .status, file: "status",
            width: 7, value: { ProcessValue($0.record.status?.involuntarySwitches) }),
        ProcessField(
            "ag_id", "AGID", json: "autogroup", "autogroup: sessions share processors evenly", sources: .autogroup,
            file: "autogroup", width: 5, value: { ProcessValue($0.record.autogroup?.number) }),
        ProcessField(
            "ag_nice", "AGNI", json: "autogroupNice", "nice of the autogroup", sources: .autogroup, file: "autogroup",
            width: 4, value: { ProcessValue($0.record.autogroup?.nice) }),
    ]

    private static func priority(
        _ key: String, _ title: String, also spellings: KeyValuePairs<String, String> = [:], json: String,
        _ meaning: String, _ convert: @escaping @Sendable (Int64) -> Int64
    ) -> ProcessField {
        ProcessField(
            key, title, also: spellings, json: json, meaning, width: 3,
            value: { .integer(convert(Int64($0.stat.priority))) })
    }

    /// Nice means something for SCHED_OTHER and SCHED_BATCH only.
    private static func hasNice(_ row: ProcessRow) -> Bool { row.stat.policy == 0 || row.stat.policy == 3 }

    private static func policy(_ number: Int32) -> String {
        switch number {
        case 0: "TS"
        case 1: "FF"
        case 2: "RR"
        case 3: "B"
        case 4: "ISO"
        case 5: "IDL"
        case 6: "DLN"
        case 7: "EXT"
        default: "\(number)"
        }
    }

    private static func milliseconds(_ row: ProcessRow) -> String {
        row.record.runTimes.map { thousandths($0.ran) } ?? "-"
    }

    private static func waited(_ row: ProcessRow) -> String {
        row.record.runTimes.map { thousandths($0.waited) } ?? "-"
    }

    /// "12.345": seconds to the millisecond.
    private static func thousandths(_ nanoseconds: UInt64) -> String {
        let part = "\(nanoseconds / 1_000_000 % 1000)"
        return "\(nanoseconds / 1_000_000_000)." + String(repeating: "0", count: 3 - part.utf8.count) + part
    }
}
