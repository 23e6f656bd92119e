import Model

/// The unwind information of one module, as it lies in memory (.eh_frame_hdr and .eh_frame; System V ABI, x86-64, and the Linux
/// Standard Base 5.0, chapter 10.6): for each instruction, where the caller's frame begins and where rbp was saved.
struct UnwindTable {
    /// How to get from a frame to its caller's.
    struct Rule: Equatable {
        /// The canonical frame address is this register's value plus `offset`; the return address lies right below it.
        var register: UInt64
        var offset: Int64
        /// Where the caller's rbp lies, counted from the canonical frame address; nil where rbp still has it.
        var savedBase: Int64?
    }

    // Numbers of registers (System V ABI, x86-64, figure 3.36).
    static let basePointer: UInt64 = 6
    static let stackPointer: UInt64 = 7
    private static let returnAddress: UInt64 = 16

    private let pages: PageCache
    /// Address of .eh_frame_hdr.
    private let header: UInt64
    private let count: UInt64

    private static let entryLimit: UInt64 = 1 << 24
    private static let recordLimit: UInt64 = 1 << 20
    private static let programHeaderLimit: UInt64 = 64

    /// - Parameter base: where the file's first byte is mapped. nil where no table of the usual form is found.
    init?(moduleAt base: UInt64, pages: PageCache) {
        self.pages = pages
        guard pages.word32(at: base) == 0x464c_457f, let place = pages.word(at: base &+ 32),
            let sizes = pages.word(at: base &+ 52)
        else { return nil }
        let (size, count) = (sizes >> 16 & 0xffff, sizes >> 32 & 0xffff)
        guard size == 56, count <= UnwindTable.programHeaderLimit else { return nil }
        var first: UInt64?
        var found: UInt64?
        for number in 0..<count {
            let entry = base &+ place &+ number * 56
            guard let kind = pages.word32(at: entry), let address = pages.word(at: entry &+ 16) else { return nil }
            // PT_LOAD: the first says how far the file was moved. PT_GNU_EH_FRAME.
            if kind == 1, first == nil { first = address & ~4095 }
            if kind == 0x6474_e550 { found = address }
        }
        guard let first, let found else { return nil }
        header = base &- first &+ found
        // Version 1; the table of 32-bit pairs relative to the header that linkers write.
        guard let kinds = pages.word32(at: header), kinds & 0xff == 1, kinds >> 16 == 0x3b03,
            let count = pages.word32(at: header &+ 8), UInt64(count) <= UnwindTable.entryLimit
        else { return nil }
        self.count = UInt64(count)
    }

    /// The rule at an instruction; nil where none is known, or where the chain of frames ends.
    func rule(at address: UInt64) -> Rule? {
        guard let record = record(of: address) else { return nil }
        var cursor = Cursor(at: record, pages: pages)
        guard let length = cursor.u32(), length >= 16, UInt64(length) < UnwindTable.recordLimit else { return nil }
        let end = cursor.at &+ UInt64(length)
        let back = cursor.at
        guard let distance = cursor.u32(), let common = Common(at: back &- UInt64(distance), pages: pages) else {
            return nil
        }
        let place = cursor.at
        guard let start = cursor.u32(), let size = cursor.u32() else { return nil }
        let lower = place &+ UInt64(bitPattern: Int64(Int32(bitPattern: start)))
        guard address >= lower, address < lower &+ UInt64(size) else { return nil }
        if common.hasData { cursor.at &+= cursor.unsigned() ?? 0 }
        var machine = Machine(location: lower, target: address, common: common)
        guard machine.run(&common.instructions, until: common.end) else { return nil }
        machine.initial = machine.rule
        machine.isInitial = false
        guard machine.run(&cursor, until: end) else { return nil }
        return machine.rule
    }

    /// The record of the function that `address` lies in, by bisection.
    private func record(of address: UInt64) -> UInt64? {
        func entry(_ number: UInt64, _ part: UInt64) -> UInt64? {
            pages.word32(at: header &+ 12 &+ number * 8 &+ part).map {
                header &+ UInt64(bitPattern: Int64(Int32(bitPattern: $0)))
            }
        }
        var low: UInt64 = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            guard let start = entry(middle, 0) else { return nil }
            if start <= address { low = middle + 1 } else { high = middle }
        }
        return low > 0 ? entry(low - 1, 4) : nil
    }

    /// What the records of many functions have in common (CIE).
    private final class Common {
        let codeAlignment: UInt64
        let dataAlignment: Int64
        let hasData: Bool
        var instructions: Cursor
        let end: UInt64

        init?(at address: UInt64, pages: PageCache) {
            var cursor = Cursor(at: address, pages: pages)
            guard let length = cursor.u32(), length >= 9, UInt64(length) < UnwindTable.recordLimit else { return nil }
            end = cursor.at &+ UInt64(length)
            guard cursor.u32() == 0, let version = cursor.byte(), version == 1 || version == 3,
                let text = pages.cString(at: cursor.at, limit: 8)
            else { return nil }
            cursor.at &+= UInt64(text.count) + 1
            guard let code = cursor.unsigned(), let data = cursor.signed(), let column = cursor.unsigned(),
                column == UnwindTable.returnAddress
            else { return nil }
            codeAlignment = code
            dataAlignment = data
            hasData = text.first == UInt8(ascii: "z")
            if hasData {
                guard let size = cursor.unsigned() else { return nil }
                let after = cursor.at &+ size
                for letter in text.dropFirst() {
                    switch letter {
                    // The encoding of the functions' addresses: relative to their place, 32 bits.
                    case UInt8(ascii: "R"): guard cursor.byte() == 0x1b else { return nil }
                    case UInt8(ascii: "L"): _ = cursor.byte()
                    case UInt8(ascii: "P"):
                        guard let form = cursor.byte() else { return nil }
                        cursor.at &+= form & 0xf == 0xb || form & 0xf == 0x3 ? 4 : 8
                    case UInt8(ascii: "S"): break
                    default: return nil
                    }
                }
                cursor.at = after
            }
            instructions = cursor
        }
    }

    /// Executes call frame instructions (DWARF 5, 6.4.2) up to one address.
    private struct Machine {
        var rule = Rule(register: UnwindTable.stackPointer, offset: 8)
        var initial = Rule(register: UnwindTable.stackPointer, offset: 8)
        /// The instructions that all functions share are run: all of them apply.
        var isInitial = true
        private var location: UInt64
        private let target: UInt64
        private let common: Common
        private var saved: [Rule] = []

        private static let stepLimit = 4096
        private static let savedLimit = 64

        init(location: UInt64, target: UInt64, common: Common) {
            self.location = location
            self.target = target
            self.common = common
        }

        /// False where an instruction is met that is not understood, or that ends the chain.
        mutating func run(_ cursor: inout Cursor, until end: UInt64) -> Bool {
            for _ in 0..<Machine.stepLimit {
                guard cursor.at < end else { return true }
                guard let byte = cursor.byte(), let goesOn = step(byte, &cursor) else { return false }
                if !goesOn { return true }
            }
            return false
        }

        private mutating func advance(_ delta: UInt64) -> Bool {
            location &+= delta &* common.codeAlignment
            return isInitial || location <= target
        }

        /// nil: not understood. False: what follows is about later instructions.
        private mutating func step(_ byte: UInt8, _ cursor: inout Cursor) -> Bool? {
            let low = UInt64(byte & 0x3f)
            switch byte >> 6 {
            case 1: return advance(low)
            case 2: return cursor.unsigned().flatMap { save(low, Int64(truncatingIfNeeded: $0)) }
            case 3: return restore(low)
            default: break
            }
            switch low {
            case 0x00: return true
            case 0x02: return cursor.byte().map { advance(UInt64($0)) }
            case 0x03: return cursor.u16().map { advance(UInt64($0)) }
            case 0x04: return cursor.u32().map { advance(UInt64($0)) }
            case 0x05:
                guard let register = cursor.unsigned(), let offset = cursor.unsigned() else { return nil }
                return save(register, Int64(truncatingIfNeeded: offset))
            case 0x06: return cursor.unsigned().flatMap { restore($0) }
            // An unknown return address is the end of the chain; of other registers only rbp matters.
            case 0x07: return cursor.unsigned().flatMap { $0 == UnwindTable.returnAddress ? nil : true }
            case 0x08: return cursor.unsigned().map { _ in true }
            case 0x0a:
                guard saved.count < Machine.savedLimit else { return nil }
                saved.append(rule)
            case 0x0b:
                guard let last = saved.popLast() else { return nil }
                rule = last
            case 0x0c:
                guard let register = cursor.unsigned(), let offset = cursor.unsigned() else { return nil }
                rule.register = register
                rule.offset = Int64(truncatingIfNeeded: offset)
            case 0x0d:
                guard let register = cursor.unsigned() else { return nil }
                rule.register = register
            case 0x0e:
                guard let offset = cursor.unsigned() else { return nil }
                rule.offset = Int64(truncatingIfNeeded: offset)
            // The size of arguments.
            case 0x2e: return cursor.unsigned().map { _ in true }
            // Expressions: only where a signal was caught, and in stubs of the linker.
            default: return nil
            }
            return true
        }

        private mutating func save(_ register: UInt64, _ factored: Int64) -> Bool? {
            let offset = factored &* common.dataAlignment
            if register == UnwindTable.basePointer { rule.savedBase = offset }
            // The return address anywhere but right below the frame address: not a function as compilers write them.
            return register == UnwindTable.returnAddress && offset != -8 ? nil : true
        }

        private mutating func restore(_ register: UInt64) -> Bool? {
            if register == UnwindTable.basePointer { rule.savedBase = initial.savedBase }
            return true
        }
    }

    /// Reads what lies one behind the other.
    private struct Cursor {
        var at: UInt64
        let pages: PageCache

        mutating func byte() -> UInt8? {
            defer { at &+= 1 }
            // Not the four bytes from there: they may reach over the end of what is mapped.
            return pages.word32(at: at & ~3).map { UInt8(truncatingIfNeeded: $0 >> (8 * UInt32(at & 3))) }
        }

        mutating func u16() -> UInt16? {
            guard let low = byte(), let high = byte() else { return nil }
            return UInt16(high) << 8 | UInt16(low)
        }

        mutating func u32() -> UInt32? {
            defer { at &+= 4 }
            return pages.word32(at: at)
        }

        /// LEB128, at most ten bytes.
        mutating func unsigned() -> UInt64? {
            var value: UInt64 = 0
            for shift in stride(from: UInt64(0), to: 70, by: 7) {
                guard let byte = byte() else { return nil }
                if shift < 64 { value |= UInt64(byte & 0x7f) << shift }
                if byte & 0x80 == 0 { return value }
            }
            return nil
        }

        mutating func signed() -> Int64? {
            var value: UInt64 = 0
            for shift in stride(from: UInt64(0), to: 70, by: 7) {
                guard let byte = byte() else { return nil }
                if shift < 64 { value |= UInt64(byte & 0x7f) << shift }
                guard byte & 0x80 == 0 else { continue }
                if byte & 0x40 != 0, shift + 7 < 64 { value |= ~0 << (shift + 7) }
                return Int64(bitPattern: value)
            }
            return nil
        }
    }
}
