import Testing

@testable import Analysis

@Suite struct MemoryVerdictTests {
    private static let mebibyte: UInt64 = 1 << 20

    private func evidence(_ change: (inout MemoryEvidence) -> Void) -> MemoryEvidence {
        var evidence = MemoryEvidence(resident: 100 * MemoryVerdictTests.mebibyte)
        change(&evidence)
        return evidence
    }

    /// Each explanation counts from its share on, and not a page below.
    @Test(
        arguments: [
            (.leak, 10), (.fragmentation, 25), (.stacks, 25), (.cache, 30), (.files, 40), (.shared, 30),
        ] as [(MemoryVerdict.Kind, UInt64)])
    func thresholds(_ kind: MemoryVerdict.Kind, _ mebibytes: UInt64) {
        let bytes = mebibytes * MemoryVerdictTests.mebibyte
        #expect(MemoryVerdict.judge(of(kind, bytes)) == MemoryVerdict(kind: kind, bytes: bytes))
        #expect(MemoryVerdict.judge(of(kind, bytes - 4096)) == MemoryVerdict(kind: .nothing, bytes: 0))
    }

    private func of(_ kind: MemoryVerdict.Kind, _ bytes: UInt64) -> MemoryEvidence {
        evidence {
            switch kind {
            case .leak: $0.lost = bytes
            case .fragmentation, .arenas: $0.keptFree = bytes
            case .stacks: $0.stacks = bytes
            case .cache: $0.largestOwner = bytes
            case .files: $0.files = bytes
            case .shared: $0.shared = bytes
            case .nothing: break
            }
        }
    }

    @Test func freeMemoryBelongsToWhereMostOfItLies() {
        let mebibyte = MemoryVerdictTests.mebibyte
        let orphaned = evidence {
            $0.keptFree = 40 * mebibyte
            $0.orphanedFree = 21 * mebibyte
        }
        #expect(MemoryVerdict.judge(orphaned) == MemoryVerdict(kind: .arenas, bytes: 40 * mebibyte))
        let few = evidence {
            $0.keptFree = 40 * mebibyte
            $0.orphanedFree = 19 * mebibyte
        }
        #expect(MemoryVerdict.judge(few) == MemoryVerdict(kind: .fragmentation, bytes: 40 * mebibyte))
    }

    /// What does no good comes first; of two, the larger.
    @Test func wasteComesBeforeUse() {
        let mebibyte = MemoryVerdictTests.mebibyte
        let mixed = evidence {
            $0.lost = 12 * mebibyte
            $0.keptFree = 30 * mebibyte
            $0.largestOwner = 50 * mebibyte
        }
        #expect(MemoryVerdict.judge(mixed).kind == .fragmentation)
        let leak = evidence {
            $0.lost = 12 * mebibyte
            $0.largestOwner = 80 * mebibyte
        }
        #expect(MemoryVerdict.judge(leak).kind == .leak)
    }

    /// A small process has no explanation: everything in it is a large share.
    @Test func smallProcessesHaveNothing() {
        var small = MemoryEvidence(resident: 2 << 20)
        small.keptFree = 1 << 19
        small.lost = 1 << 19
        #expect(MemoryVerdict.judge(small).kind == .nothing)
    }

    @Test func whatGrewExplainsMost() {
        let mebibyte = MemoryVerdictTests.mebibyte
        let before = evidence {
            $0.keptFree = 60 * mebibyte
            $0.live = 20 * mebibyte
            $0.lost = 2 * mebibyte
        }
        var after = before
        after.live += 3 * mebibyte
        after.lost += mebibyte
        #expect(
            MemoryVerdict.judge(after, before: before)
                == MemoryVerdict(kind: .cache, bytes: 23 * mebibyte, grownBytes: 3 * mebibyte))
        // Ups and downs are none.
        var noise = before
        noise.live += 100 << 10
        #expect(MemoryVerdict.judge(noise, before: before).kind == .fragmentation)
        #expect(MemoryVerdict.judge(noise, before: before).grownBytes == nil)
        // What shrank did not grow.
        var less = before
        less.live = 0
        #expect(MemoryVerdict.judge(less, before: before).grownBytes == nil)
    }
}
