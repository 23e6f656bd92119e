import Model

/// Shares a resident set out among its parts, mapping by mapping, so that they add up to the kernel's figure.
struct ResidentSet {
    let reading: ResidentReading
    /// nil where the heap could not be read.
    let heap: HeapAccount?
    /// Ascending, merged.
    let stacks: [AddressRange]

    private var bytes: [ResidentPart.Kind: Int64] = [:]
    private(set) var stackBytes: UInt64 = 0
    private(set) var shared: [SharedUse] = []

    init(reading: ResidentReading, heap: HeapAccount?, stacks: [AddressRange]) {
        self.reading = reading
        self.heap = heap
        self.stacks = stacks
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
        let labels = MappingLabels(reading.uses.map(\.mapping))
        // What is named by its range and not by its mapping. A stack that was taken from the heap is heap.
        var named: [(range: AddressRange, kind: ResidentPart.Kind)] = []
        let covered = heap?.covered ?? []
        let torn = (heap?.torn ?? []).subtracting(covered)
        named += covered.map { ($0, .heapInUse) }
        named += torn.map { ($0, .heapUnread) }
        named += stacks.subtracting((covered + torn).merged()).map { ($0, .stacks) }
        named.sort { $0.range.lower < $1.range.lower }

        var whole = ResidentCursor(reading.pages)
        var partial = ResidentCursor(reading.pages)
        var next = 0
        for (index, use) in reading.uses.enumerated() {
            let range = use.mapping.range
            guard use.residentBytes > 0 else { continue }
            guard use.hasPages else {
                add(use.residentBytes, .kernel)
                continue
            }
            var rest = whole.bytes(range.lower, range.upper)
            bytes[.changed, default: 0] += Int64(clamping: use.residentBytes) - Int64(clamping: rest)
            while next < named.count, named[next].range.upper <= range.lower { next += 1 }
            var number = next
            while number < named.count, named[number].range.lower < range.upper {
                let part = named[number].range.intersection(range)
                let found = partial.bytes(part.lower, part.upper)
                add(found, named[number].kind)
                rest -= min(rest, found)
                number += 1
            }
            add(rest, of: use, labels.label(index, hasHeap: heap != nil))
        }
        if let total = heap?.total { divideHeap(total) }
    }

    private mutating func add(_ count: UInt64, _ kind: ResidentPart.Kind) {
        bytes[kind, default: 0] += Int64(clamping: count)
        if kind == .stacks { stackBytes += count }
    }

    private mutating func add(_ count: UInt64, of use: MappingUse, _ label: MappingLabels.Label) {
        switch label {
        case .part(let kind): add(count, kind)
        case .module(let isProgram):
            // What was written to is data, be it read-only since (RELRO).
            let isData = use.mapping.permissions.contains(.write) || use.dirtyBytes > 0
            let isCode = use.mapping.permissions.contains(.execute) && !use.mapping.permissions.contains(.write)
            switch (isData && !isCode, isProgram) {
            case (true, true): add(count, .programData)
            case (true, false): add(count, .libraryData)
            case (false, true): add(count, .programCode)
            case (false, false): add(count, .libraryCode)
            }
        case .file:
            let dirty = min(use.dirtyBytes, count)
            add(dirty, .filesDirty)
            add(count - dirty, .filesClean)
        case .shared:
            add(count, .shared)
            guard let file = use.mapping.file else { return }
            if let known = shared.firstIndex(where: { $0.file == file }) {
                shared[known].residentBytes += count
            } else if shared.count < ResidentSet.sharedLimit {
                shared.append(SharedUse(nameBytes: use.mapping.nameBytes, file: file, residentBytes: count))
            }
        }
    }

    /// A bound on the pieces of shared memory that are told apart.
    private static let sharedLimit = 256

    /// Divides what lies in the heap as its account says; so the parts add up to the pages whatever that says.
    private mutating func divideHeap(_ total: HeapBytes) {
        let whole = bytes[.heapInUse] ?? 0
        bytes[.heapInUse] = Int64(clamping: total.live)
        add(total.lost, .heapLost)
        add(total.free, .heapFree)
        bytes[.heapBookkeeping] = whole - Int64(clamping: total.live + total.lost + total.free)
    }
}

/// What a mapping is by its name, its rights and its neighbours.
struct MappingLabels {
    enum Label {
        case part(ResidentPart.Kind)
        /// A file that has instructions mapped: the program's own, or a library.
        case module(isProgram: Bool)
        case file
        case shared
    }

    private let mappings: [Mapping]
    private let modules: Set<Mapping.FileID>
    private let program: Mapping.FileID?

    /// The kernel merges what a program maps right behind a library with its bss: a larger one is more likely that.
    private static let largestBss: UInt64 = 1 << 20

    init(_ mappings: [Mapping]) {
        self.mappings = mappings
        let code = mappings.filter { $0.permissions.contains(.execute) && !$0.permissions.contains(.shared) }
        modules = Set(code.compactMap(\.file))
        program = code.first { $0.isFileBacked }?.file
    }

    func label(_ index: Int, hasHeap: Bool) -> Label {
        let mapping = mappings[index]
        if mapping.isSharedMemory { return .shared }
        if let file = mapping.file {
            if modules.contains(file), !mapping.permissions.contains(.shared) {
                return .module(isProgram: file == program)
            }
            return .file
        }
        if mapping.permissions.contains(.shared) { return .shared }
        if mapping.isMainStack { return .part(.stacks) }
        if mapping.isHeap { return .part(hasHeap ? .anonymous : .heapUnread) }
        if let owner = bssOwner(index) { return .part(owner == program ? .programData : .libraryData) }
        return .part(.anonymous)
    }

    /// The module whose zeroed variables these are: the one whose data ends where this begins.
    private func bssOwner(_ index: Int) -> Mapping.FileID? {
        let mapping = mappings[index]
        guard index > 0, mapping.isAnonymous, mapping.permissions.contains(.write) else { return nil }
        let before = mappings[index - 1]
        guard before.range.upper == mapping.range.lower, before.permissions.contains(.write), let file = before.file,
            modules.contains(file), file == program || mapping.range.count <= MappingLabels.largestBss
        else { return nil }
        return file
    }
}
