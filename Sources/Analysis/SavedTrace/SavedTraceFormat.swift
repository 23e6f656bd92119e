import Model

/// The layout of a saved trace (README.md in this folder): a header, then frames, each compressed by itself, so that a trace of
/// any length is written and read in little memory.
enum SavedTraceFormat {
    /// Not text on purpose, as that of saved graphs.
    static let magic: [UInt8] = [0x89] + Array("nust".utf8) + [0x0d, 0x0a, 0x1a]
    static let version: UInt8 = 1
    static let headerBytes = magic.count + 1

    enum Frame: UInt8 {
        /// `TraceHeader`: the first.
        case header = 0x68
        /// Some events and waits.
        case events = 0x65
        /// `TraceEnd`: the last.
        case end = 0x7a
    }

    /// Kind, length, length as stored: 1, 4 and 4 bytes, little-endian.
    static let frameHeaderBytes = 9
    /// The longest content of a frame.
    static let frameLimitBytes = 32 << 20
    /// As many events are put into one frame.
    static let eventsPerFrame = 1 << 15

    /// What the low four bits of an event's first byte say. The high four are its core, or `otherCore`: then that follows.
    enum Code: UInt8 {
        case switchIn, preempted, blocked, blockedInterruptible, blockedOther
        case wakeup, wakeupByInterrupt, wakeupBy
        case migration, fork, exit, name, found, foundAsleep, lost
    }

    static let otherCore: UInt8 = 15

    static func littleEndian(_ value: Int) -> [UInt8] { (0..<4).map { UInt8(value >> ($0 * 8) & 0xff) } }

    static func littleEndian(_ bytes: ArraySlice<UInt8>) -> Int { bytes.reversed().reduce(0) { $0 << 8 | Int($1) } }
}
