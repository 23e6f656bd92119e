import Analysis
import Model
import Report

enum Fixture {
    static func group(
        _ kind: LeakGroup.Kind, count: Int, size: UInt64, type: String? = nil, pointsTo: String? = nil,
        held: Tally = Tally(), heldKinds: [LeakGroup.HeldKind] = [], signature: String = "a41f09"
    ) -> LeakGroup {
        LeakGroup(
            kind: kind, count: count, size: size, type: type, pointsTo: pointsTo, bytes: UInt64(count) * size,
            held: held, heldKinds: heldKinds,
            addresses: (0..<min(count, 8)).map { 0x7f3c_0000_1010 + UInt64($0) * 0x1000 }, signature: signature)
    }

    /// A service that lost a good deal in rings and single blocks.
    static func leaking() -> LeakReport {
        let groups = [
            group(
                .cycle, count: 4118, size: 112, type: "WebSocketSession",
                held: Tally(blocks: 61_770, bytes: 30_576_640),
                heldKinds: [.init(name: "Request", blocks: 20_000), .init(name: "up to 4096 bytes", blocks: 4118)]),
            group(.definite, count: 806, size: 1032, pointsTo: "libpq.so.5 (3 functions)", signature: "0be513"),
            group(
                .definite, count: 1, size: 24, type: "std::vector<Node>", held: Tally(blocks: 2, bytes: 4096),
                heldKinds: [.init(name: "Node", blocks: 2)], signature: "77c2e0"),
            group(.possible, count: 12, size: 18_088, signature: "d09a47"),
        ]
        return report(
            LeakFindings(
                heap: heap, definite: Tally(blocks: 4925, bytes: 1_293_032),
                indirect: Tally(blocks: 61_772, bytes: 30_580_736), possible: Tally(blocks: 12, bytes: 217_056),
                reachable: Tally(blocks: 8_033_291, bytes: 421_000_000), cycleCount: 4118,
                cycles: Tally(blocks: 12_354, bytes: 1_400_000), groups: groups, gaps: [], exact: true, unconfirmed: 0))
    }

    /// Two patterns of a file left out something, one of the command line did not.
    static func excluded() throws -> ExcludedBlocks {
        ExcludedBlocks(
            entries: [
                .init(
                    pattern: try ExcludePattern("Cache", source: ".nusuignore:3"),
                    tally: Tally(blocks: 100, bytes: 40_000_000)),
                .init(
                    pattern: try ExcludePattern("cycle:A.b -> *", source: ".nusuignore:4"),
                    tally: Tally(blocks: 20, bytes: 265_318)),
            ], unused: [try ExcludePattern("Sesion", source: "--exclude")])
    }

    static func withTreesAndPatterns() throws -> LeakReport {
        var report = leaking()
        report.findings.excluded = try excluded()
        let text = HeldTree.Node(
            field: "+16", type: "up to\u{1b} 64 bytes", own: Tally(blocks: 2, bytes: 112), below: Tally(),
            children: [], hidden: Tally())
        let request = HeldTree.Node(
            field: "requests", type: "Request", own: Tally(blocks: 5, bytes: 640),
            below: Tally(blocks: 9, bytes: 5000), children: [text], hidden: Tally(blocks: 7, bytes: 4888))
        let body = HeldTree.Node(
            field: "body", type: "Swift._ContiguousArrayStorage<Swift.UInt8>", own: Tally(blocks: 1, bytes: 4120),
            below: Tally(blocks: 1, bytes: 24), children: [], hidden: Tally(blocks: 1, bytes: 24))
        let root = HeldTree.Node(
            field: "", type: "WebSocketSession", own: Tally(blocks: 1, bytes: 112),
            below: Tally(blocks: 16, bytes: 9784), children: [request, body], hidden: Tally())
        report.findings.groups[0].tree = HeldTree(
            address: 0x7f3c_0000_1010, root: root, elsewhere: Tally(blocks: 1, bytes: 48))
        report.findings.groups[0].largestSize = 1040
        return report
    }

    static func clean() -> LeakReport {
        var report = report(
            LeakFindings(
                heap: heap, definite: Tally(), indirect: Tally(), possible: Tally(),
                reachable: Tally(blocks: 8_100_000, bytes: 453_000_000), cycleCount: 0, cycles: Tally(), groups: [],
                gaps: [], exact: true, unconfirmed: 0))
        report.confirmation = nil
        return report
    }

    static func report(_ findings: LeakFindings) -> LeakReport {
        LeakReport(
            target: ProcessIdentity(pid: 1234, startTicks: 5000, commandBytes: Array("api".utf8)),
            snapshot: SnapshotFacts(method: .fork, pauseSeconds: 0.0092, threads: 9),
            confirmation: .init(
                facts: SnapshotFacts(method: .fork, pauseSeconds: 0.0081, threads: 9), afterSeconds: 0.25),
            totalSeconds: 1.4213, attempts: 1, findings: findings, residentBytes: 784_334_848)
    }

    static let heap = HeapSummary(
        allocator: "glibc", version: "2.36", arenas: 8, live: Tally(blocks: 8_100_000, bytes: 453_000_000),
        freeBytes: 242_941_952, populatedBytes: 704_000_000)
}
