import Model
import Testing

@testable import Analysis
@testable import Report

@Suite("Report of what changed between snapshots") struct DiffReportTests {
    private static let snapshots: [DiffReport.Snapshot] = [
        snapshot("a.nusu", number: 0, sessions: 12_582_912), snapshot("b.nusu", number: 1, sessions: 20_971_520),
        snapshot("c.nusu", number: 2, sessions: 43_620_761),
    ]

    /// Five minutes after the one before, with more sessions and more rings.
    private static func snapshot(_ path: String, number: Int, sessions: UInt64) -> DiffReport.Snapshot {
        let seconds = 1_795_000_000 + Int64(number) * 300
        let old = number == 0 ? Tally(blocks: 1, bytes: 64) : Tally()
        let types: [String: Tally] = [
            "api.Session": Tally(blocks: 1000 * (number + 1), bytes: sessions), "Old\u{1b}[31m": old,
            "24 bytes": Tally(blocks: 50, bytes: 1200),
        ]
        let digest = GraphDigest(
            process: Fixture.look.target, secondsSince1970: seconds,
            alive: Tally(blocks: 8_000_000 + number, bytes: sessions + 400_000_000),
            lost: Tally(blocks: number * 100, bytes: UInt64(number) * 100_000), isWhole: true, types: types,
            leaks: number == 0 ? [:] : ["a41f09": .init(group: group(number * 50))], owners: [:], ownerFloor: 4096)
        return DiffReport.Snapshot(saved: SavedLook(path: path, secondsSince1970: seconds), digest: digest)
    }

    private static func group(_ count: Int) -> LeakGroup {
        var group = LeakGroup(
            kind: .cycle, count: count, size: 112, type: "api.Owner", pointsTo: nil, bytes: UInt64(count) * 112,
            held: Tally(blocks: count, bytes: UInt64(count) * 48), heldKinds: [], addresses: [], signature: "a41f09")
        group.cycle = [
            CycleStep(type: "api.Owner", field: "pet"), CycleStep(type: "api.Pet", field: "owner"),
        ]
        return group
    }

    private static let report = DiffReport(
        snapshots: snapshots, diff: GraphDiff(snapshots.map(\.digest), leastBytes: 4096),
        paths: ["api.Session": Fixture.storePath], symbols: Fixture.look.symbols)

    @Test("What grew in every step, with who holds it") func grown() {
        expectSnapshot(
            DiffReportTests.report.text(limit: nil, TextStyle(isTerminal: true, width: 100, color: false)), "diff.txt")
        expectSnapshot(DiffReportTests.report.json(), "diff.json")
    }

    @Test("Nothing grew") func quiet() {
        let same = [DiffReportTests.snapshots[0], DiffReportTests.snapshots[0]]
        let report = DiffReport(
            snapshots: same, diff: GraphDiff(same.map(\.digest), leastBytes: 4096), paths: [:], symbols: [:])
        expectSnapshot(report.text(limit: nil, TextStyle(isTerminal: true, width: 100, color: false)), "diff-quiet.txt")
    }
}
