import Analysis
import Glibc
import Model
import Testing

/// The worked examples of `Sources/Analysis/Schedules/README.md`: those of text-books among them, whose answers are published.
@Suite struct ScheduleExampleTests {
    /// A schedule that the README states.
    struct Claim: Sendable, CustomTestStringConvertible {
        let file: String
        let policy: String
        let figures: String
        /// "A 0-4 B 4-7"; nil where it is not stated.
        let spans: String?
        var testDescription: String { "\(policy): \(figures)" }
    }

    @Test func readmeHasAnExampleOfEveryPolicy() throws {
        let named = Set(Self.claims.compactMap { $0.policy.split(separator: " ").first.map(String.init) })
        #expect(named == ["fcfs", "sjf", "srtf", "rr", "priority", "mlfq", "eevdf"])
        #expect(Self.claims.count >= 15)
    }

    @Test(arguments: claims) func exampleOfReadmeHolds(_ claim: Claim) throws {
        let workload = try WorkloadParser.parse(Array(claim.file.utf8), file: "README.md")
        let words = claim.policy.split(separator: " ")
        let time = words.count > 1 ? try #require(WorkloadParser.nanoseconds(words[words.count - 1])) : 0
        let policies: [String: SchedulingPolicy] = [
            "fcfs": .firstComeFirstServed, "sjf": .shortestJobFirst, "srtf": .shortestRemainingTime,
            "rr": .roundRobin(quantum: time), "priority": .priority, "mlfq": .feedback, "eevdf": .eevdf,
        ]
        let policy = try #require(policies[String(words[0])])
        let machine = SchedulingMachine(tick: words.contains("tick") ? time : nil)
        let schedule = try #require(policy.schedule(workload, on: machine))
        for figure in claim.figures.split(separator: ",") {
            let words = figure.split(separator: " ")
            // "waiting 17 ms", or "waiting about 17 ms": to half of EEVDF's slice.
            let isNear = words[1] == "about"
            let expected = try #require(Double(words[isNear ? 2 : 1]))
            let summary = words[0] == "waiting" ? schedule.waiting : schedule.turnaround
            let mean = try #require(summary).mean / 1e6
            #expect(abs(mean - expected) < (isNear ? 0.35 : 0.001), "\(words[0]) is \(mean) ms")
        }
        guard let spans = claim.spans else { return }
        let shown = schedule.spans.map {
            "\(workload.threads[$0.thread].name) \(Self.milliseconds($0.start))-\(Self.milliseconds($0.end))"
        }
        #expect(shown.joined(separator: " ") == spans)
    }

    static let claims: [Claim] = {
        let folder = #filePath.split(separator: "/").dropLast(4).reduce("") { $0 + "/" + $1 }
        guard let text = contents(folder + "/Sources/Analysis/Schedules/README.md") else { return [] }
        var claims: [Claim] = []
        var file: String?
        var answers: [Substring] = []
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            if line == "```workload" {
                file = ""
            } else if line == "```", let example = file {
                for answer in answers {
                    let parts = answer.dropFirst(2).split(separator: ":").map { $0.drop { $0 == " " } }
                    claims.append(
                        Claim(
                            file: example, policy: String(parts[0]), figures: String(parts[1]),
                            spans: parts.count > 2 ? String(parts[2]) : nil))
                }
                (file, answers) = (nil, [])
            } else if file != nil {
                file? += line + "\n"
                if line.hasPrefix("#") { answers.append(line) }
            }
        }
        return claims
    }()

    private static func milliseconds(_ time: Int) -> String {
        let value = Double(time) / 1e6
        return value == value.rounded() ? "\(Int(value))" : "\(value)"
    }

    static func contents(_ path: String) -> String? {
        guard let file = fopen(path, "r") else { return nil }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while case let count = fread(&buffer, 1, buffer.count, file), count > 0 { bytes += buffer[..<count] }
        return String(decoding: bytes, as: UTF8.self)
    }
}
