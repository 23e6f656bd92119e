import Glibc
package import Model

/// A core file (ELF, ET_CORE) as an address space: what the kernel or a debugger wrote of a process that ended, or of one
/// that ran on. It may claim anything; every offset and count is checked against the file or a bound.
package struct CoreFile: Sendable {
    private static let segmentLimit = 1 << 20
    private static let notesLimit = 64 << 20
    private static let threadLimit = 1 << 16

    package private(set) var facts: AddressSpaceFacts
    /// The same for those who look at blocks: with the threads' registers.
    package let image: MemoryImage

    /// Whether a file's first bytes are those of a core.
    package static func isCore(_ path: String) -> Bool {
        guard let file = CoreBytes(path), let bytes = file.bytes(at: 0, count: 64) else { return false }
        return isCore(ElfFields(bytes))
    }

    private static func isCore(_ header: ElfFields) -> Bool {
        // ET_CORE is 4.
        header.u32(0) == 0x464c_457f && header.u16(16) == 4
    }

    /// - Throws: `.noTarget` or `.notPermitted` where the file cannot be opened, `.unsupported` for what is no core of x86-64.
    package init(path: String) throws(Failure) {
        guard let file = CoreBytes(path) else {
            throw Failure(
                errno == ENOENT ? .noTarget : .notPermitted,
                what: "cannot open \(path): \(String(cString: strerror(errno)))", subject: path,
                remedy: "look at the path: ls -l \(path)")
        }
        guard let bytes = file.bytes(at: 0, count: 64), CoreFile.isCore(ElfFields(bytes)) else {
            throw CoreFile.refusal("\(path) is no core file", path)
        }
        let header = ElfFields(bytes)
        guard header.u8(4) == 2, header.u8(5) == 1, header.u16(18) == 62 else {
            throw CoreFile.refusal("\(path) is a core of another architecture than x86-64", path)
        }
        var count = Int(header.u16(56) ?? 0)
        // PN_XNUM: the number stands in the first section header's sh_info.
        if count == 0xffff, let at = header.u64(40), let section = file.bytes(at: at, count: 64) {
            count = Int(ElfFields(section).u32(44) ?? 0)
        }
        guard let offset = header.u64(32), header.u16(54) == 56, count > 0, count <= CoreFile.segmentLimit,
            let table = file.bytes(at: offset, count: count * 56)
        else { throw CoreFile.refusal("\(path) is a damaged core: its program headers cannot be read", path) }
        self.init(file, path, ElfFields(table), count)
        guard !facts.mappings.isEmpty else { throw CoreFile.refusal("\(path) is a core without memory", path) }
    }

    private static func refusal(_ what: String, _ path: String) -> Failure {
        Failure(
            .unsupported, what: what, subject: path,
            remedy: "name a process, a core (gcore PID makes one), or a file that nusu saved")
    }

    private init(_ file: CoreBytes, _ path: String, _ table: ElfFields, _ count: Int) {
        var notes = CoreNotes()
        var segments: [CoreSegment] = []
        for number in 0..<count {
            let at = number * 56
            guard let type = table.u32(at), let flags = table.u32(at + 4), let offset = table.u64(at + 8),
                let address = table.u64(at + 16), let fileSize = table.u64(at + 32), let size = table.u64(at + 40),
                !address.addingReportingOverflow(size).overflow, !offset.addingReportingOverflow(fileSize).overflow
            else { continue }
            if type == 4, fileSize <= UInt64(CoreFile.notesLimit),
                let bytes = file.bytes(at: offset, count: Int(fileSize))
            {
                notes.take(bytes, threadLimit: CoreFile.threadLimit)
            } else if type == 1, size > 0 {
                segments.append(
                    CoreSegment(
                        range: AddressRange(address, address + size), offset: offset, fileSize: min(fileSize, size),
                        flags: flags))
            }
        }
        segments.sort { ($0.range.lower, $0.range.upper) < ($1.range.lower, $1.range.upper) }
        var mappings: [MappingUse] = []
        var kept: [CoreSegment] = []
        let files = CoreMappedFiles(notes.files)
        for segment in segments where segment.range.lower >= mappings.last?.mapping.range.upper ?? 0 {
            kept.append(segment)
            mappings.append(MappingUse(mapping: files.mapping(of: segment, notes.auxiliary)))
        }
        let unheld = files.unheld(by: kept, entry: notes.auxiliary[AuxiliaryVector.entry])
        for mapping in unheld { mappings.append(MappingUse(mapping: mapping)) }
        mappings.sort {
            ($0.mapping.range.lower, $0.mapping.range.upper) < ($1.mapping.range.lower, $1.mapping.range.upper)
        }
        var end: UInt64 = 0
        mappings.removeAll { item in
            defer { end = max(end, item.mapping.range.upper) }
            return item.mapping.range.lower < end
        }
        let process = ProcessIdentity(pid: notes.pid ?? 0, startTicks: 0, commandBytes: notes.command)
        facts = AddressSpaceFacts(process: process, mappings: mappings)
        facts.source = .core(path: path)
        let memory = CoreMemory(file: file, segments: kept)
        facts.reader = memory
        facts.threads = notes.threads.map {
            AddressSpaceFacts.Thread(tid: $0.tid, nameBytes: [], stackPointer: $0.stackPointer)
        }
        facts.entryPoint = notes.auxiliary[AuxiliaryVector.entry]
        var modules = LoadedModules(reader: facts.reader, isCore: true) { _ in nil }
        modules.find(in: mappings, entry: facts.entryPoint)
        facts.modules = modules.modules
        facts.gaps = [
            Gap(
                what: "what was in memory, shared or swapped",
                reason: "a core file holds contents, not what the kernel counted")
        ]
        if !unheld.isEmpty {
            facts.gaps.append(
                Gap(
                    what: "contents and permissions of \(Units.counted(unheld.count, "mapping")) of files",
                    reason: "the core left them out, since they hold what the files hold"))
        }
        if notes.isDamaged { facts.gaps.append(Gap(what: "some notes of the core", reason: "they are damaged")) }
        let missing = kept.reduce(UInt64(0)) { sum, segment in
            sum &+ (segment.flags & 2 != 0 ? segment.range.count - segment.fileSize : 0)
        }
        if missing > 0 {
            facts.gaps.append(
                Gap(
                    what: "\(Units.bytes(missing)) of writable memory",
                    reason: "the core does not hold them (coredump_filter, MADV_DONTDUMP, or cut short)"))
        }
        image = MemoryImage(
            process: process, mappings: mappings.map(\.mapping), threads: notes.threads, reader: memory, gaps: [])
    }
}

/// A PT_LOAD of a core.
struct CoreSegment {
    let range: AddressRange
    let offset: UInt64
    /// Bytes that the core holds, from the lower end on.
    let fileSize: UInt64
    /// PF_X 1, PF_W 2, PF_R 4.
    let flags: UInt32
}

/// An open core.
final class CoreBytes: ImageBytes {
    private let descriptor: Int32

    /// nil, and errno, where it cannot be opened or is no regular file.
    init?(_ path: String) {
        descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { return nil }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            errno = EINVAL
            return nil
        }
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    func read(at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer) -> Int {
        guard let base = buffer.baseAddress else { return 0 }
        var done = 0
        while done < buffer.count {
            guard let at = off_t(exactly: offset &+ UInt64(done)) else { break }
            let count = pread(descriptor, base + done, buffer.count - done, at)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            done += count
        }
        return done
    }
}

/// The memory that a core holds.
final class CoreMemory: MemoryReader {
    private let file: CoreBytes
    private let segments: [CoreSegment]

    init(file: CoreBytes, segments: [CoreSegment]) {
        self.file = file
        self.segments = segments
    }

    func read(at address: UInt64, into buffer: UnsafeMutableRawBufferPointer) -> Int {
        var done = 0
        while done < buffer.count {
            let at = address &+ UInt64(done)
            let index = firstSegment(endingAbove: at)
            guard index < segments.count, segments[index].range.contains(at) else { break }
            let inside = at - segments[index].range.lower
            guard inside < segments[index].fileSize else { break }
            let wanted = min(buffer.count - done, Int(clamping: segments[index].fileSize - inside))
            let part = UnsafeMutableRawBufferPointer(rebasing: buffer[done..<(done + wanted)])
            let got = file.read(at: segments[index].offset + inside, into: part)
            done += got
            guard got == wanted else { break }
        }
        return done
    }

    func populated(in range: AddressRange) -> [AddressRange] {
        var result: [AddressRange] = []
        var index = firstSegment(endingAbove: range.lower)
        while index < segments.count, segments[index].range.lower < range.upper {
            let lower = segments[index].range.lower
            let held = AddressRange(lower, lower + segments[index].fileSize).intersection(range)
            if !held.isEmpty { result.append(held) }
            index += 1
        }
        return result
    }

    private func firstSegment(endingAbove address: UInt64) -> Int {
        var low = 0
        var high = segments.count
        while low < high {
            let middle = (low + high) / 2
            if segments[middle].range.upper <= address { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
