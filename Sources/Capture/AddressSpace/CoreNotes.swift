import Model

/// The notes of a core file (include/uapi/linux/elfcore.h; fs/binfmt_elf.c for NT_FILE). Bounds-checked.
struct CoreNotes {
    /// One entry of NT_FILE.
    struct File {
        let range: AddressRange
        let offset: UInt64
        let path: [UInt8]
    }

    private(set) var pid: Int32?
    private(set) var command: [UInt8] = []
    private(set) var threads: [ThreadState] = []
    private(set) var auxiliary = AuxiliaryVector([])
    private(set) var files: [File] = []
    private(set) var isDamaged = false

    private static let fileLimit: UInt64 = 1 << 20
    private static let pathLimit = 4096

    mutating func take(_ bytes: [UInt8], threadLimit: Int) {
        let fields = ElfFields(bytes)
        var at = 0
        while at + 12 <= bytes.count {
            guard let nameSize = fields.u32(at), let size = fields.u32(at + 4), let type = fields.u32(at + 8) else {
                break
            }
            let start = at + 12 + (Int(nameSize) + 3) & ~3
            let end = start + Int(size)
            guard end <= bytes.count else {
                isDamaged = true
                return
            }
            let content = Array(bytes[start..<end])
            switch type {
            case 1: if threads.count < threadLimit { takeStatus(ElfFields(content)) }
            case 2, 0x202: takeVectors(content)
            case 3: takeInfo(content)
            case 6: auxiliary = AuxiliaryVector(content)
            case 0x4649_4c45: takeFiles(content)
            default: break
            }
            at = (end + 3) & ~3
        }
    }

    /// NT_PRSTATUS: elf_prstatus, its pid at 32, the registers as user_regs_struct from 112 on (sys/user.h).
    private mutating func takeStatus(_ fields: ElfFields) {
        func register(_ number: Int) -> UInt64? { fields.u64(112 + number * 8) }
        let general = CoreNotes.generalRegisters.compactMap(register)
        guard let tid = fields.u32(32), let instructionPointer = register(16), let stackPointer = register(19),
            let threadPointer = register(21), general.count == CoreNotes.generalRegisters.count
        else {
            isDamaged = true
            return
        }
        threads.append(
            ThreadState(
                tid: Int32(truncatingIfNeeded: tid), stackPointer: stackPointer,
                instructionPointer: instructionPointer, threadPointer: threadPointer, generalRegisters: general,
                vectorState: []))
    }

    /// rax, rbx, rcx, rdx, rsi, rdi, rbp, r8 to r15: their places in user_regs_struct.
    private static let generalRegisters = [10, 5, 11, 12, 13, 14, 4, 9, 8, 7, 6, 3, 2, 1, 0]

    /// NT_FPREGSET and NT_X86_XSTATE, which begins with the same: of the thread whose NT_PRSTATUS came last.
    private mutating func takeVectors(_ content: [UInt8]) {
        guard let last = threads.indices.last, content.count > threads[last].vectorState.count else { return }
        let thread = threads[last]
        threads[last] = ThreadState(
            tid: thread.tid, stackPointer: thread.stackPointer, instructionPointer: thread.instructionPointer,
            threadPointer: thread.threadPointer, generalRegisters: thread.generalRegisters, vectorState: content)
    }

    /// NT_PRPSINFO: elf_prpsinfo, pid at 24, the command's 16 bytes at 40.
    private mutating func takeInfo(_ content: [UInt8]) {
        guard content.count >= 56, let number = ElfFields(content).u32(24) else {
            isDamaged = true
            return
        }
        pid = Int32(truncatingIfNeeded: number)
        command = Array(content[40..<56].prefix { $0 != 0 })
    }

    /// NT_FILE: count, page size, then (start, end, offset in pages) each, then the paths.
    private mutating func takeFiles(_ content: [UInt8]) {
        let fields = ElfFields(content)
        guard let count = fields.u64(0), let pageBytes = fields.u64(8), count <= CoreNotes.fileLimit,
            16 + count * 24 <= UInt64(content.count)
        else {
            isDamaged = true
            return
        }
        var path = 16 + Int(count) * 24
        for number in 0..<Int(count) {
            guard let lower = fields.u64(16 + number * 24), let upper = fields.u64(24 + number * 24),
                let page = fields.u64(32 + number * 24), path < content.count
            else {
                isDamaged = true
                return
            }
            let name = content[path...].prefix { $0 != 0 }
            path += name.count + 1
            files.append(
                File(
                    range: AddressRange(lower, upper), offset: page &* pageBytes,
                    path: Array(name.prefix(CoreNotes.pathLimit))))
        }
    }
}

/// Names a core's segments.
struct CoreMappedFiles {
    private let files: [CoreNotes.File]
    /// A number for each path: a core knows no inodes, and neighbours of one file must be told from those of another.
    private let numbers: [[UInt8]: UInt64]

    /// Where the kernel has it on x86-64, in every process.
    private static let vsyscall: UInt64 = 0xffff_ffff_ff60_0000

    init(_ files: [CoreNotes.File]) {
        self.files = files.sorted { $0.range.lower < $1.range.lower }
        var numbers: [[UInt8]: UInt64] = [:]
        for file in files where numbers[file.path] == nil { numbers[file.path] = UInt64(numbers.count + 1) }
        self.numbers = numbers
    }

    func mapping(of segment: CoreSegment, _ auxiliary: AuxiliaryVector) -> Mapping {
        var permissions: Mapping.Permissions = []
        if segment.flags & 4 != 0 { permissions.insert(.read) }
        if segment.flags & 2 != 0 { permissions.insert(.write) }
        if segment.flags & 1 != 0 { permissions.insert(.execute) }
        if let file = file(at: segment.range.lower) {
            return Mapping(
                range: segment.range, permissions: permissions,
                fileOffset: file.offset &+ (segment.range.lower - file.range.lower),
                inode: numbers[file.path] ?? 0, nameBytes: file.path)
        }
        var name: [UInt8] = []
        if segment.range.lower == CoreMappedFiles.vsyscall { name = Array("[vsyscall]".utf8) }
        if let vdso = auxiliary[AuxiliaryVector.vdso], segment.range.contains(vdso) { name = Array("[vdso]".utf8) }
        // The kernel puts these bytes on the main thread's stack.
        if let bytes = auxiliary[AuxiliaryVector.randomBytes], segment.range.contains(bytes) {
            name = Array("[stack]".utf8)
        }
        return Mapping(range: segment.range, permissions: permissions, nameBytes: name)
    }

    /// The mappings of files that no segment covers: debuggers leave out what was never written. What one might do there is
    /// not told; read, at least.
    func unheld(by segments: [CoreSegment], entry: UInt64?) -> [Mapping] {
        let held = segments.map(\.range).merged()
        return files.flatMap { file in
            [file.range].subtracting(held).filter { !$0.isEmpty && $0.upper <= 1 << 47 }.map { range in
                let isCode = entry.map(range.contains) ?? false
                return Mapping(
                    range: range, permissions: isCode ? [.read, .execute] : [.read],
                    fileOffset: file.offset &+ (range.lower - file.range.lower), inode: numbers[file.path] ?? 0,
                    nameBytes: file.path)
            }
        }
    }

    private func file(at address: UInt64) -> CoreNotes.File? {
        var low = 0
        var high = files.count
        while low < high {
            let middle = (low + high) / 2
            if files[middle].range.upper <= address { low = middle + 1 } else { high = middle }
        }
        return low < files.count && files[low].range.contains(address) ? files[low] : nil
    }
}
