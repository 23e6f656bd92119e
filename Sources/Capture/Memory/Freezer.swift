import Kernel
import Model
import SystemPackage

/// Decides, mapping by mapping, where a snapshot's bytes come from, and copies what has to be copied during the stop.
struct Freezer {
    /// Shared memory up to this size is copied during the stop; more is read while the target runs.
    private static let sharedLimitBytes: UInt64 = 4 << 20

    private let method: SnapshotMethod
    private let process: ProcessIdentity
    private let procFS: ProcFS
    private let memory: OpenMemory
    private let servers: FileServers
    private(set) var copies: CopiedMemory?
    private(set) var regions: [SnapshotRegion] = []
    private(set) var gaps: [Gap] = []
    private var unfrozenSharedBytes: UInt64 = 0
    /// Shared memory whose contents are known whether or not the target has touched them: the mapping, and its parts that
    /// hold data.
    private var shared: [(mapping: AddressRange, data: [AddressRange])] = []
    private var untouchedSharedBytes: UInt64 = 0

    /// Makes room before the stop: the first touch of a page costs more than its copy.
    ///
    /// - Parameter before: the mappings before the stop.
    init(
        capture: SnapshotCapture, memory: OpenMemory, servers: FileServers, before: [Mapping]
    ) throws(SnapshotCapture.Obstacle) {
        self.servers = servers
        method = capture.method
        process = capture.process
        procFS = capture.procFS
        self.memory = memory
        guard method != .stream else { return }
        var bytes = min(Freezer.sharedBytes(before, memory: memory), Freezer.sharedLimitBytes)
        if method == .copy {
            bytes += Freezer.privateBytes(before, memory: memory)
            // What is written to between now and the stop.
            bytes += bytes / 8 + (1 << 20)
        }
        do throws(Errno) {
            copies = try CopiedMemory(expectedBytes: bytes)
        } catch {
            throw .failure(Freezer.noMemory(process, bytes: bytes))
        }
    }

    // MARK: - Fork

    /// During the stop: shared memory, which a fork does not freeze.
    mutating func copyShared(_ mappings: [Mapping]) {
        learnShared(mappings)
        var left = Freezer.sharedLimitBytes
        for mapping in mappings where mapping.isWritableShared && !mapping.isDevice {
            addShared(mapping, left: &left)
        }
    }

    /// After the stop: what the child has, and what it lacks.
    mutating func describeChild(_ child: Int32, mappings: [Mapping]) {
        let inChild = ((try? procFS.mappings(of: child)) ?? []).map(\.range).merged()
        let wiped = ((try? procFS.smaps(of: child)) ?? []).filter { $0.flags.contains(.wipedOnFork) }
            .map(\.mapping.range).merged()
        var missing: UInt64 = 0
        var zeroed: UInt64 = 0
        for mapping in mappings where !mapping.isDevice && !mapping.isWritableShared {
            let lacking = [mapping.range].subtracting(inChild)
            let cleared = wiped.map { $0.intersection(mapping.range) }.filter { !$0.isEmpty }
            let live = (lacking + cleared).merged()
            if mapping.permissions.contains(.write) {
                missing += lacking.reduce(0) { $0 + $1.count }
                zeroed += cleared.reduce(0) { $0 + $1.count }
            }
            let isReadOnlyShared = mapping.permissions.contains(.shared)
            regions += live.map { SnapshotRegion($0, .live, of: mapping) }
            regions += [mapping.range].subtracting(live).map {
                SnapshotRegion($0, isReadOnlyShared ? .live : .frozen, of: mapping)
            }
        }
        addGap(missing, of: "memory that is kept out of forks", reason: "MADV_DONTFORK; read while the target ran")
        addGap(zeroed, of: "memory that forks find empty", reason: "MADV_WIPEONFORK; read while the target ran")
        finish(mappings)
    }

    // MARK: - Copy

    /// During the stop: everything that can change.
    mutating func copyAll(_ mappings: [Mapping], threads: [StoppedThread]) throws(SnapshotCapture.Obstacle) {
        learnShared(mappings)
        var left = Freezer.sharedLimitBytes
        for (index, mapping) in mappings.enumerated() where !mapping.isDevice {
            if mapping.isWritableShared {
                addShared(mapping, left: &left)
            } else if Freezer.isCopied(mapping) {
                let live = Freezer.livePart(of: mapping, below: index > 0 ? mappings[index - 1] : nil, threads)
                let selection: PageMap.Selection = mapping.isFileBacked ? .written : .populated
                let pages = memory.pages.pages(selection, in: live)
                guard copy(pages, of: mapping, rest: mapping.isFileBacked ? .live : .zeros) else {
                    throw .failure(Freezer.noMemory(process, bytes: live.count))
                }
            } else {
                regions.append(SnapshotRegion(mapping.range, .live, of: mapping))
            }
        }
        finish(mappings)
    }

    /// Private memory that is, or was before it was made read-only (RELRO), written to.
    private static func isCopied(_ mapping: Mapping) -> Bool {
        !mapping.permissions.contains(.shared) && mapping.permissions.contains(.read)
            && !mapping.isKernelProvided
            && (mapping.permissions.contains(.write) || !mapping.permissions.contains(.execute))
    }

    /// Of a stack the part that is in use; of any other mapping all of it.
    ///
    /// A stack is known by a single thread's stack pointer and, but for the main thread's, by that thread's control block
    /// in the same mapping and a guard below: a coroutine's stack in the middle of a heap is none.
    private static func livePart(
        of mapping: Mapping, below: Mapping?, _ threads: [StoppedThread]
    ) -> AddressRange {
        let inside = threads.filter { mapping.range.contains($0.registers.stackPointer) }
        guard inside.count == 1, let registers = inside.first?.registers else { return mapping.range }
        let isThreadStack =
            below?.range.upper == mapping.range.lower
            && below?.permissions.isDisjoint(with: [.read, .write, .execute]) == true
            && mapping.range.contains(registers.threadPointer)
            && registers.threadPointer > registers.stackPointer
        guard mapping.isMainStack || isThreadStack else { return mapping.range }
        let lower = registers.stackPointer - min(registers.stackPointer, SignalFrame.redZone)
        return AddressRange(max(lower & ~7, mapping.range.lower), mapping.range.upper)
    }

    // MARK: - Stream

    /// All of it is frozen as long as the target stands still; shared memory not even then, since others may write to it.
    mutating func describeStanding(_ mappings: [Mapping]) {
        learnShared(mappings)
        regions = mappings.filter { !$0.isDevice }.map { SnapshotRegion($0.range, .frozen, of: $0) }
        finish(mappings)
    }

    // MARK: - Parts

    /// A forked process has no page tables for shared memory until it touches it, and what another process wrote there may
    /// hold its pointers all the same: the file behind the mapping tells what there is.
    private mutating func learnShared(_ mappings: [Mapping]) {
        for mapping in mappings where mapping.isSharedMemory && servers.mayRead(mapping) {
            if let data = BackingFile.data(of: mapping, process: process.pid, root: procFS.root) {
                shared.append((mapping.range, data))
            } else {
                let touched = memory.pages.pages(.populated, in: mapping.range).reduce(0) { $0 + $1.count }
                untouchedSharedBytes += mapping.range.count - min(touched, mapping.range.count)
            }
        }
    }

    private func data(of mapping: Mapping) -> [AddressRange]? { shared.first { $0.mapping == mapping.range }?.data }

    private mutating func addShared(_ mapping: Mapping, left: inout UInt64) {
        let pages = data(of: mapping) ?? memory.pages.pages(.populated, in: mapping.range)
        let bytes = pages.reduce(0) { $0 + $1.count }
        if bytes <= left, copy(pages, of: mapping, rest: .live) {
            left -= bytes
        } else {
            unfrozenSharedBytes += bytes
            regions.append(SnapshotRegion(mapping.range, .live, of: mapping))
        }
    }

    /// Copies `pages` of a mapping and describes the rest of it. False where there is no memory for it.
    private mutating func copy(
        _ pages: [AddressRange], of mapping: Mapping, rest: SnapshotRegion.Source
    ) -> Bool {
        var copied: [AddressRange] = []
        var added: [SnapshotRegion] = []
        for range in pages {
            do throws(Errno) {
                guard let copy = try copies?.copy(range, from: memory) else { continue }
                copied.append(copy.range)
                added.append(SnapshotRegion(copy.range, .copied(copy.at), of: mapping))
            } catch { return false }
        }
        regions += added
        regions += [mapping.range].subtracting(copied).map { SnapshotRegion($0, rest, of: mapping) }
        return true
    }

    private mutating func finish(_ mappings: [Mapping]) {
        for (mapping, data) in shared { describe(mapping, data: data) }
        addGap(
            untouchedSharedBytes, of: "shared memory that the target has not touched",
            reason: "only a privileged user can see what others wrote there")
        addGap(unfrozenSharedBytes, of: "shared memory", reason: "read while the target ran")
        regions.sort { $0.range.lower < $1.range.lower }
        guard let gap = servers.gap(of: mappings) else { return }
        gaps.append(gap)
        let untouchable = mappings.filter { !servers.mayRead($0) }.map(\.range)
        for (number, region) in regions.enumerated() where untouchable.contains(where: { $0.contains(region.range) }) {
            regions[number].isServed = true
        }
    }

    /// Splits what is not copied of a shared mapping into the parts that hold data and those that do not.
    private mutating func describe(_ mapping: AddressRange, data: [AddressRange]) {
        regions = regions.flatMap { region -> [SnapshotRegion] in
            guard mapping.contains(region.range), region.source == .live || region.source == .frozen else {
                return [region]
            }
            let inside = data.map { $0.intersection(region.range) }.filter { !$0.isEmpty }
            return inside.map { region.part($0, region.source, isPopulated: true) }
                + [region.range].subtracting(inside.merged()).map { region.part($0, .zeros, isPopulated: false) }
        }
    }

    private mutating func addGap(_ bytes: UInt64, of what: String, reason: String) {
        if bytes > 0 { gaps.append(Gap(what: "\(Units.bytes(bytes)) of \(what)", reason: reason)) }
    }

    private static func sharedBytes(_ mappings: [Mapping], memory: OpenMemory) -> UInt64 {
        mappings.filter { $0.isWritableShared && !$0.isDevice }.reduce(0) { sum, mapping in
            sum + memory.pages.pages(.populated, in: mapping.range).reduce(0) { $0 + $1.count }
        }
    }

    private static func privateBytes(_ mappings: [Mapping], memory: OpenMemory) -> UInt64 {
        mappings.filter { isCopied($0) && !$0.isDevice }.reduce(0) { sum, mapping in
            let selection: PageMap.Selection = mapping.isFileBacked ? .written : .populated
            return sum + memory.pages.pages(selection, in: mapping.range).reduce(0) { $0 + $1.count }
        }
    }

    private static func noMemory(_ process: ProcessIdentity, bytes: UInt64) -> Failure {
        Failure(
            .unsupported, what: "nusu has no memory for a copy of \(process) (\(Units.bytes(bytes)))",
            subject: process.description, remedy: "use --snapshot fork or --snapshot stream")
    }
}
