import FoundationEssentials

/// The parts of the nusu.leaks/1 document that the tests read.
struct LeakDocument: Decodable {
    struct Tally: Decodable {
        let blocks: Int
        let bytes: Int
    }

    struct Cycles: Decodable {
        let count: Int
        let blocks: Int
        let bytes: Int
    }

    struct Summary: Decodable {
        let definite: Tally
        let indirect: Tally
        let possible: Tally
        let reachable: Tally
        let excluded: Tally
        let cycles: Cycles
    }

    struct Snapshot: Decodable {
        let method: String
        let pauseSeconds: Double
        let totalSeconds: Double
        let threads: Int
        let attempts: Int
        let confirmed: Bool
        let exact: Bool
    }

    struct Heap: Decodable {
        let allocator: String
        let arenas: Int
        let blocks: Int
        let bytes: Int
    }

    struct Group: Decodable {
        let kind: String
        let count: Int
        let type: String?
        let heldBlocks: Int
        let addresses: [String]
        let signature: String
        let tree: Tree?
    }

    /// What hangs below one leader of a group.
    struct Tree: Decodable {
        struct Node: Decodable {
            let field: String?
            let type: String
            let blocks: Int
            let below: Tally
            let children: [Node]
            let hidden: Tally

            /// All nodes of it, itself included.
            var all: [Node] { [self] + children.flatMap(\.all) }
        }

        let address: String
        let root: Node
    }

    struct Excluded: Decodable {
        struct Pattern: Decodable {
            let pattern: String
            let source: String
        }

        let entries: [Pattern]
        let unused: [Pattern]
    }

    struct Gap: Decodable {
        let what: String
        let reason: String
    }

    let schema: String
    let summary: Summary
    let snapshot: Snapshot
    let heap: Heap
    let groups: [Group]
    let gaps: [Gap]
    let excluded: Excluded

    /// Addresses of all leaders of one kind, with the type of each.
    func leaders(_ kind: String) -> [UInt64: String?] {
        var result: [UInt64: String?] = [:]
        // A counted object that nothing holds is lost as any other block is: the kind says that its count disagrees.
        let kinds = kind == "definite" ? [kind, "over-retained"] : [kind]
        for group in groups where kinds.contains(group.kind) {
            for address in group.addresses {
                if let value = UInt64(address.dropFirst(2), radix: 16) { result[value] = .some(group.type) }
            }
        }
        return result
    }

    var isSound: Bool {
        let total = summary.definite.blocks + summary.indirect.blocks + summary.possible.blocks
        return total + summary.reachable.blocks + summary.excluded.blocks == heap.blocks
            && summary.cycles.blocks <= summary.definite.blocks + summary.indirect.blocks
    }
}

/// The nusu.error/1 document.
struct ErrorDocument: Decodable {
    let schema: String
    let status: Int32
    let what: String
    let subject: String
    let remedy: String
}

/// One run of `nusu leaks`.
struct LeakRun {
    let outcome: Outcome

    init(
        _ target: String, _ options: [String] = [], user: [String] = [], program: String = Surroundings.nusu,
        withinSeconds seconds: Double = 300
    ) throws {
        let words = [program, "leaks", target, "--json", "--addresses", "--possible", "--limit", "0"]
        outcome = try run(user + words + options, withinSeconds: seconds)
    }

    /// The document of a run that had a result.
    func document() throws -> LeakDocument {
        do {
            return try JSONDecoder().decode(LeakDocument.self, from: Data(outcome.output))
        } catch {
            throw HarnessError(
                "status \(outcome.status), no leaks document: \(outcome.text.prefix(600)) \(outcome.errors) \(error)")
        }
    }

    /// The document of a run that failed.
    func failure() throws -> ErrorDocument {
        do {
            return try JSONDecoder().decode(ErrorDocument.self, from: Data(outcome.output))
        } catch {
            throw HarnessError(
                "status \(outcome.status), no error document: \(outcome.text.prefix(600)) \(outcome.errors)")
        }
    }
}
