package import Model

/// All that `nusu explain TOPIC` says.
package struct ExplainReport: Sendable {
    package var topic: ExplainTopic
    package var tongue: ExplainTongue
    package var facts: [ExplainFact: ExplainValue]
    /// Whose values are shown; nil for the machine's and nusu's own.
    package var target: ProcessIdentity?
    package var gaps: [Gap] = []
    /// What the demonstration has shown; nil where none was asked for.
    package var demonstration: [DemonstrationLine]?

    package init(topic: ExplainTopic, tongue: ExplainTongue, facts: [ExplainFact: ExplainValue]) {
        self.topic = topic
        self.tongue = tongue
        self.facts = facts
    }

    /// All topics, one line each.
    package static func list(_ tongue: ExplainTongue, _ style: TextStyle) -> String {
        let language = tongue.language
        let count = "\(ExplainTopic.allCases.count)"
        var lines = [
            style.strong(style.fit(language.word(.topics).replacing("%1", with: count))), "",
        ]
        for topic in ExplainTopic.allCases {
            let room = min(style.width ?? TextStyle.columns, TextStyle.columns) - 18
            let headline = beginning(of: language.text(topic).headline, room)
            lines.append(style.fit("  \(TerminalText.padded(topic.rawValue, to: 16))\(headline)"))
        }
        if style.isTerminal { lines.append(style.fit("next: nusu explain process")) }
        return lines.joined(separator: "\n") + "\n"
    }

    /// The whole where there is room for it, else what stands before a list or a further thought, else before a comma.
    private static func beginning(of sentence: String, _ room: Int) -> String {
        if TerminalText.width(sentence) <= room { return sentence }
        for marks in [".:;", ".:;,"] {
            let beginnings = sentence.indices.filter { marks.contains(sentence[$0]) }.map { String(sentence[..<$0]) }
            if let last = beginnings.last(where: { shortest...room ~= TerminalText.width($0) }) { return last }
        }
        return TerminalText.cut(sentence, to: room)
    }

    /// Columns of a beginning that says something.
    private static let shortest = 20

    package static func listJSON(_ tongue: ExplainTongue) -> String {
        JSONValue.object([
            "schema": "nusu.explain/1", "language": .string(tongue.rawValue),
            "topics": .array(
                ExplainTopic.allCases.map {
                    .object([
                        "topic": .string($0.rawValue), "headline": .string(tongue.language.text($0).headline),
                    ])
                }),
        ]).document()
    }

    package func text(_ style: TextStyle) -> String {
        let language = tongue.language
        let explanation = language.text(topic)
        let width = min(style.width ?? TextStyle.columns, TextStyle.columns)
        var lines = TextWrap.lines(explanation.headline, width: width).map(style.strong)
        lines.append("")
        lines += TextWrap.lines(explanation.body, width: width, indent: "  ")
        if let correction = explanation.correction {
            lines += labelled(language.word(.correction), correction, width)
        }
        lines.append("")
        if let target {
            let name = "\(TerminalText.escaped(target.commandBytes)) (\(target.pid))"
            let note = topic.processFacts.isEmpty ? ": \(language.word(.noValue))" : ""
            lines += labelled(language.word(.target), name + note, width)
        }
        for fact in shownFacts {
            let value = facts[fact].map(ExplainReport.text) ?? language.word(.notKnown)
            let label = TerminalText.padded(label(fact), to: 30)
            lines.append(style.fit("  \(mark(.here))\(label) \(value)  (\(source(fact)))"))
        }
        for gap in gaps {
            let remedy = gap.remedy.map { ": \($0)" } ?? ""
            lines += labelled(language.word(.notSeen), "\(gap.what): \(gap.reason)\(remedy)", width)
        }
        lines += labelled(language.word(.see), command, width)
        for line in demonstration ?? [] {
            lines += labelled(language.word(.demonstration), ExplainReport.filled(line, language), width)
        }
        if demonstration == nil, style.isTerminal {
            let next = target.map { "nusu show \($0.pid) --explain" } ?? "nusu explain \(topic.rawValue) --demo"
            lines.append(style.fit("next: \(next)"))
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// A process's own first, then the machine's.
    private var shownFacts: [ExplainFact] {
        target == nil ? topic.facts : topic.processFacts + topic.facts.filter { !$0.isOfProcess }
    }

    private func label(_ fact: ExplainFact) -> String {
        let owner = tongue.language.word(target == nil ? .ofNusu : .ofTarget)
        return tongue.language.label(fact).replacing("%1", with: owner)
    }

    private func source(_ fact: ExplainFact) -> String {
        target.map { fact.source.replacing("/self/", with: "/\($0.pid)/") } ?? fact.source
    }

    private var command: String { target.map { topic.command.replacing("PID", with: "\($0.pid)") } ?? topic.command }

    private func mark(_ word: ExplainWord) -> String { TerminalText.padded(tongue.language.word(word), to: 10) }

    private func labelled(_ label: String, _ text: String, _ width: Int) -> [String] {
        let lines = TextWrap.lines(text, width: width - 12)
        return lines.enumerated().map { index, line in
            "  " + TerminalText.padded(index == 0 ? label : "", to: 10) + line
        }
    }

    /// The document of schema nusu.explain/1.
    package func json() -> String {
        let language = tongue.language
        let explanation = language.text(topic)
        return JSONValue.object([
            "schema": "nusu.explain/1", "topic": .string(topic.rawValue), "language": .string(tongue.rawValue),
            "headline": .string(explanation.headline), "body": .string(explanation.body),
            "correction": JSONValue(explanation.correction), "command": .string(command), "target": targetFields,
            "facts": .array(
                shownFacts.map { fact in
                    .object([
                        "name": .string(fact.rawValue), "label": .string(label(fact)),
                        "value": facts[fact].map(ExplainReport.json) ?? .null, "source": .string(source(fact)),
                    ])
                }), "gaps": .array(gaps.map(JSONValue.init(gap:))),
            "demo": demonstration.map { lines in
                .array(
                    lines.map { line in
                        .object([
                            "event": .string(line.event.rawValue),
                            "text": .string(ExplainReport.filled(line, language)),
                            "values": .array(line.values.map(ExplainReport.json)),
                        ])
                    })
            } ?? .null,
        ]).document()
    }

    private var targetFields: JSONValue {
        guard let target else { return .null }
        var fields: [String: JSONValue] = ["pid": JSONValue(target.pid)]
        fields.set("command", bytes: target.commandBytes)
        return .object(fields)
    }

    private static func filled(_ line: DemonstrationLine, _ language: any ExplainLanguage.Type) -> String {
        var text = language.line(line.event)
        for (index, value) in line.values.enumerated() {
            text = text.replacing("%\(index + 1)", with: ExplainReport.text(value))
        }
        return text
    }

    private static func text(_ value: ExplainValue) -> String {
        switch value {
        case .count(let count): Units.grouped(Int(clamping: count))
        case .number(let number): "\(number)"
        case .bytes(let bytes): Units.bytes(bytes)
        case .seconds(let seconds): seconds < 0.0001 ? "\(Int((seconds * 1e6).rounded())) µs" : Units.seconds(seconds)
        case .perSecond(let rate): "\(Units.grouped(Int(rate.rounded())))/s"
        case .share(let share): "\(Int((share * 100).rounded())) %"
        case .address(let address): Address(address).description
        case .range(let range): "\(Address(range.lower))-\(Address(range.upper)), \(Units.bytes(range.count))"
        case .text(let text): TerminalText.escaped(text)
        }
    }

    private static func json(_ value: ExplainValue) -> JSONValue {
        switch value {
        case .count(let count), .bytes(let count): .unsigned(count)
        case .number(let number): .integer(number)
        case .seconds(let value), .perSecond(let value), .share(let value): JSONValue(seconds: value)
        case .address(let address): .string(Address(address).description)
        case .range(let range):
            .object([
                "start": .string(Address(range.lower).description), "end": .string(Address(range.upper).description),
            ])
        case .text(let text): .string(text)
        }
    }
}

/// Breaks sentences into lines of terminal cells.
enum TextWrap {
    static func lines(_ text: String, width: Int, indent: String = "") -> [String] {
        var lines: [String] = []
        var line = ""
        for word in text.split(separator: " ") {
            let isFull = TerminalText.width(indent + line) + 1 + TerminalText.width(String(word)) > width
            if isFull, !line.isEmpty {
                lines.append(indent + line)
                line = ""
            }
            line += (line.isEmpty ? "" : " ") + word
        }
        return line.isEmpty ? lines : lines + [indent + line]
    }

    /// A remark at the end of a report, in no more columns than reports have: its further lines are indented under the first.
    static func remark(_ text: String, _ style: TextStyle) -> [String] {
        let columns = min(style.width ?? TextStyle.columns, TextStyle.columns)
        return lines(text, width: columns - 2, indent: "  ").enumerated().map { $0 == 0 ? $1 : "  " + $1 }
    }
}
