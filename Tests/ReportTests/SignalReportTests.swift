import Analysis
import Model
import Testing

@testable import Report

@Suite("Report of signals") struct SignalReportTests {
    private let plain = TextStyle(isTerminal: false, width: nil, color: false)

    private var process: ProcessSignals {
        var process = ProcessSignals(
            identity: ProcessIdentity(pid: 1234, startTicks: 1, commandBytes: Array("a\u{1b}pi\n".utf8)))
        process.parent = 1
        process.namespacePids = [1234]
        process.caught = SignalSet(bits: 0x4002)
        process.ignored = SignalSet(bits: 0x1001)
        process.pending = SignalSet(bits: 0x200)
        process.isGroupOrphaned = true
        process.threads = [
            ProcessSignals.Thread(number: 1234, state: UInt8(ascii: "S"), blocked: SignalSet(bits: 0xa00)),
            ProcessSignals.Thread(number: 1240, state: UInt8(ascii: "D"), blocked: SignalSet(bits: 0x200)),
        ]
        process.gaps = [Gap(what: "signals that it waits for", reason: "that needs CAP_SYS_PTRACE", remedy: "sudo")]
        return process
    }

    @Test("All signals") func list() {
        expectSnapshot(SignalListReport().text(plain), "signals.txt")
        expectSnapshot(SignalListReport().json(), "signals.json")
    }

    @Test("One signal, by name and by exit status") func one() throws {
        let term = try #require(Signal.named("TERM"))
        expectSnapshot(SignalListReport(signal: term).text(plain), "signal-term.txt")
        let segv = try #require(Signal.ofExitStatus(139))
        expectSnapshot(SignalListReport(signal: segv, exitStatus: 139).text(plain), "signal-139.txt")
    }

    @Test("What each does to a process") func target() {
        expectSnapshot(SignalReport(process: process).text(plain), "signal-target.txt")
        expectSnapshot(SignalReport(process: process).json(), "signal-target.json")
    }

    @Test("No line is wider than 100 columns") func width() {
        let terminal = TextStyle(isTerminal: true, width: 100, color: false)
        var texts = [SignalListReport().text(terminal), SignalReport(process: process).text(terminal)]
        texts += Signal.all.map { SignalListReport(signal: $0).text(terminal) }
        for line in texts.flatMap({ $0.split(separator: "\n") }) {
            #expect(TerminalText.width(String(line)) <= 100)
            #expect(!line.hasSuffix("…"), "\(line)")
        }
    }
}
