import Analysis
import Capture
import Model
import Report

/// What lies at an address: what the kernel and files say of it and, where it is malloc's, what a snapshot says.
struct AddressLook {
    let address: UInt64

    /// Stops nobody unless the address lies in malloc's memory; what stands against a snapshot is a gap.
    func report(_ facts: AddressSpaceFacts, by looker: HeapLooker, _ progress: Progress) -> AddressReport {
        let mappings = facts.mappings.map(\.mapping)
        // The page before the snapshot: its child would be counted as one more who has it.
        var report = AddressReport(
            space: AddressSpace(facts), address: address,
            symbol: looker.symbols([address], mappings: mappings)[address],
            page: looker.procfs.page(at: address, of: looker.target.pid))
        guard let region = report.region, Region.Kind.ofMalloc.contains(region.kind) else { return report }
        do throws(Failure) {
            let look = try looker.look(progress, keep: .shortly) { image, acceptTorn, end in
                place(image, acceptTorn: acceptTorn, whenRead: end)
            }
            report.heap = .init(place: look.result.place, snapshot: look.facts)
            report.gaps += look.result.gaps
        } catch {
            report.gaps.append(
                Gap(what: "which of malloc's blocks it lies in", reason: error.what, remedy: error.remedy))
        }
        return report
    }

    private func place(
        _ image: MemoryImage, acceptTorn: Bool, whenRead: () -> Void
    ) -> HeapLooker.Outcome<(place: HeapPlace?, gaps: [Gap])> {
        switch ProcessGraph.build(image: image, acceptTorn: acceptTorn, keepsLayout: true, whenRead: whenRead) {
        case .done(let graph): .done((graph.place(at: address), graph.gaps))
        case .torn: .torn
        case .refused(let failure): .refused(failure)
        }
    }

    /// A core has the blocks, but neither what only the kernel held nor what files hold.
    func report(_ core: CoreFile) -> AddressReport {
        var report = AddressReport(space: AddressSpace(core.facts), address: address, symbol: nil, page: nil)
        guard let region = report.region, Region.Kind.ofMalloc.contains(region.kind) else { return report }
        switch place(core.image.namingBreak(), acceptTorn: true, whenRead: {}) {
        case .done(let found):
            report.heap = .init(place: found.place, snapshot: nil)
            report.gaps = found.place.map { gaps(of: $0, core.image) } ?? []
            report.gaps += found.gaps
        case .torn: report.gaps.append(Gap(what: "which of malloc's blocks it lies in", reason: "its heap is damaged"))
        case .refused(let failure):
            report.gaps.append(
                Gap(what: "which of malloc's blocks it lies in", reason: failure.what, remedy: failure.remedy))
        }
        return report
    }

    private func gaps(of place: HeapPlace, _ image: MemoryImage) -> [Gap] {
        var gaps: [Gap] = []
        if place.fate == .lost {
            gaps.append(
                Gap(
                    what: "what else may lead to it",
                    reason:
                        "a core has neither pointers that only the kernel keeps (epoll) nor memory that was left out"))
        }
        // What begins like an object, and is none as far as the core goes.
        if place.type == nil, place.fate != .free, let first = image.reader.word(at: place.start),
            let file = image.mapping(at: first), file.isFileBacked
        {
            gaps.append(
                Gap(
                    what: "its type, if that is what its first word leads to",
                    reason: "the core may have left out the names, which stand in \(file.name)",
                    remedy: "cores written with coredump_filter 0x37 have them"))
        }
        return gaps
    }

    /// A saved snapshot knows its blocks, wherever they lie.
    func report(_ facts: AddressSpaceFacts, in saved: SavedGraph) -> AddressReport {
        let place = saved.graph.place(at: address)
        var report = AddressReport(
            space: AddressSpace(facts), address: address, symbol: saved.facts.symbols[address], page: nil)
        if place != nil { report.heap = .init(place: place, snapshot: saved.facts.snapshot) }
        return report
    }

    /// What `--dry-run` says of the snapshot that would be taken if the address is malloc's.
    func plan(by looker: HeapLooker) -> MapsPlanReport.Snapshot {
        do throws(Failure) {
            return .planned(try looker.plan(verb: "maps", question: Address(address).description))
        } catch {
            return .refused(error)
        }
    }
}
