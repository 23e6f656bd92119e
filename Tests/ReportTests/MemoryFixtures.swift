import Model

@testable import Analysis
@testable import Report

extension Fixture {
    private static let mebibyte = 1 << 20

    /// The process of the other screens: its parts are given in tenths of a MiB and add up.
    static func memory(_ parts: [(ResidentPart.Kind, Int)], _ change: (inout MemoryFindings) -> Void = { _ in })
        -> MemoryFindings
    {
        let parts = parts.map { ResidentPart(kind: $0.0, bytes: Int64($0.1 * mebibyte / 10)) }
        let resident = UInt64(parts.reduce(0) { $0 + $1.bytes })
        var findings = MemoryFindings(
            kernelBytes: resident, parts: parts, proportionalBytes: resident * 96 / 100, swapBytes: 0, hugePageBytes: 0,
            stacks: StackUse(threads: 9, residentBytes: 9_542_041, reservedBytes: 72 << 20),
            evidence: MemoryEvidence(resident: resident))
        findings.sawHeap = true
        change(&findings)
        return findings
    }

    static func memoryReport(_ findings: MemoryFindings, _ verdict: MemoryVerdict) -> MemoryReport {
        var group = GroupMemory(
            pathBytes: Array("/docker/3f9c".utf8), limitBytes: 1 << 30, usageBytes: 861 << 20)
        group.anonymousBytes = 708 << 20
        group.cacheBytes = 136 << 20
        group.kernelBytes = 17 << 20
        group.outOfMemoryKills = 2
        return MemoryReport(
            target: look.target, look: look, findings: findings, verdict: verdict, group: group,
            pageTableBytes: 1_600_000)
    }

    static func fragmented() -> MemoryReport {
        let findings = memory([
            (.heapInUse, 4023), (.heapFree, 2317), (.heapLost, 384), (.libraryCode, 266), (.anonymous, 216),
            (.stacks, 91), (.shared, 84), (.programCode, 46), (.libraryData, 43), (.programData, 10),
        ]) { findings in
            var account = HeapAccount()
            for number in 0..<UInt64(8) {
                var arena = ArenaUse(address: 0x7f3c_0000_0030 + number << 28, isMain: number == 0, attachedThreads: 2)
                arena.resident.bins = 29 << 20
                account.arenas.append(arena)
            }
            account.pinnedBytes = 209 << 20
            account.pinning = Tally(blocks: 9412, bytes: 226_000)
            account.smallPinning = 8471
            account.trimmableBytes = 14_889_779
            findings.heap = account
            findings.owners = alive().findings.owners
            findings.owners[0].residentBytes = 281_018_368
            findings.owners[1].residentBytes = 54_000_000
            let name = Array("/dev/shm/rate\u{1b}limit".utf8)
            let mapping = Mapping(
                range: AddressRange(0, 4096), permissions: [.read, .shared], inode: 7, nameBytes: name)
            findings.shared =
                mapping.file.map { file in
                    [
                        SharedUse(
                            nameBytes: name, file: file, residentBytes: 8_808_038,
                            sharers: .init(
                                processes: [
                                    ProcessIdentity(pid: 910, startTicks: 1, commandBytes: Array("ngi\u{1b}nx".utf8))
                                ], count: 1))
                    ]
                } ?? []
        }
        return memoryReport(findings, MemoryVerdict(kind: .fragmentation, bytes: findings.bytes(.heapFree)))
    }
}
