import Model
import Testing

@testable import Report

@Suite("Explanations") struct ExplainReportTests {
    private let terminal = TextStyle(isTerminal: true, width: 100, color: false)

    private func isKorean(_ text: String) -> Bool {
        text.unicodeScalars.contains { (0xac00...0xd7a3).contains($0.value) }
    }

    @Test("Every text is there in both languages", arguments: ExplainTopic.allCases)
    func texts(topic: ExplainTopic) {
        let english = ExplainEnglish.text(topic)
        let korean = ExplainKorean.text(topic)
        for text in [english.headline, english.body] { #expect(text.count > 20 && !isKorean(text)) }
        for text in [korean.headline, korean.body] { #expect(text.count > 10 && isKorean(text)) }
        #expect((english.correction == nil) == (korean.correction == nil))
        if let correction = korean.correction { #expect(isKorean(correction)) }
    }

    @Test("Both languages put the same values into a line", arguments: DemonstrationLine.Event.allCases)
    func placeholders(event: DemonstrationLine.Event) {
        let (english, korean) = (ExplainEnglish.line(event), ExplainKorean.line(event))
        for number in 1...9 { #expect(english.contains("%\(number)") == korean.contains("%\(number)")) }
        #expect(isKorean(korean) || event == .codeAt)
    }

    @Test("Labels and words") func labels() {
        for language in [ExplainEnglish.self, ExplainKorean.self] as [any ExplainLanguage.Type] {
            #expect(ExplainFact.allCases.allSatisfy { !language.label($0).isEmpty })
            #expect(ExplainWord.allCases.allSatisfy { !language.word($0).isEmpty })
            #expect(Set(ExplainFact.allCases.map(language.label)).count == ExplainFact.allCases.count)
        }
    }

    @Test("Every fact is shown by some topic, every topic shows one") func facts() {
        #expect(Set(ExplainTopic.allCases.flatMap { $0.facts + $0.processFacts }) == Set(ExplainFact.allCases))
        let ofProcess = ExplainTopic.allCases.flatMap(\.processFacts)
        #expect(ofProcess.filter { !$0.isOfProcess }.isEmpty)
        #expect(ExplainTopic.allCases.allSatisfy { !$0.facts.isEmpty && !$0.command.isEmpty })
        #expect(Set(ExplainTopic.allCases.map(\.demonstration)) == Set(ExplainTopic.Demonstration.allCases))
    }

    @Test("At most 100 columns and 25 lines, nothing cut", arguments: ExplainTopic.allCases, ExplainTongue.allCases)
    func size(topic: ExplainTopic, tongue: ExplainTongue) {
        let values: [ExplainFact: ExplainValue] = [
            .ownStack: .range(AddressRange(0x7ffd_1a2c_0000, 0x7ffd_1a2e_1000)), .ownStackLimit: .bytes(8 << 20),
            .firstProcess: .text("a\u{1b}[31m\n"),
        ]
        var report = ExplainReport(topic: topic, tongue: tongue, facts: values)
        var lines = report.text(terminal).split(separator: "\n")
        #expect(lines.count <= 25)
        report.target = ProcessIdentity(pid: 4_194_303, startTicks: 1, commandBytes: Array("a\u{1b}[31m) R 1\n".utf8))
        let ofProcess = report.text(terminal).split(separator: "\n")
        #expect(ofProcess.count <= 25)
        lines += ofProcess
        for line in lines {
            #expect(TerminalText.width(String(line)) <= 100, "\(line)")
            #expect(!line.contains("\u{1b}"))
        }
    }

    @Test("The language follows the environment") func tongues() {
        #expect(ExplainTongue(locale: "ko_KR.UTF-8") == .korean)
        #expect(ExplainTongue(locale: "C") == .english)
        #expect(ExplainTongue(locale: "") == .english)
    }

    @Test("Names that people use") func names() {
        #expect(ExplainTopic.named("Zombie") == .zombie)
        #expect(ExplainTopic.named("copy-on-write") == .fork)
        for (word, topic) in [
            ("copy on write", ExplainTopic.fork), ("Ctrl+Z", .shell), ("memory leak", .leak), ("smart pointers", .raii),
            ("SIGTERM", .signal), ("zombies", .zombie), ("PID 1", .`init`), ("task_struct", .pcb),
            ("process", .process),
        ] {
            #expect(ExplainTopic.named(word) == topic, "\(word)")
        }
        #expect(ExplainTopic.named("nonsense") == nil)
    }

    @Test(
        "The list of topics fits, in either language, and in 100 columns without a cut",
        arguments: ExplainTongue.allCases)
    func listFits(_ tongue: ExplainTongue) {
        for width in [80, 100] {
            let style = TextStyle(isTerminal: true, width: width, color: false)
            let lines = ExplainReport.list(tongue, style).split(separator: "\n")
            #expect(lines.allSatisfy { TerminalText.width(String($0)) <= width }, "\(lines)")
            #expect(width < 100 || !lines.contains { $0.hasSuffix("…") }, "\(lines)")
        }
    }

    @Test("Of a process: its values, its files, a command that can be pasted") func ofProcess() {
        var report = ExplainReport(
            topic: .stack, tongue: .english, facts: [.ownStack: .range(AddressRange(0x7000, 0x9000))])
        report.target = ProcessIdentity(pid: 77, startTicks: 1, commandBytes: Array("api".utf8))
        report.gaps = [
            Gap(what: "its address space", reason: "that needs its own user", remedy: "sudo nusu explain stack 77")
        ]
        let plain = TextStyle(isTerminal: false, width: nil, color: false)
        expectSnapshot(report.text(plain), "explain-stack-of.txt")
        expectSnapshot(report.json(), "explain-stack-of.json")
        report.topic = .idle
        #expect(report.text(plain).contains("api (77): this is the machine's"))
        report.topic = .pcb
        #expect(report.text(plain).contains("nusu show 77 --explain"))
    }

    @Test("A whole screen") func screen() {
        var report = ExplainReport(
            topic: .zombie, tongue: .english, facts: [.zombies: .count(2)])
        report.demonstration = [
            DemonstrationLine(.childEnded, .number(77)),
            DemonstrationLine(.zombieState, .number(77), .text("Z"), .bytes(0)),
        ]
        let plain = TextStyle(isTerminal: false, width: nil, color: false)
        expectSnapshot(report.text(plain), "explain-zombie.txt")
        expectSnapshot(report.json(), "explain-zombie.json")
        report.tongue = .korean
        expectSnapshot(report.text(plain), "explain-zombie-ko.txt")
    }
}
