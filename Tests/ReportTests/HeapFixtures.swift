import Model

@testable import Analysis
@testable import Report

extension Fixture {
    static let look = HeapLook(
        target: ProcessIdentity(pid: 1234, startTicks: 5000, commandBytes: Array("api".utf8)),
        snapshot: SnapshotFacts(method: .fork, pauseSeconds: 0.0092, threads: 9), totalSeconds: 1.4213, attempts: 1,
        residentBytes: 784_334_848,
        symbols: [
            0x55d0_c7d2_e010: Symbol(
                name: "$s3api12SessionStoreC6sharedACvpZ", module: "api", offset: 0, isFunction: false),
            0x7f3c_1000_0008: Symbol(name: "_ZN3net5poolsE", module: "libnet.so.2", offset: 8, isFunction: false),
        ])

    static func step(_ type: String, _ field: String?, offset: UInt64 = 0) -> OwnershipPath.Step {
        OwnershipPath.Step(address: 0x7f3c_0000_1010, type: type, field: field, offset: offset)
    }

    static let storePath = OwnershipPath(
        root: RootPlace(kind: .data, address: 0x55d0_c7d2_e010, module: "api"),
        steps: [
            step("api.SessionStore", "cache"),
            step("Swift._DictionaryStorage<Swift.String, api.Session>", "[value]"), step("api.Session", nil),
        ])
    static let poolPath = OwnershipPath(
        root: RootPlace(kind: .data, address: 0x7f3c_1000_0008, module: "libnet.so.2"),
        steps: [step("24 bytes", "+16", offset: 8), step("net::Pool", "+0"), step("api.Session", nil)])
    static let stackPath = OwnershipPath(
        root: RootPlace(
            kind: .stack, address: 0x7ffd_1a2c_0010, thread: 1240, threadNameBytes: Array("NIO\u{1b}ELT".utf8)),
        steps: [step("closure", "capture"), step("api.Session", nil)])

    static func alive() -> HeapReport {
        let named: [(String, Int, UInt64)] = [
            ("api.Session", 41_902, 281_018_368), ("Swift._ContiguousArrayStorage<Swift.UInt8>", 80_000, 50_000_000),
            ("std::_Sp_counted_ptr_inplace<Node\u{1b}, int>", 12, 4096),
        ]
        let types =
            named.map { HeapFindings.TypeUse(name: $0.0, isNamed: true, tally: Tally(blocks: $0.1, bytes: $0.2)) }
            + (1...12).map { number in
                HeapFindings.TypeUse(
                    name: "\(number * 8 + 16) bytes", isNamed: false,
                    tally: Tally(blocks: 100 - number, bytes: UInt64((100 - number) * (number * 8 + 16))))
            }
        let owners = [
            HeapFindings.Owner(
                address: 0x7f3c_0000_1010, type: "api.SessionStore",
                retained: Tally(blocks: 160_000, bytes: 331_000_000),
                kinds: [
                    .init(name: "Swift._ContiguousArrayStorage<Swift.UInt8>", blocks: 80_000),
                    .init(name: "api.Session", blocks: 41_902), .init(name: "24 bytes", blocks: 1),
                ], path: storePath),
            HeapFindings.Owner(
                address: 0x7f3c_0000_2010, type: "24 bytes", retained: Tally(blocks: 3, bytes: 9000), kinds: [],
                path: poolPath),
        ]
        return HeapReport(
            look: look,
            findings: HeapFindings(
                heap: heap, alive: Tally(blocks: 8_033_291, bytes: 421_000_000),
                lost: Tally(blocks: 66_709, bytes: 32_000_000), types: types, owners: owners, gaps: [], exact: true))
    }

    static func grown() -> HeapReport {
        var report = alive()
        var first = report.findings
        first.alive = Tally(blocks: 8_000_000, bytes: 410_000_000)
        first.types = first.types.map { type in
            guard type.name == "api.Session" else { return type }
            return HeapFindings.TypeUse(
                name: type.name, isNamed: true, tally: Tally(blocks: 41_000, bytes: 270_000_000))
        }
        var growth = HeapGrowth(from: first, to: report.findings, seconds: 60, leastBytes: 4096)
        for number in growth.types.indices { growth.types[number].path = .init(count: 41_800, example: storePath) }
        report.growth = growth
        return report
    }

    static func why(
        _ question: WhyQuestion, alive: Tally, lost: Tally = Tally(), block: AskedBlock? = nil, type: String? = nil,
        paths: [WhyFindings.Path] = [], similar: [String] = [], weak: Bool = false
    ) -> WhyReport {
        let holds = alive.blocks + lost.blocks > 0
        return WhyReport(
            look: look,
            findings: WhyFindings(
                question: question, alive: alive, lost: lost, block: block, blockType: type, paths: paths,
                sampledEvery: paths.first?.count ?? 0 > 3999 ? 2 : 1,
                holds: holds ? Tally(blocks: 61_770, bytes: 30_576_640) : Tally(),
                holdsKinds: holds
                    ? [.init(name: "api.Request", blocks: 20_000), .init(name: "64 bytes", blocks: 1)] : [],
                similar: similar, hasWeakReferences: weak, gaps: [], exact: true))
    }
}
