package import Model

extension Mapping {
    /// Parses `/proc/PID/maps`. Lines that are not of the kernel's form are left out, and so is a line that starts below
    /// the end of the one before: what comes out ascends and never overlaps, whatever goes in.
    package static func parse(maps bytes: [UInt8]) -> [Mapping] {
        var result: [Mapping] = []
        // About 90 bytes a line; the bytes were bounded when they were read.
        result.reserveCapacity(bytes.count / 90 + 1)
        bytes.withUnsafeBufferPointer { buffer in
            var scanner = ByteScanner(buffer)
            var previous: [UInt8] = []
            while var line = scanner.line() {
                guard let mapping = Mapping(line: &line, previousName: &previous) else { continue }
                if let last = result.last, mapping.range.lower < last.range.upper { continue }
                result.append(mapping)
            }
        }
        return result
    }

    /// `55d0c6700000-55d0c7640000 r-xp 00000000 08:01 1234        /app/api`
    /// - Parameter previousName: the name of the line before. Neighbours mostly share theirs, and then its storage too.
    init?(line: inout ByteScanner, previousName: inout [UInt8]) {
        guard let range = AddressRange(scanning: &line), line.skip(UInt8(ascii: " ")),
            let permissions = Permissions(scanning: &line), line.skip(UInt8(ascii: " ")),
            let offset = line.hexadecimal(), line.skip(UInt8(ascii: " ")),
            let major = line.hexadecimal().flatMap({ UInt32(exactly: $0) }), line.skip(UInt8(ascii: ":")),
            let minor = line.hexadecimal().flatMap({ UInt32(exactly: $0) }), line.skip(UInt8(ascii: " ")),
            let inode = line.decimal()
        else { return nil }
        guard line.isAtEnd || line.peek == UInt8(ascii: " ") else { return nil }
        line.skipBlanks()
        // A blank at the start of a file's name would be lost with the padding, but paths start with a slash.
        if !previousName.elementsEqual(line.rest) { previousName = Mapping.undoingNewlines(line.rest) }
        self.init(
            range: range, permissions: permissions, fileOffset: offset, deviceMajor: major, deviceMinor: minor,
            inode: inode, nameBytes: previousName)
    }

    /// maps escapes nothing but the newline, so that any other backslash is the name's own (fs/proc/task_mmu.c).
    private static func undoingNewlines(_ bytes: UnsafeBufferPointer<UInt8>) -> [UInt8] {
        let escape = Array("\\012".utf8)
        guard bytes.contains(UInt8(ascii: "\\")) else { return Array(bytes) }
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count)
        var index = 0
        while index < bytes.count {
            if bytes.count - index >= 4, bytes[index..<(index + 4)].elementsEqual(escape) {
                result.append(UInt8(ascii: "\n"))
                index += 4
            } else {
                result.append(bytes[index])
                index += 1
            }
        }
        return result
    }
}

extension AddressRange {
    /// `LOWER-UPPER` in hexadecimal; nil for an empty or inverted range.
    init?(scanning line: inout ByteScanner) {
        guard let lower = line.hexadecimal(), line.skip(UInt8(ascii: "-")), let upper = line.hexadecimal(),
            lower < upper
        else { return nil }
        self.init(lower, upper)
    }
}

extension Mapping.Permissions {
    /// `rwxp`, `r--s` and so on.
    init?(scanning line: inout ByteScanner) {
        self = []
        guard take("r", "-", .read, &line), take("w", "-", .write, &line), take("x", "-", .execute, &line),
            take("s", "p", .shared, &line)
        else { return nil }
    }

    private mutating func take(
        _ set: Unicode.Scalar, _ unset: Unicode.Scalar, _ value: Mapping.Permissions, _ line: inout ByteScanner
    ) -> Bool {
        if line.skip(UInt8(ascii: set)) {
            insert(value)
            return true
        }
        return line.skip(UInt8(ascii: unset))
    }
}
