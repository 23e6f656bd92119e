package import Analysis
import Glibc
package import Model

/// One process or thread as it is shown: what was read, what it did between two looks, and what its numbers mean.
///
/// Rows are sorted, chosen and kept from one look to the next: so a row refers to what it shows.
package struct ProcessRow: Sendable {
    private final class Content: Sendable {
        let reading: ProcessReading
        let rates: ProcessRates?
        let context: ProcessContext

        init(_ reading: ProcessReading, _ rates: ProcessRates?, _ context: ProcessContext) {
            self.reading = reading
            self.rates = rates
            self.context = context
        }
    }

    private var content: Content

    package init(record: ProcessRecord, rates: ProcessRates? = nil, context: ProcessContext) {
        self.init(reading: ProcessReading(record), rates: rates, context: context)
    }

    package init(reading: ProcessReading, rates: ProcessRates? = nil, context: ProcessContext) {
        content = Content(reading, rates, context)
    }

    package var record: ProcessRecord {
        get { content.reading.record }
        set { content = Content(ProcessReading(newValue), content.rates, content.context) }
    }

    /// nil without a second look.
    package var rates: ProcessRates? {
        get { content.rates }
        set { content = Content(content.reading, newValue, content.context) }
    }

    var context: ProcessContext { content.context }

    package var processID: Int32 { content.reading.record.processID }
    /// The thread's, or that of the process.
    package var number: Int32 { content.reading.stat.pid }
    package var isThread: Bool { content.reading.record.isThread }
    package var startTicks: UInt64 { content.reading.stat.startTicks }
    package var isKernelThread: Bool { content.reading.stat.isKernelThread }
    package var userID: UInt32? { content.reading.record.owner?.user }
    /// One ASCII letter.
    package var state: UInt8 { content.reading.record.stat.state }

    var stat: ProcessStat { record.stat }
    var facts: MachineFacts { context.facts }

    /// When it was started, in seconds since 1970.
    var startTime: Int64? { facts.startTime(ticks: stat.startTicks) }

    /// Seconds that it ran, of user and of kernel code.
    var cpuSeconds: Double {
        Double(stat.userTicks &+ stat.systemTicks) / Double(max(facts.ticksPerSecond, 1))
    }

    /// 100 is one processor: between two looks, or else since its start as ps has it.
    var cpuPercent: Double? {
        if let rates { return rates.cpuPercent }
        guard let age = facts.age(startTicks: stat.startTicks), age > 0 else { return nil }
        return cpuSeconds * 100 / age
    }

    /// Of `status` where that was read, since it is what ps prints; else of `stat`, which is the same number sooner counted.
    var residentBytes: UInt64 {
        if record.status != nil { return record.status?.residentBytes ?? 0 }
        return stat.residentPages &* facts.pageBytes
    }

    var virtualBytes: UInt64 {
        if record.status != nil { return record.status?.virtualBytes ?? 0 }
        return stat.virtualBytes
    }

    /// The arguments one by one, without the empty ones that are left where a program shortened its own.
    var arguments: [[UInt8]]? {
        guard let bytes = record.argumentBytes else { return nil }
        var parts = bytes.split(separator: 0, omittingEmptySubsequences: false).map { Array($0) }
        while parts.last?.isEmpty == true { parts.removeLast() }
        return parts
    }

    /// The command line as ps prints it: arguments with blanks between, else the name in brackets.
    package var commandLine: [UInt8] {
        if var bytes = record.argumentBytes, let last = bytes.lastIndex(where: { $0 != 0 }) {
            bytes.removeSubrange((last + 1)...)
            for index in bytes.indices where bytes[index] == 0 { bytes[index] = UInt8(ascii: " ") }
            return bytes
        }
        let name = [UInt8(ascii: "[")] + stat.commandBytes + [UInt8(ascii: "]")]
        return stat.isZombie ? name + ProcessRow.defunct : name
    }

    /// The command's name as ps prints it.
    var name: [UInt8] { stat.isZombie ? stat.commandBytes + ProcessRow.defunct : stat.commandBytes }

    private static let defunct = Array(" <defunct>".utf8)

    /// The letters of ps's column STAT.
    var stateLetters: String {
        var text = String(decoding: [stat.state], as: UTF8.self)
        if stat.nice < 0 { text += "<" }
        if stat.nice > 0 { text += "N" }
        if let locked = record.status?.lockedBytes, locked > 0 { text += "L" }
        if stat.session == record.processID { text += "s" }
        if stat.threadCount > 1 { text += "l" }
        if stat.processGroup == stat.terminalGroup { text += "+" }
        return text
    }
}

/// What all rows of one look have in common.
package final class ProcessContext: Sendable {
    package let facts: MachineFacts
    /// Today as the clock on the wall has it.
    let year: Int32
    let dayOfYear: Int32

    package init(_ facts: MachineFacts) {
        self.facts = facts
        let today = ClockText.parts(facts.now)
        year = today?.tm_year ?? 0
        dayOfYear = today?.tm_yday ?? 0
    }

    /// Columns that a process's number takes.
    var numberWidth: Int { max(5, String(facts.processLimit - min(facts.processLimit, 1)).utf8.count) }
}

/// Times as ps writes them.
enum ClockText {
    static func parts(_ seconds: Int64) -> tm? {
        var time = time_t(seconds)
        var parts = tm()
        return localtime_r(&time, &parts) == nil ? nil : parts
    }

    /// - Parameter format: of strftime, for results of less than 64 bytes.
    static func format(_ seconds: Int64, _ format: String) -> String {
        guard var parts = parts(seconds) else { return "-" }
        return String(unsafeUninitializedCapacity: 64) { buffer in
            buffer.withMemoryRebound(to: CChar.self) { strftime($0.baseAddress, $0.count, format, &parts) }
        }
    }

    /// "03:02", and without a two-digit place for hours where they are none: `[DD-]hh:mm:ss`.
    static func processorTime(_ seconds: Double) -> String {
        let total = Int(min(max(seconds, 0), 1e15))
        let days = total / 86_400 > 0 ? "\(total / 86_400)-" : ""
        return days + "\(two(total / 3600 % 24)):\(two(total / 60 % 60)):\(two(total % 60))"
    }

    /// `mmm:ss`
    static func shortProcessorTime(_ seconds: Double) -> String {
        let total = Int(min(max(seconds, 0), 1e15))
        return TerminalText.padded("\(total / 60)", to: 3, right: true) + ":" + two(total % 60)
    }

    /// `[[DD-]hh:]mm:ss`
    static func elapsed(_ seconds: Double) -> String {
        let total = Int(min(max(seconds, 0), 1e15))
        var text = total / 86_400 > 0 ? "\(total / 86_400)-" : ""
        if total >= 3600 { text += "\(two(total / 3600 % 24)):" }
        return text + "\(two(total / 60 % 60)):\(two(total % 60))"
    }

    private static func two(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
}
