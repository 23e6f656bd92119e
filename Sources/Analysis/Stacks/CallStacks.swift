import Model

/// The frames of all threads: which function a word on a stack belongs to.
struct CallStacks {
    struct Frame: Equatable {
        /// An address in the function: where it goes on, or inside the call that it waits for.
        let code: UInt64
        /// Exclusive end of its part of the stack.
        let end: UInt64
    }

    /// By thread, innermost first.
    private(set) var frames: [Int32: [Frame]] = [:]

    /// Of one thread, and of all together.
    private static let frameLimit = 256
    private static let totalLimit = 32_768

    static let none = CallStacks()

    private init() {}

    init(image: MemoryImage) {
        let pages = PageCache(image.reader)
        var tables: [UInt64: UnwindTable?] = [:]
        var count = 0
        for thread in image.threads where count < CallStacks.totalLimit {
            let found = CallStacks.walk(thread) { code in
                guard let base = image.moduleBase(of: code) else { return nil }
                if let known = tables[base] { return known?.rule(at: code) }
                let table = UnwindTable(moduleAt: base, pages: pages)
                tables[base] = .some(table)
                return table?.rule(at: code)
            } word: {
                pages.word(at: $0)
            }
            frames[thread.tid] = found
            count += found.count
        }
    }

    /// An address in the function whose frame holds the word at `address`; nil where the frames are not known so far.
    func code(at address: UInt64, thread: Int32) -> UInt64? {
        frames[thread]?.first { address < $0.end }?.code
    }

    private static func walk(
        _ thread: ThreadState, rule: (UInt64) -> UnwindTable.Rule?, word: (UInt64) -> UInt64?
    ) -> [Frame] {
        var result: [Frame] = []
        var (code, stack, base) = (thread.instructionPointer, thread.stackPointer, thread.framePointer ?? 0)
        for _ in 0..<frameLimit {
            guard let rule = rule(code) else { return result }
            let start: UInt64
            switch rule.register {
            case UnwindTable.stackPointer: start = stack
            case UnwindTable.basePointer: start = base
            default: return result
            }
            let end = start &+ UInt64(bitPattern: rule.offset)
            // Frames lie one above the other.
            guard end > stack, end & 7 == 0, let back = word(end &- 8) else { return result }
            result.append(Frame(code: code, end: end))
            if let saved = rule.savedBase {
                guard let value = word(end &+ UInt64(bitPattern: saved)) else { return result }
                base = value
            }
            stack = end
            // The call is the instruction before the one that it returns to.
            code = back &- 1
        }
        return result
    }
}

extension MemoryImage {
    /// Where the file that `code` lies in is mapped from its first byte.
    fileprivate func moduleBase(of code: UInt64) -> UInt64? {
        guard let mapping = mapping(at: code), mapping.isFileBacked || mapping.isKernelProvided,
            mapping.permissions.contains(.execute)
        else { return nil }
        // A file may be loaded twice: the nearest start below counts.
        var at = mapping
        for _ in 0..<16 where at.fileOffset != 0 {
            guard at.range.lower > 0, let before = self.mapping(at: at.range.lower - 1), before.inode == mapping.inode,
                before.deviceMajor == mapping.deviceMajor, before.deviceMinor == mapping.deviceMinor
            else { return nil }
            at = before
        }
        return at.fileOffset == 0 ? at.range.lower : nil
    }
}
