import Glibc
import Kernel
import Model
import Synchronization

extension ProcFS {
    /// A memory map that stays locked holds up whoever reads it; the answer is worth this long.
    private static let sharersPatienceSeconds = 0.5
    private static let namedSharers = 8

    /// Who else has the target's writable shared objects (or the one at `address`) mapped: one pass over all processes' maps, only if it has any.
    func sharers(
        of facts: AddressSpaceFacts, at address: UInt64?, _ gaps: inout [Gap]
    ) -> [Mapping.FileID: AddressSpaceFacts.Sharers] {
        let wanted = Set(
            facts.mappings.lazy.map(\.mapping).filter {
                (address.map($0.range.contains) ?? true) && $0.permissions.contains([.shared, .write])
                    && !$0.name.hasPrefix("/dev/dri")
            }.compactMap(\.file))
        guard !wanted.isEmpty else { return [:] }
        let search = SharerSearch(procfs: self, wanted: wanted, target: facts.process.pid)
        let isDone = (try? WatchedThread { search.run() })?.waitForEnd(seconds: ProcFS.sharersPatienceSeconds) ?? false
        let found = search.state.withLock { $0 }
        if !isDone {
            gaps.append(
                Gap(what: ProcFS.missingSharers, reason: "reading the maps of all processes took too long"))
        }
        if found.unreadable > 0 {
            let processes = Units.counted(found.unreadable, "process", plural: "processes")
            gaps.append(
                refusal(ProcFS.missingSharers, of: "the maps of \(processes)", "sudo nusu maps \(facts.process.pid)"))
        }
        return found.sharers
    }

    private static let missingSharers = "all who share memory"

    /// Works on a thread of its own, which may get stuck; what it has found by then counts.
    private final class SharerSearch: Sendable {
        struct State: Sendable {
            var sharers: [Mapping.FileID: AddressSpaceFacts.Sharers] = [:]
            var unreadable = 0
        }

        let state = Mutex(State())
        private let procfs: ProcFS
        private let wanted: Set<Mapping.FileID>
        private let target: Int32

        init(procfs: ProcFS, wanted: Set<Mapping.FileID>, target: Int32) {
            self.procfs = procfs
            self.wanted = wanted
            self.target = target
        }

        func run() {
            for pid in (try? procfs.processIDs()) ?? [] where pid != target {
                let mappings: [Mapping]
                do {
                    mappings = try procfs.mappings(of: pid)
                } catch {
                    // Who has ended shares nothing.
                    if error.kind != .noTarget { state.withLock { $0.unreadable += 1 } }
                    continue
                }
                let shared = Set(mappings.lazy.filter { $0.permissions.contains(.shared) }.compactMap(\.file))
                    .intersection(wanted)
                guard !shared.isEmpty, let identity = try? procfs.identity(of: pid) else { continue }
                state.withLock { state in
                    for file in shared {
                        var sharers = state.sharers[file] ?? AddressSpaceFacts.Sharers()
                        sharers.count += 1
                        if sharers.processes.count < ProcFS.namedSharers { sharers.processes.append(identity) }
                        state.sharers[file] = sharers
                    }
                }
            }
        }
    }
}
