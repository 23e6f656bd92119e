import Analysis
import Model

/// The verdict in words: what it is (line 1), why, and what helps.
extension MemoryReport {
    /// One sentence; the answer.
    package var headline: String {
        if let grown = verdict.grownBytes, let growth {
            let time = Units.span(growth.seconds)
            let now = "now \(Units.bytes(verdict.bytes)) of \(resident) resident"
            return switch verdict.kind {
            case .leak: "Leaking: \(Units.bytes(grown)) more lost in \(time), \(now)."
            case .cache: "Growing: \(holder ?? "what is in use") by \(Units.bytes(grown)) in \(time), \(inUse)."
            case .fragmentation, .arenas:
                "Growing: what malloc keeps free, by \(Units.bytes(grown)) in \(time), \(now)."
            case .stacks: "Growing: thread stacks, by \(Units.bytes(grown)) in \(time), \(now)."
            case .files: "Growing: mapped files, by \(Units.bytes(grown)) in \(time), \(now)."
            case .shared: "Growing: shared memory, by \(Units.bytes(grown)) in \(time), \(now)."
            case .nothing: "Growing: by \(Units.bytes(grown)) in \(time)."
            }
        }
        // Of two looks the news is that nothing grew; of one, whether it is a leak.
        let steady = growth.map { "; nothing grew in \(Units.span($0.seconds))" } ?? ""
        let leak = growth == nil ? noLeak : ""
        let amount = "\(Units.bytes(verdict.bytes)) of \(resident) resident"
        switch verdict.kind {
        case .leak: return "Leaking: \(amount) is lost, nothing can reach it\(steady)."
        case .cache: return "In use\(leak): \(amount) is kept by \(holder ?? "one owner")\(steady)."
        case .fragmentation: return "Free, but kept by malloc: \(amount)\(leak)\(steady)."
        case .arenas: return "Free, but kept by malloc for ended threads: \(amount)\(leak)\(steady)."
        case .stacks:
            return "Thread stacks: \(amount), of \(Units.counted(findings.stacks.threads, "thread"))\(steady)."
        case .files: return "Mapped files: \(amount)\(steady)."
        case .shared:
            return "Shared memory: \(amount)\(growth == nil ? with.map { ", with \($0)" } ?? "" : "")\(steady)."
        case .nothing:
            guard findings.heap != nil else {
                let undivided = findings.bytes(.anonymous) + findings.bytes(.heapUnread)
                return
                    "Not divided: \(Units.bytes(undivided)) of \(resident) may be the heap, which could not be read\(steady)."
            }
            guard let growth else { return "Nothing stands out: \(sums)." }
            return "Nothing grew in \(Units.span(growth.seconds)): \(sums)."
        }
    }

    /// Why: at most three sentences of evidence.
    var evidence: [String] {
        var lines: [String] = []
        guard let heap = findings.heap else { return lines }
        switch verdict.kind {
        case .leak:
            lines.append(
                "\(Units.counted(findings.lost.blocks, "block")) of \(Units.bytes(findings.lost.bytes)), with no pointer that leads to them."
            )
        case .fragmentation, .arenas:
            let orphaned = heap.arenas.filter(\.isOrphaned)
            if verdict.kind == .arenas {
                lines.append(
                    "\(Units.counted(orphaned.count, "arena")) of malloc belonged to threads that have ended; "
                        + "\(Units.bytes(heap.orphanedFreeBytes)) in them is free.")
            } else if heap.arenas.count > 1 {
                let free = heap.arenas.map(\.resident.free).filter { $0 >= 1 << 20 }
                if free.count > 1 {
                    let mean = free.reduce(0, +) / UInt64(free.count)
                    lines.append(
                        "\(free.count) of \(Units.counted(heap.arenas.count, "arena")) have \(Units.bytes(mean)) free on average."
                    )
                }
            }
            if verdict.kind == .fragmentation, heap.trimmableBytes >= findings.bytes(.heapFree) / 10 {
                lines.append(
                    "\(Units.bytes(heap.trimmableBytes)) of it is whole pages that malloc keeps until it is told to trim."
                )
            }
            if let pinned, heap.pinnedBytes >= findings.bytes(.heapFree) / 10 { lines.append(pinned + ".") }
        case .cache:
            if let owner = namedOwner {
                let kinds = owner.kinds.prefix(2).map { kind in
                    let name = TerminalText.escaped(WhyPathText.typeName(kind.name))
                    return kind.blocks == 1 ? name : "\(Units.grouped(kind.blocks)) x \(name)"
                }
                let what = kinds.isEmpty ? "" : ": " + kinds.joined(separator: ", ")
                lines.append("\(paths.line(owner.path))")
                lines.append("alone keeps \(Units.counted(owner.retained.blocks, "block")) in use\(what).")
            }
        case .stacks:
            lines.append(
                "\(Units.bytes(findings.stacks.reservedBytes)) of address space is set aside for them; what was touched once stays."
            )
        case .nothing where standsForItself(findings.bytes(.anonymous)):
            lines.append(
                "Python's or a JIT's own allocator, an arena, or buffers: nusu maps \(subject)"
            )
        case .files, .shared, .nothing: break
        }
        return lines
    }

    /// What would help at once, one command or setting each; nothing is promised that was not measured.
    var helps: [String] {
        let pid = subject
        let trimmable = findings.heap?.trimmableBytes ?? 0
        let kept = findings.bytes(.heapFree)
        let trim =
            trimmable * 10 >= kept && trimmable >= 1 << 20
            ? "malloc_trim(0), called by the program: \(Units.bytes(trimmable)) back"
            : "not malloc_trim: \(trimmable == 0 ? "nothing" : Units.bytes(trimmable)) back"
        switch verdict.kind {
        case .leak: return ["mend what nusu leaks \(pid) names; until then a restart"]
        case .cache:
            guard let owner = namedOwner else { return [] }
            return ["a bound on it: nusu why \(pid) \(Address(owner.address)) says who holds it"]
        case .fragmentation:
            var helps = [trim]
            if (findings.heap?.arenas.count ?? 0) > 2 { helps.append("MALLOC_ARENA_MAX=2 at its start: fewer arenas") }
            if trimmable * 10 < kept { helps.append("an allocator with size classes (jemalloc, tcmalloc)") }
            return helps
        case .arenas:
            return [
                trim, "MALLOC_ARENA_MAX=2 at its start: ended threads leave less",
                "threads that are kept and used again",
            ]
        case .stacks: return ["fewer threads, or smaller frames: a stack gives nothing back while its thread lives"]
        case .files:
            let clean = findings.bytes(.filesClean)
            return ["nothing need be done: the kernel takes the clean \(Units.bytes(clean)) back when memory is short"]
        case .shared: return ["look at who fills it: it counts once, however many have it mapped"]
        case .nothing: return []
        }
    }

    /// "209 MiB of it lies on pages that 9,412 blocks of 221 KiB hold (90 % are under 64 bytes)".
    private var pinned: String? {
        guard let heap = findings.heap, heap.pinnedBytes > 0, heap.pinning.blocks > 0 else { return nil }
        let blocks = "\(Units.counted(heap.pinning.blocks, "block")) of \(Units.bytes(heap.pinning.bytes))"
        let small = Units.share(UInt64(heap.smallPinning), of: UInt64(heap.pinning.blocks)).map {
            " (\($0 == "100 %" ? "all" : $0) are under \(HeapAccount.smallBlock) bytes)"
        }
        return "\(Units.bytes(heap.pinnedBytes)) of it lies on pages that \(blocks) hold\(small ?? "")"
    }

    var subject: String { look?.subject ?? "\(target.pid)" }

    var resident: String { Units.bytes(findings.kernelBytes) }

    private var inUse: String { "now \(Units.bytes(verdict.bytes)) in use of \(resident) resident" }

    /// Nothing is said of leaks where not everything was seen.
    private var noLeak: String {
        guard findings.heap != nil else { return "" }
        let lost = findings.bytes(.heapLost)
        if lost * 100 >= findings.kernelBytes { return ", and \(Units.bytes(lost)) leaked" }
        return findings.sawHeap ? ", not leaked" : ""
    }

    private var holder: String? {
        guard let owner = namedOwner else { return nil }
        return paths.root(owner.path) ?? "one block"
    }

    /// "of 9.8 MiB, 4.1 MiB is in use on the heap, …".
    private var sums: String {
        let used = findings.bytes(.heapInUse)
        let kept = findings.bytes(.heapFree)
        let lost = findings.bytes(.heapLost)
        let own = findings.bytes(.anonymous)
        let leak = lost > 0 ? "\(Units.bytes(lost)) lost" : findings.sawHeap ? "nothing lost" : "nothing found lost"
        if standsForItself(own) {
            return
                "\(Units.bytes(own)) of \(resident) is mapped without malloc, \(Units.bytes(used + kept)) heap, \(leak)"
        }
        return "of \(resident), \(Units.bytes(used)) is in use on the heap, \(Units.bytes(kept)) free, \(leak)"
    }

    /// Memory that no malloc manages is the larger part.
    private func standsForItself(_ own: UInt64) -> Bool {
        own > findings.bytes(.heapInUse) && own >= findings.kernelBytes / 4
    }

    /// "nginx (910) and 2 others".
    var with: String? {
        guard let largest = findings.shared.first, let first = largest.sharers.processes.first else { return nil }
        let name = "\(TerminalText.escaped(first.commandBytes)) (\(first.pid))"
        let others = largest.sharers.count - 1
        return others < 1 ? name : "\(name) and \(Units.counted(others, "other"))"
    }
}
