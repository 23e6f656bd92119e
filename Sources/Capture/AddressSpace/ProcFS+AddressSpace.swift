import Glibc
import Kernel
package import Model
import SystemPackage

extension ProcFS {
    /// Runs of pages that are kept at most: 24 bytes each.
    private static let pageRunLimit = 4_000_000
    /// Above it are the kernel's addresses, of which pagemap tells nothing.
    private static let userSpaceEnd: UInt64 = 1 << 63
    /// Without PAGEMAP_SCAN 8 bytes are read for each page of a mapping, so reservations of terabytes are left out.
    private static let entriesLimitBytes: UInt64 = 256 << 30

    /// `/proc/PID/smaps`: every mapping with what the kernel counts in it, and its flags, of one reading. The kernel walks all
    /// page tables for it: about as dear as a fork, so only for those who need it.
    package func smaps(of pid: Int32) throws(Failure) -> [MappingUse] {
        MappingUse.parse(smaps: try read("smaps", of: pid, limit: 4 * Limit.maps))
    }

    /// All that can be told of an address space without stopping the process. What may not be seen is a gap.
    /// - Parameter address: who shares memory is looked for only there; nil for everywhere.
    /// - Throws: `.notPermitted` when not even the mappings may be seen.
    package func addressSpace(
        of identity: ProcessIdentity, sharedAt address: UInt64? = nil
    ) throws(Failure) -> AddressSpaceFacts {
        let pid = identity.pid
        var gaps: [Gap] = []
        let mappings = try mappingUses(of: pid, &gaps)
        // The number may have been given to another process since it was resolved.
        guard try stat(of: pid).startTicks == identity.startTicks else {
            throw Failure(
                .noTarget, what: "\(identity) ended, and another process has its number now",
                subject: identity.description, remedy: "look for it with: ps -e")
        }
        var facts = AddressSpaceFacts(process: identity, mappings: mappings)
        facts.pages = pages(of: pid, mappings, &gaps)
        facts.threads = threadPlaces(of: pid)
        facts.reader = reader(of: pid, facts.pages, &gaps)
        facts.entryPoint = entryPoint(of: pid)
        let servers = FileServers(of: pid, procFS: self)
        var modules = LoadedModules(reader: facts.reader) { [root] in
            ImageFile($0, of: pid, root: root, servers: servers)
        }
        modules.find(in: mappings, entry: facts.entryPoint)
        facts.modules = modules.modules
        if modules.unread > 0 {
            gaps.append(
                Gap(
                    what: "the sections of \(Units.counted(modules.unread, "module"))",
                    reason: "their files cannot be opened or are no ELF files for x86-64; told apart by permissions",
                    remedy: "run nusu as root: sudo nusu maps \(pid)"))
        }
        if let gap = servers.gap(of: mappings.map(\.mapping)) { gaps.append(gap) }
        facts.sharers = sharers(of: facts, at: address, &gaps)
        facts.gaps = gaps
        return facts
    }

    private func mappingUses(of pid: Int32, _ gaps: inout [Gap]) throws(Failure) -> [MappingUse] {
        do {
            return try smaps(of: pid)
        } catch {
            guard case .noTarget = error.kind, (try? stat(of: pid)) != nil else { throw error }
            gaps.append(
                Gap(
                    what: "what is in memory of each mapping",
                    reason: "this kernel has no smaps (CONFIG_PROC_PAGE_MONITOR)"))
            return try mappings(of: pid).map { MappingUse(mapping: $0) }
        }
    }

    private func pages(of pid: Int32, _ mappings: [MappingUse], _ gaps: inout [Gap]) -> [PageRun]? {
        let used = mappings.filter {
            $0.mapping.range.upper <= ProcFS.userSpaceEnd && !$0.flags.contains(.device)
                && ($0.use.map { $0.resident > 0 || $0.swapped > 0 } ?? true)
                && $0.mapping.range.count <= ProcFS.entriesLimitBytes
        }
        do {
            let map = try PageMap(pid, root: root)
            let ranges = used.map(\.mapping.range).merged()
            if let runs = map.runs(in: ranges, limit: ProcFS.pageRunLimit) { return runs }
            gaps.append(
                Gap(what: "which pages are in memory", reason: "\(root)/\(pid)/pagemap cannot be read to its end"))
        } catch {
            let reason =
                error == .noSuchFileOrDirectory
                ? "this kernel has no pagemap (CONFIG_PROC_PAGE_MONITOR)" : "pagemap may not be read: \(error)"
            gaps.append(
                Gap(
                    what: "which pages are in memory: mappings are not split where that would be needed to count",
                    reason: reason, remedy: "run nusu as root: sudo nusu maps \(pid)"))
        }
        return nil
    }

    private func reader(of pid: Int32, _ pages: [PageRun]?, _ gaps: inout [Gap]) -> (any MemoryReader)? {
        guard let pages else { return nil }
        do throws(Errno) {
            return ResidentMemory(file: try MemoryFile(pid, root: root), pages: pages)
        } catch {
            let scope = ptraceScope().map { $0 > 0 ? ": ptrace_scope=\($0) asks for CAP_SYS_PTRACE" : "" } ?? ""
            gaps.append(
                Gap(
                    what: "which anonymous memory is malloc's, and which a thread's stack",
                    reason: "its memory may not be read\(scope)", remedy: "run nusu as root: sudo nusu maps \(pid)"))
            return nil
        }
    }

    private func threadPlaces(of pid: Int32) -> [AddressSpaceFacts.Thread] {
        let isOuter = ((try? status(of: pid))?.namespacePids.count ?? 1) <= 1
        return ((try? threadIDs(of: pid)) ?? []).map { tid in
            AddressSpaceFacts.Thread(
                tid: tid, ownNumber: isOuter ? tid : (try? status(of: pid, thread: tid))?.namespacePids.last,
                nameBytes: threadName(of: pid, thread: tid), stackPointer: stackPointer(of: pid, thread: tid))
        }
    }

    /// The word before the last of `syscall`: "7 0x… … SP PC", or "-1 SP PC" outside of any call.
    private func stackPointer(of pid: Int32, thread: Int32) -> UInt64? {
        guard let bytes = try? read("syscall", of: pid, thread: thread, limit: 512) else { return nil }
        let words = bytes.split { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\n") }
        guard words.count >= 3 else { return nil }
        return UInt64(String(decoding: words[words.count - 2].dropFirst(2), as: UTF8.self), radix: 16)
    }

    private func entryPoint(of pid: Int32) -> UInt64? {
        (try? read("auxv", of: pid, limit: 4096)).flatMap { AuxiliaryVector($0)[AuxiliaryVector.entry] }
    }

    /// Whether smaps and pagemap may be opened; touches nothing.
    package func mayReadMappings(of pid: Int32) -> Bool {
        (try? PageMap(pid, root: root)) != nil && (try? ProcFile.read(path(of: pid) + "/smaps", limit: 0)) != nil
    }

    /// Whether the memory file may be opened; touches nothing.
    package func mayReadMemory(of pid: Int32) -> Bool { (try? MemoryFile(pid, root: root)) != nil }

    /// The page at an address, as far as the kernel tells.
    package func page(at address: UInt64, of pid: Int32) -> PageFacts? {
        guard let map = try? PageMap(pid, root: root), let entry = map.entry(at: address) else { return nil }
        let start = address & ~(PageMap.pageSize - 1)
        let run = map.runs(in: [AddressRange(start, start &+ PageMap.pageSize)], limit: 16)?.first
        var facts = PageFacts(state: run?.state ?? PageRun.State(entry))
        // Bits 0 to 54; 0 for those who may not know.
        let frame = entry & (1 << 55 - 1)
        guard facts.state.contains(.present), frame != 0 else { return facts }
        facts.frame = frame
        facts.timesMapped = (try? ProcFile.read(root + "/kpagecount", at: frame * 8, count: 8)).map { bytes in
            bytes.withUnsafeBytes { $0.loadUnaligned(as: UInt64.self) }
        }
        return facts
    }
}

/// What the kernel hands a program at its start: pairs of words (man 3 getauxval).
struct AuxiliaryVector {
    static let entry: UInt64 = 9
    static let vdso: UInt64 = 33
    static let randomBytes: UInt64 = 25

    private var values: [UInt64: UInt64] = [:]

    init(_ bytes: [UInt8]) {
        let fields = ElfFields(bytes)
        var at = 0
        while let key = fields.u64(at), let value = fields.u64(at + 8), key != 0, at < 64 * 1024 {
            values[key] = value
            at += 16
        }
    }

    subscript(key: UInt64) -> UInt64? { values[key] }
}
