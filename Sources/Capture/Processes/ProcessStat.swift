package import Model

extension ProcessStat {
    /// nil when the bytes are not such a file, or one cut short.
    package init?(parsing bytes: [UInt8]) {
        guard let stat = bytes.withUnsafeBufferPointer({ ProcessStat(parsing: $0) }) else { return nil }
        self = stat
    }

    init?(parsing bytes: UnsafeBufferPointer<UInt8>) {
        // The name may itself hold ") R 1": only the last parenthesis is the kernel's, since no field behind it has one.
        guard let open = bytes.firstIndex(of: UInt8(ascii: "(")),
            let close = bytes.lastIndex(of: UInt8(ascii: ")")), open < close
        else { return nil }
        self.init()
        var number = ByteScanner(UnsafeBufferPointer(rebasing: bytes[..<open]))
        var fields = Fields(ByteScanner(UnsafeBufferPointer(rebasing: bytes[(close + 1)...])))
        guard let pid = number.blankThenInt32(), let state = fields.letter() else { return nil }
        self.pid = pid
        self.state = state
        commandBytes = Array(bytes[(open + 1)..<close])
        parent = fields.int32()
        processGroup = fields.int32()
        session = fields.int32()
        terminal = UInt32(truncatingIfNeeded: fields.next())
        terminalGroup = fields.int32()
        flags = UInt32(truncatingIfNeeded: fields.next())
        minorFaults = fields.unsigned()
        fields.skip(1)
        majorFaults = fields.unsigned()
        fields.skip(1)
        userTicks = fields.unsigned()
        systemTicks = fields.unsigned()
        childUserTicks = fields.unsigned()
        childSystemTicks = fields.unsigned()
        priority = fields.int32()
        nice = fields.int32()
        threadCount = Int(fields.next())
        fields.skip(1)
        startTicks = fields.unsigned()
        virtualBytes = fields.unsigned()
        residentPages = fields.unsigned()
        fields.skip(13)
        exitSignal = fields.int32()
        guard fields.areWhole else { return nil }
        // Kernels before 2.5 lack what follows.
        processor = fields.int32()
        realTimePriority = fields.int32()
        policy = fields.int32()
        storageDelayTicks = fields.unsigned()
        fields.skip(9)
        exitStatus = fields.int32()
    }

    /// The numbers behind the name, in order. Where one is missing or is none, that one and all after it are 0.
    private struct Fields {
        private var scanner: ByteScanner
        private(set) var areWhole = true

        init(_ scanner: ByteScanner) { self.scanner = scanner }

        mutating func letter() -> UInt8? {
            guard let word = scanner.word(), word.count == 1 else { return nil }
            return word[0]
        }

        mutating func next() -> Int64 {
            guard areWhole else { return 0 }
            scanner.skipBlanks()
            // rsslim is all ones where there is no limit: wider than Int64.
            let value =
                scanner.peek == UInt8(ascii: "-")
                ? scanner.signedDecimal() : scanner.decimal().map(Int64.init(bitPattern:))
            guard let value else {
                areWhole = false
                return 0
            }
            return value
        }

        mutating func unsigned() -> UInt64 { UInt64(bitPattern: next()) }

        mutating func int32() -> Int32 {
            guard let value = Int32(exactly: next()) else {
                areWhole = false
                return 0
            }
            return value
        }

        mutating func skip(_ count: Int) {
            for _ in 0..<count { _ = next() }
        }
    }
}
