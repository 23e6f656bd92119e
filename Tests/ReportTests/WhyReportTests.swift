import Model
import Testing

@testable import Analysis
@testable import Report

@Suite("Report of who keeps what alive") struct WhyReportTests {
    private let terminal = TextStyle(isTerminal: true, width: 100, color: false)
    private let pipe = TextStyle(isTerminal: false, width: nil, color: false)

    private static let ways: [WhyFindings.Path] = [
        .init(count: 4000, example: Fixture.storePath), .init(count: 117, example: Fixture.poolPath),
        .init(count: 1, example: Fixture.stackPath),
    ]

    @Test("A type: the ways to its blocks") func type() {
        let report = Fixture.why(.type("Session"), alive: Tally(blocks: 4118, bytes: 461_216), paths: Self.ways)
        expectSnapshot(report.text(isLimited: true, terminal), "why-type.txt")
        expectSnapshot(report.json(), "why-type.json")
    }

    @Test("Many ways: 25 lines unless asked for more") func many() {
        let ways = (0..<30).map { _ in WhyFindings.Path(count: 2, example: Fixture.storePath) }
        let report = Fixture.why(.type("Session"), alive: Tally(blocks: 60, bytes: 6000), paths: ways)
        let text = report.text(isLimited: true, terminal)
        #expect(text.split(separator: "\n", omittingEmptySubsequences: false).count <= 26)
        #expect(text.contains("other ways (--limit 0 shows all)"))
        #expect(report.text(isLimited: false, pipe).split(separator: "\n").filter { $0.contains("->") }.count == 30)
    }

    @Test("An address: every word that points to it") func address() {
        let holders = [
            Holder(root: .data, address: 0x55d0_c7d2_e010, block: nil, offset: 0),
            Holder(root: .stack, address: 0x7ffd_1a2c_0010, block: nil, offset: 8),
            Holder(root: nil, address: 0x7f3c_0000_2020, block: 0x7f3c_0000_2010, offset: 0),
        ]
        let block = AskedBlock(
            asked: 0x7f3c_0000_1018, fate: .reachable, start: 0x7f3c_0000_1010, size: 112, holders: holders)
        let report = Fixture.why(
            .address(0x7f3c_0000_1018), alive: Tally(blocks: 1, bytes: 112), block: block, type: "api.Session",
            paths: [.init(count: 1, example: Fixture.storePath)], weak: true)
        expectSnapshot(report.text(isLimited: true, terminal), "why-address.txt")
        expectSnapshot(report.json(), "why-address.json")
    }

    @Test("Lost: who held it last is not known, and that is said") func lost() {
        let block = AskedBlock(
            asked: 0x7f3c_0000_1010, fate: .definite, start: 0x7f3c_0000_1010, size: 24, holders: [])
        let one = Fixture.why(
            .address(0x7f3c_0000_1010), alive: Tally(), lost: Tally(blocks: 1, bytes: 24), block: block)
        expectSnapshot(one.text(isLimited: true, terminal), "why-lost.txt")
        let many = Fixture.why(.type("Session"), alive: Tally(), lost: Tally(blocks: 7, bytes: 784))
        #expect(many.text(isLimited: true, pipe).hasPrefix("Lost: 7 x Session, 784 bytes."))
    }

    @Test("Nothing of that name: similar ones") func none() {
        let report = Fixture.why(.type("Sess\u{1b}"), alive: Tally(), similar: ["api.Session", "api.Box<Swift.Int>"])
        expectSnapshot(report.text(isLimited: true, terminal), "why-none.txt")
        let address = Fixture.why(
            .address(0x10), alive: Tally(),
            block: AskedBlock(asked: 0x10, fate: .none, start: 0, size: 0, holders: []))
        #expect(address.text(isLimited: true, pipe).hasPrefix("0x10: no block in use lies there"))
        #expect(address.json().contains("\"block\":null"))
    }

    @Test("A list's steps are told once") func list() {
        let steps = (0..<20).map { Fixture.step("24 bytes", $0 < 19 ? "+0" : "+8") } + [Fixture.step("104 bytes", nil)]
        let text = WhyPathText(symbols: [:]).steps(OwnershipPath(root: nil, steps: steps))
        #expect(text == "block of 24 bytes at +0 (19 times) -> block of 24 bytes at +8 -> block of 104 bytes")
    }

    @Test("A long way keeps its ends") func long() {
        let steps = (0..<30).map { Fixture.step("api.Node\($0)", $0 < 29 ? "next" : nil) }
        let text = WhyPathText(symbols: [:]).steps(OwnershipPath(root: nil, steps: steps))
        #expect(text.hasPrefix("Node0.next -> Node1.next -> Node2.next -> Node3.next -> (23 more) -> Node27.next"))
        #expect(text.hasSuffix("Node29"))
    }

    @Test(
        "A printed name leads back to the type's own",
        arguments: [
            "Swift._ContiguousArrayStorage<Swift.UInt8>", "Swift._DictionaryStorage<Swift.String, api.Session>",
            "Swift._SetStorage<Swift.Int>", "Swift._ContiguousArrayStorage<api.Pair<Swift.Int, Swift.Int>>",
            "api.Session",
            "std::vector<int>", "24 bytes",
        ])
    func stored(_ name: String) {
        #expect(TypeText.stored(TypeText.plain(name)) == name)
    }

    @Test(
        "Types as arguments in a shell",
        arguments: [
            ("api.Session", "Session"), ("Session", "Session"), ("net::Pool", "net::Pool"),
            ("Box<Swift.Int>", "'Box<Swift.Int>'"), ("a'b c", "'a'\\''b c'"),
        ])
    func argument(_ type: String, _ expected: String) {
        #expect(WhyPathText.argument(type) == expected)
    }
}
