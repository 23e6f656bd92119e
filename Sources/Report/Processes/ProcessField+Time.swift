import Glibc
import Analysis
import Model

extension ProcessField {
    /// When it was started, and how long it ran.
    static let times: [ProcessField] = [
        ProcessField(
            "started", "STARTED AT", json: "startedAt",
            "when it was started: date and time of day, of the clock on the wall", unit: .text,
            width: 19, .left,
            value: { row in row.startTime.map { .text(ClockText.format($0, "%Y-%m-%dT%H:%M:%S%z")) } ?? .unknown },
            text: { row in row.startTime.map { ClockText.format($0, "%Y-%m-%d %H:%M:%S") } ?? "-" }),
        ProcessField(
            "lstart", "STARTED", json: "startSeconds", "when it was started, in seconds since 1970; in text a date",
            unit: .seconds, width: 24, value: { ProcessValue($0.startTime) },
            text: { row in row.startTime.map { ClockText.format($0, "%a %b %e %H:%M:%S %Y") } ?? "-" }),
        ProcessField(
            "stime", "STIME", also: ["start_time": "START"], json: "startSeconds",
            "when it was started: time of day, date or year", unit: .seconds, width: 5,
            value: { ProcessValue($0.startTime) }, text: shortStart),
        ProcessField(
            "start", "STARTED", also: ["bsdstart": "START"], json: "startSeconds",
            "when it was started: time of day, or date after a day", unit: .seconds, width: 8,
            value: { ProcessValue($0.startTime) }, text: start),
        ProcessField(
            "etime", "ELAPSED", json: "elapsedSeconds", "time since it was started", unit: .seconds, width: 11,
            value: { ProcessValue($0.facts.age(startTicks: $0.stat.startTicks)) },
            text: { row in row.facts.age(startTicks: row.stat.startTicks).map(ClockText.elapsed) ?? "-" }),
        ProcessField(
            "etimes", "ELAPSED", json: "elapsedSeconds", "time since it was started", unit: .seconds, width: 7,
            value: { ProcessValue($0.facts.age(startTicks: $0.stat.startTicks)) },
            text: { row in row.facts.age(startTicks: row.stat.startTicks).map { "\(Int($0))" } ?? "-" }),
        ProcessField(
            "time", "TIME", also: ["cputime": "TIME", "atime": "TIME"], json: "cpuSeconds",
            "time that it ran, of its own and of kernel code", unit: .seconds, width: 8,
            value: { .number($0.cpuSeconds) }, text: { ClockText.processorTime($0.cpuSeconds) }),
        ProcessField(
            "bsdtime", "TIME", json: "cpuSeconds", "time that it ran, minutes and seconds", unit: .seconds, width: 6,
            value: { .number($0.cpuSeconds) }, text: { ClockText.shortProcessorTime($0.cpuSeconds) }),
        ProcessField(
            "times", "TIME", also: ["cputimes": "TIME"], json: "cpuSeconds", "time that it ran", unit: .seconds,
            width: 8, value: { .number($0.cpuSeconds) }, text: { "\(Int(min($0.cpuSeconds, 1e15)))" }),
        ProcessField(
            "pcpu", "%CPU", also: ["%cpu": "%CPU", "cpu": "%CPU"], json: "cpuPercent",
            "share of one processor since its start; with --interval during that time", unit: .percent, width: 4,
            value: { ProcessValue($0.cpuPercent) },
            text: { row in
                guard let percent = row.cpuPercent else { return "-" }
                return percent >= 100 ? "\(Int(min(percent, 1e15)))" : tenths(percent)
            }),
        ProcessField(
            "c", "C", also: ["util": "C"], json: "cpuPercent", "the same without decimals, at most 99",
            unit: .percent, width: 2, value: { ProcessValue($0.cpuPercent) },
            text: { row in
                guard let percent = row.cpuPercent else { return "-" }
                return TerminalText.padded("\(Int(min(percent, 99)))", to: 2, right: true)
            }),
    ]

    private static func shortStart(_ row: ProcessRow) -> String {
        guard let start = row.startTime, let parts = ClockText.parts(start) else { return "-" }
        if parts.tm_year != row.context.year { return ClockText.format(start, "%Y") }
        return ClockText.format(start, parts.tm_yday == row.context.dayOfYear ? "%H:%M" : "%b%d")
    }

    private static func start(_ row: ProcessRow) -> String {
        guard let start = row.startTime else { return "-" }
        return ClockText.format(start, start + 86_400 > row.facts.now ? "%H:%M:%S" : "  %b %d")
    }
}
