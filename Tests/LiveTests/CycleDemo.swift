import FoundationEssentials
import Glibc

/// A Swift demo that is ready to be looked at, and what it says of itself.
final class CycleDemo {
    /// Rings that are to be found.
    struct Expectation {
        let count: Int
        let path: CyclePath
        /// The advice that is to be given; nil where any is good.
        let advice: String?
        /// Whether their counts prove it.
        let isCertain: Bool
    }

    private let child: Child
    private(set) var expectations: [Expectation] = []
    /// Types that no finding may name.
    private(set) var silent: Set<String> = []
    /// Types that are lost, but not by a ring.
    private(set) var acyclic: Set<String> = []
    /// Members of each lost ring.
    private(set) var rings: [String: Set<UInt64>] = [:]

    var pid: pid_t { child.pid }
    var view: ProcessView { ProcessView(pid: pid) }

    init(_ program: String, _ name: String, environment: [String: String] = [:]) throws {
        let path = program.contains("/") ? program : "\(Surroundings.products)/\(program)"
        child = try Child([path, name], environment: environment)
        while true {
            guard let line = try child.readLine() else { throw HarnessError("\(program) \(name) ended too early") }
            if line == "ready" { break }
            try take(line)
        }
        try child.settle()
    }

    private func take(_ line: String) throws {
        let words = line.split(separator: " ", maxSplits: 2).map(String.init)
        switch words.first {
        case "expect" where words.count == 3, "suspect" where words.count == 3:
            let parts = words[2].split(separator: "|").map { $0.trimmingSpaces }
            guard let count = Int(words[1]), let path = parts.first else {
                throw HarnessError("a demo printed \(line)")
            }
            expectations.append(
                Expectation(
                    count: count, path: CyclePath(path), advice: parts.count > 1 ? parts[1] : nil,
                    isCertain: words[0] == "expect"))
        case "silent" where words.count == 2: silent.insert(words[1])
        case "acyclic" where words.count == 2: acyclic.insert(words[1])
        case "cycle" where words.count == 3:
            guard let address = UInt64(words[1].dropFirst(2), radix: 16) else {
                throw HarnessError("a demo printed \(line)")
            }
            rings[words[2], default: []].insert(address)
        default: throw HarnessError("a demo printed \(line)")
        }
    }
}

/// A ring's steps, the same wherever one begins to read it.
struct CyclePath: Hashable, CustomStringConvertible {
    struct Step: Hashable {
        let type: String
        let field: String
    }

    let steps: [Step]

    init(_ steps: [Step]) {
        let rotations = steps.indices.map { Array(steps[$0...] + steps[..<$0]) }
        self.steps = rotations.min { "\($0)" < "\($1)" } ?? []
    }

    /// From "A.b -> B.a -> A". The type ends at the first dot that is not within angle brackets.
    init(_ text: String) {
        var steps: [Step] = []
        for part in text.components(between: " -> ").dropLast() {
            var depth = 0
            var dot = part.endIndex
            for index in part.indices where dot == part.endIndex {
                if part[index] == "<" { depth += 1 }
                if part[index] == ">" { depth -= 1 }
                if part[index] == ".", depth == 0 { dot = index }
            }
            let field = dot == part.endIndex ? "" : String(part[part.index(after: dot)...])
            steps.append(Step(type: String(part[..<dot]), field: field))
        }
        self.init(steps)
    }

    /// Types only, and closures taken for boxes: what a program without reflection metadata tells.
    var withoutFields: CyclePath {
        CyclePath(steps.map { Step(type: $0.type == "closure" ? "box" : $0.type, field: "") })
    }

    var description: String { steps.map { "\($0.type).\($0.field)" }.joined(separator: " -> ") }
}

/// The parts of the nusu.leaks/1 document that say something of rings.
struct CycleDocument: Decodable {
    struct Step: Decodable {
        let type: String
        let field: String
    }

    struct Group: Decodable {
        let kind: String
        let count: Int
        let type: String?
        let cycle: [Step]?
        let certainty: String?
        let breakAt: String?
        let addresses: [String]

        /// nil where it is no ring.
        var path: CyclePath? {
            guard let cycle, !cycle.isEmpty else { return nil }
            return CyclePath(cycle.map { .init(type: $0.type.withoutModule, field: $0.field) })
        }

        /// All types that it names, without their module.
        var types: Set<String> { Set(([type].compactMap { $0 } + (cycle ?? []).map(\.type)).map(\.withoutModule)) }
    }

    let groups: [Group]

    static func read(_ run: LeakRun) throws -> CycleDocument {
        do {
            return try JSONDecoder().decode(CycleDocument.self, from: Data(run.outcome.output))
        } catch {
            throw HarnessError("status \(run.outcome.status), no leaks document: \(run.outcome.errors) \(error)")
        }
    }

    var leaders: Set<UInt64> {
        Set(groups.flatMap(\.addresses).compactMap { UInt64($0.dropFirst(2), radix: 16) })
    }
}

extension String {
    /// The demo's module is the same for everybody who builds it.
    var withoutModule: String { replacing("nusu_demo_swift.", with: "") }

    fileprivate func components(between separator: String) -> [Substring] {
        var result: [Substring] = []
        var rest = self[...]
        while let range = rest.firstRange(of: separator) {
            result.append(rest[..<range.lowerBound])
            rest = rest[range.upperBound...]
        }
        return result + [rest]
    }
}

extension Substring {
    fileprivate var trimmingSpaces: String {
        String(drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
    }
}
