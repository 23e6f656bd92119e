package import Model

/// A failure as the user sees it: two lines, or a document of the schema nusu.error/1.
package struct FailureReport: Sendable {
    /// One of several processes that the target may mean.
    package struct Candidate: Sendable {
        package var pid: Int32
        package var user: String
        /// nil where it cannot be told.
        package var ageSeconds: Double?
        /// Raw bytes.
        package var arguments: [[UInt8]]
        /// Raw bytes.
        package var commandBytes: [UInt8]

        package init(pid: Int32, user: String, ageSeconds: Double?, arguments: [[UInt8]], commandBytes: [UInt8]) {
            self.pid = pid
            self.user = user
            self.ageSeconds = ageSeconds
            self.arguments = arguments
            self.commandBytes = commandBytes
        }
    }

    package var failure: Failure
    package var status: Int32
    /// What the target may have meant; empty for every other failure.
    package var candidates: [Candidate]

    package init(failure: Failure, status: Int32, candidates: [Candidate] = []) {
        self.failure = failure
        self.status = status
        self.candidates = candidates
    }

    /// `nusu: what failed` and `do: what to do`, with the list of candidates between. Ends with a newline.
    /// - Parameter width: the terminal's; nil where stderr is none.
    package func text(width: Int?) -> String {
        var lines = ["nusu: " + TerminalText.escaped(failure.what)]
        for candidate in candidates.prefix(FailureReport.shown) {
            let age = candidate.ageSeconds.map { FailureReport.age($0) } ?? ""
            let pid = TerminalText.padded("\(candidate.pid)", to: 8, right: true)
            let user = TerminalText.padded(TerminalText.escaped(candidate.user), to: 10)
            let line = "\(pid)  \(TerminalText.padded(age, to: 10))  \(user)  \(FailureReport.commandLine(candidate))"
            lines.append(TerminalText.cut(line, to: min(width ?? 200, 200)))
        }
        let rest = candidates.count - FailureReport.shown
        if rest > 0 { lines.append("          and \(Units.grouped(rest)) more") }
        lines.append("do: " + TerminalText.escaped(failure.remedy))
        return lines.joined(separator: "\n") + "\n"
    }

    /// The document of schema nusu.error/1.
    package func json() -> String {
        var fields: [String: JSONValue] = [
            "schema": "nusu.error/1", "status": JSONValue(status), "what": .string(failure.what),
            "subject": .string(failure.subject), "remedy": .string(failure.remedy),
        ]
        if !candidates.isEmpty { fields["candidates"] = .array(candidates.map(FailureReport.json)) }
        return JSONValue.object(fields).document()
    }

    private static let shown = 15

    private static func commandLine(_ candidate: Candidate) -> String {
        if candidate.arguments.isEmpty { return "[\(TerminalText.escaped(candidate.commandBytes))]" }
        return candidate.arguments.prefix(32).map { TerminalText.escaped($0) }.joined(separator: " ")
    }

    private static func json(_ candidate: Candidate) -> JSONValue {
        var fields: [String: JSONValue] = [
            "pid": JSONValue(candidate.pid), "user": .string(candidate.user),
            "ageSeconds": JSONValue(seconds: candidate.ageSeconds),
        ]
        fields.set("command", bytes: candidate.commandBytes)
        fields.set("arguments", bytes: Array(candidate.arguments.joined(separator: [UInt8(ascii: " ")])))
        return .object(fields)
    }

    /// "for 12 s", "for 5 min", "for 3 h", "for 12 d".
    private static func age(_ seconds: Double) -> String {
        switch seconds {
        case ..<120: "for \(Int(seconds)) s"
        case ..<7200: "for \(Int(seconds / 60)) min"
        case ..<172_800: "for \(Int(seconds / 3600)) h"
        default: "for \(Int(min(seconds, 1e12) / 86_400)) d"
        }
    }
}

extension JSONValue: ExpressibleByStringLiteral {
    package init(stringLiteral value: String) { self = .string(value) }
}
