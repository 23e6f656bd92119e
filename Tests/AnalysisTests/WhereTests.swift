import Testing

@testable import Analysis

/// Conditions of `nusu ps --where`.
@Suite("Where") struct WhereTests {
    private static let redis: [String: ProcessValue] = [
        "cpu": .number(7.5), "rss": .integer(200 << 20), "name": .text("redis-server"), "pid": .integer(42),
        "tty": .unknown, "digits": .text("123"),
    ]

    private func parse(_ text: String) throws(WhereError) -> WhereExpression<String> {
        try WhereExpression.parse(text) { name in
            Self.redis[name].map { value in
                if case .bytes = value { (name, true) } else { (name, name == "tty") }
            }
        }
    }

    private func matches(_ text: String) throws -> Bool {
        try parse(text).matches { Self.redis[$0] ?? .unknown }
    }

    @Test(arguments: [
        "cpu>5 && rss>100M && name~\"redis\"", "cpu>=7.5", "cpu<=7.5", "cpu==7.5", "rss=200M", "rss<1G", "rss>204799K",
        "name==redis-server", "name='redis-server'", "name~'^redis'", "name!~nginx", "!(cpu<5)", "!!(cpu>5)",
        "pid=1||pid=42", "pid=1 || pid=2 || cpu>1 && rss>1", "(pid=1||cpu>1)&&(pid=42)", "pid~\"^4\"", "digits==123",
        "digits~'^[0-9]+$'", " cpu > 5 ", "pid=42 || tty=pts", "name<s", "name>r",
    ])
    func fits(_ text: String) throws { #expect(try matches(text)) }

    @Test(arguments: [
        "cpu>7.5", "cpu<7.5", "cpu!=7.5", "name=redis", "name~'^server'", "pid=42 && cpu<1",
        // && binds closer than ||, and ! closer than both.
        "pid=1 && pid=42 || pid=2", "!pid=42 && pid=42",
        // What is not known never matches, whichever way round.
        "tty=pts", "tty!=pts", "!(tty=pts)", "tty~x", "tty!~x", "!(tty=pts || pid=1)", "tty=pts && pid=42",
    ])
    func doesNotFit(_ text: String) throws { #expect(try !matches(text)) }

    @Test(arguments: [
        ("", 0), ("cpu", 3), ("cpu>", 4), ("cpu>abc", 4), ("cpu>5 &&", 8), ("cpu>5 name=a", 6), ("(cpu>5", 6),
        ("foo>1", 0), ("name~\"(\"", 5), ("name=\"x", 5), ("cpu>5)", 5), ("cpu>100MB", 4), ("cpu>>5", 4), ("&&", 0),
    ])
    func isNoCondition(_ text: String, offset: Int) {
        #expect(performing: { _ = try parse(text) }, throws: { ($0 as? WhereError)?.offset == offset })
    }

    @Test("Nesting and length have bounds") func bounds() {
        #expect(throws: WhereError.self) { try parse(String(repeating: "(", count: 100_000) + "cpu>1") }
        #expect(throws: WhereError.self) { try parse(String(repeating: "!", count: 100_000) + "cpu>1") }
        #expect(throws: WhereError.self) { try parse("cpu>1" + String(repeating: "||cpu>1", count: 100_000)) }
    }

    @Test("Fuzz: any text is a condition or an error", arguments: Rounds.of(8, fuzz: 400)) func fuzz(seed: UInt64)
        throws
    {
        var random = Seeded(seed)
        let pieces = [
            "cpu", "rss", "name", "tty", "pid", "foo", "(", ")", "!", "&&", "||", "=", "==", "!=", "<", ">", "~", "!~",
            "\"a\"",
            "'", "\"", "\\", "1", "1.5", "-3", "9999999999999999999", "K", "10G", " ", "\u{0}", "é", "[", "*", "{", "x",
        ]
        for _ in 0..<500 {
            let count = Int.random(in: 0...24, using: &random)
            let text = (0..<count).map { _ in pieces[Int.random(in: 0..<pieces.count, using: &random)] }.joined()
            do throws(WhereError) {
                _ = try parse(text).matches { Self.redis[$0] ?? .unknown }
            } catch {
                #expect(error.offset <= text.utf8.count)
            }
        }
    }

    @Test("Order: several keys, both ways, and what is not known comes last") func order() {
        let rows: [(Int64?, String)] = [(3, "a"), (nil, "b"), (1, "c"), (3, "d"), (2, "e"), (nil, "f")]
        func sorted(_ keys: [(Int, Bool)]) -> String {
            ProcessOrder.sorted(rows, by: keys.map { ProcessSortKey(field: $0.0, descending: $0.1) }) { row, field in
                field == 0 ? ProcessValue(row.0) : .text(row.1)
            }.map(\.1).joined()
        }
        #expect(sorted([(0, false)]) == "ceadbf")
        #expect(sorted([(0, true)]) == "adecbf")
        #expect(sorted([(0, true), (1, true)]) == "daecfb")
        #expect(sorted([]) == "abcdef")
    }
}
