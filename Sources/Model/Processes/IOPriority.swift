/// Whose requests storage serves first (man 2 ioprio_set). Of the kernel's I/O schedulers BFQ heeds it, mq-deadline its class.
package struct IOPriority: Hashable, Sendable {
    package enum Class: Int32, Hashable, Sendable, CaseIterable {
        /// As niceness says.
        case none = 0
        case realTime = 1
        case bestEffort = 2
        case idle = 3
    }

    package let kind: Class
    /// 0 (first) to 7 of the real-time and the best-effort class, else 0.
    package let level: Int32

    package init(_ kind: Class, level: Int32 = 0) {
        self.kind = kind
        self.level = kind == .realTime || kind == .bestEffort ? min(max(level, 0), 7) : 0
    }

    /// As the kernel writes it (include/uapi/linux/ioprio.h: the class above 13 bits of data, of which the lowest three are the
    /// level); nil for a class that is none of these.
    package init?(rawValue: Int32) {
        guard let kind = Class(rawValue: rawValue >> 13) else { return nil }
        self.init(kind, level: rawValue & 7)
    }

    package var rawValue: Int32 { kind.rawValue << 13 | level }

    /// Every one that there is, the first served first; `none` before them.
    package static let all: [IOPriority] =
        [IOPriority(.none)] + (0...7).map { IOPriority(.realTime, level: $0) }
        + (0...7).map { IOPriority(.bestEffort, level: $0) } + [IOPriority(.idle)]
}
