import Model

/// Shares a resident set out among its parts, region by region, so that they add up to the kernel's figure.
struct ResidentSet {
    let space: AddressSpace
    /// nil where the heap could not be read.
    let heap: HeapAccount?
    /// Ascending, merged.
    let pages: [AddressRange]

    private var bytes: [ResidentPart.Kind: Int64] = [:]
    private(set) var shared: [SharedUse] = []

    /// A bound on the pieces of shared memory that are told apart.
    private static let sharedLimit = 256

    init(space: AddressSpace, heap: HeapAccount?, pages: [AddressRange]) {
        self.space = space
        self.heap = heap
        self.pages = pages
        share()
    }

    /// Largest first, `changed` last.
    var parts: [ResidentPart] {
        bytes.filter { $0.value != 0 }.map { ResidentPart(kind: $0.key, bytes: $0.value) }
            .sorted { left, right in
                if (left.kind == .changed) != (right.kind == .changed) { return right.kind == .changed }
                return (left.bytes, right.kind.rawValue) > (right.bytes, left.kind.rawValue)
            }
    }

    private mutating func share() {
        add(space.changedBytes, .changed)
        // What the snapshot knows to be heap, whatever it looked like from outside.
        let covered = heap?.covered ?? []
        let torn = (heap?.torn ?? []).subtracting(covered)
        let known = (covered.map { ($0, .heapInUse) } + torn.map { ($0, .heapUnread) } as [Known])
            .sorted { $0.range.lower < $1.range.lower }
        var whole = ResidentCursor(pages)
        var partial = ResidentCursor(pages)
        var next = 0
        for region in space.regions {
            guard let use = region.use, use.resident > 0 else { continue }
            while next < known.count, known[next].range.upper <= region.range.lower { next += 1 }
            guard next < known.count, known[next].range.lower < region.range.upper else {
                add(use, of: region)
                continue
            }
            var rest = use
            rest.resident = whole.bytes(region.range.lower, region.range.upper)
            // The kernel's figure of a mapping in one piece is older than its pages.
            add(Int64(clamping: use.resident) - Int64(clamping: rest.resident), .changed)
            var number = next
            while number < known.count, known[number].range.lower < region.range.upper {
                let part = known[number].range.intersection(region.range)
                let found = partial.bytes(part.lower, part.upper)
                add(Int64(clamping: found), known[number].kind)
                rest.resident -= min(rest.resident, found)
                number += 1
            }
            add(rest, of: region)
        }
        if let total = heap?.total { divideHeap(total) }
    }

    private typealias Known = (range: AddressRange, kind: ResidentPart.Kind)

    private mutating func add(_ count: Int64, _ kind: ResidentPart.Kind) { bytes[kind, default: 0] += count }

    private mutating func add(_ use: Region.Use, of region: Region) {
        let count = Int64(clamping: use.resident)
        let isProgram = region.module.map { space.facts.modules[$0].isProgram } ?? false
        switch region.kind {
        case .text, .rodata: add(count, isProgram ? .programCode : .libraryCode)
        case .relro, .data, .bss: add(count, isProgram ? .programData : .libraryData)
        // With a heap that could be read, what is left in its areas is the program's own: it moved the break itself.
        case .mainHeap, .threadArena, .mappedBlock: add(count, heap == nil ? .heapUnread : .anonymous)
        case .mainStack, .threadStack, .guardPages, .threadLocal: add(count, .stacks)
        case .kernel, .device: add(count, .kernel)
        case .anonymous, .reserved: add(count, .anonymous)
        case .generatedCode: add(count, .generatedCode)
        case .mappedFile:
            let dirty = Int64(clamping: min(use.dirty, use.resident))
            add(dirty, .filesDirty)
            add(count - dirty, .filesClean)
        case .sharedMemory:
            add(count, .shared)
            note(use.resident, space.facts.mappings[region.mapping].mapping)
        }
    }

    private mutating func note(_ count: UInt64, _ mapping: Mapping) {
        guard let file = mapping.file else { return }
        if let known = shared.firstIndex(where: { $0.file == file }) {
            shared[known].residentBytes += count
        } else if shared.count < ResidentSet.sharedLimit {
            shared.append(
                SharedUse(
                    nameBytes: mapping.nameBytes, file: file, residentBytes: count,
                    sharers: space.facts.sharers[file] ?? AddressSpaceFacts.Sharers()))
        }
    }

    /// Divides what lies in the heap as its account says; so the parts add up to the pages whatever that says.
    private mutating func divideHeap(_ total: HeapBytes) {
        let whole = bytes[.heapInUse] ?? 0
        bytes[.heapInUse] = Int64(clamping: total.live)
        add(Int64(clamping: total.lost), .heapLost)
        add(Int64(clamping: total.free), .heapFree)
        bytes[.heapBookkeeping] = whole - Int64(clamping: total.live + total.lost + total.free)
    }
}
