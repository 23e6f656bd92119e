import Analysis
import Model

/// Descriptors in words. What other processes chose comes back as bytes, not escaped; `TerminalText` does that.
enum DescriptorText {
    /// "tcp to 127.0.0.1:5432", "/var/log/x", "pipe to tee(30044)".
    static func what(_ subject: DescriptorSubject, _ kind: Descriptor.Kind) -> [UInt8] {
        switch subject {
        case .path(let path, let isDeleted): path + Array((isDeleted ? ", deleted" : "").utf8)
        case .client(let transport, let address): Array("\(word(transport)) to ".utf8) + bytes(address)
        case .server(let transport, .internet(_, let port)): Array("\(word(transport)) clients at port \(port)".utf8)
        case .server(let transport, let address): Array("\(word(transport)) clients at ".utf8) + bytes(address)
        case .listener(let transport, let address): Array("\(word(transport)) listening at ".utf8) + bytes(address)
        case .pair: Array("unix pair".utf8)
        case .unconnected(let transport, .unnamed): Array("\(word(transport)), without a partner".utf8)
        case .unconnected(let transport, let address):
            Array("\(word(transport)) at ".utf8) + bytes(address) + Array(", without a partner".utf8)
        case .unknownSocket: Array("netlink, packets or another family".utf8)
        case .pipe(let isReading, _):
            Array((isReading.map { $0 ? "pipe, reads what is written by" : "pipe, writes for" } ?? "pipe").utf8)
        case .process(let pid): Array((pid.map { "process \($0)" } ?? "a process that has ended").utf8)
        case .named(let name): named(name, kind)
        }
    }

    /// Who is at the other end of these; nil where there is no other end, or it is not known.
    static func otherEnd(_ descriptors: [Descriptor]) -> [UInt8]? {
        let ends = descriptors.compactMap(\.otherEnd)
        guard !ends.isEmpty else { return nil }
        var processes: [ProcessIdentity] = []
        var seen: Set<ProcessIdentity> = []
        for process in ends.flatMap(\.processes) where seen.insert(process).inserted { processes.append(process) }
        if processes.isEmpty { return Array("nobody that can be seen".utf8) }
        if ends.allSatisfy(\.isOwn) { return Array("itself".utf8) }
        let count = max(processes.count, ends.map(\.count).max() ?? 0)
        var text: [UInt8] = []
        for (index, process) in processes.prefix(namesShown).enumerated() {
            text += (index > 0 ? Array(", ".utf8) : []) + process.commandBytes + Array("(\(process.pid))".utf8)
        }
        if count > namesShown { text += Array(" and \(Units.grouped(count - namesShown)) more".utf8) }
        if ends.contains(where: { !$0.isAccepted }) { text += Array(", not accepted yet".utf8) }
        return text
    }

    private static let namesShown = 2

    /// Both together, escaped: "tcp to 127.0.0.1:5432 = postgres(1511)".
    /// - Parameter place: stands behind what it is.
    static func line(
        _ subject: DescriptorSubject, _ kind: Descriptor.Kind, _ members: [Descriptor], place: String = ""
    ) -> String {
        let what = TerminalText.escaped(what(subject, kind)) + place
        guard let end = otherEnd(members).map({ TerminalText.escaped($0) }) else { return what }
        if case .pipe(let isReading?, _) = subject { return isReading ? "pipe from \(end)" : "pipe to \(end)" }
        return "\(what) = \(end)"
    }

    /// "5 x /tmp/log-*, /var/run/x" of these numbers; the numbers alone where it is not known what they are.
    /// - Parameter isCounted: false where it is said already how many these are.
    static func summary(_ numbers: [Int32], in table: DescriptorTable?, isCounted: Bool = true) -> String {
        let known = numbers.compactMap { table?[$0] }
        guard known.count == numbers.count else { return self.numbers(numbers, columns: 40) }
        let groups = DescriptorGrouping.groups(of: known)
        let shown = groups.prefix(namesShown).map { group in
            (group.count > 1 && (isCounted || groups.count > 1) ? "\(Units.grouped(group.count)) x " : "")
                + line(group.subject, group.kind, group.members)
        }
        let left = groups.count - shown.count
        return shown.joined(separator: ", ") + (left > 0 ? " and \(Units.counted(left, "other"))" : "")
    }

    /// All that there is to say of one alone.
    static func line(_ descriptor: Descriptor, place: String = "") -> String {
        let subject = DescriptorSubject(descriptor)
        let detail = detail(descriptor)
        // The kind says what it is.
        if case .named = subject, descriptor.kind != .other, let detail { return detail }
        let line = line(subject, descriptor.kind, [descriptor], place: place)
        return detail.map { "\(line), \($0)" } ?? line
    }

    /// What the kernel says of one alone, behind what it is; nil for nothing.
    private static func detail(_ descriptor: Descriptor) -> String? {
        var parts: [String] = []
        switch descriptor.detail {
        case .watched(let targets, let count):
            parts.append(
                count == 0 ? "watches nothing" : "watches \(numbers(targets.sorted(), of: count, columns: 32))")
        case .event(let id, let value): parts.append("value \(value)" + (id.map { ", number \($0)" } ?? ""))
        case .timer(_, let left, let interval):
            parts.append(left > 0 ? "rings in \(Units.seconds(left))" : "not set")
            if interval > 0 { parts.append("then every \(Units.seconds(interval))") }
        case .signals(let mask):
            let names = (0..<64).filter { mask >> UInt64($0) & 1 != 0 }.compactMap { Signal.number($0 + 1)?.name }
            parts.append("for " + (names.isEmpty ? "no signal" : names.joined(separator: " ")))
        case .watches(let count): parts.append("watches \(Units.counted(count, "file"))")
        case .master(let index): parts.append("the master of pts/\(index)")
        case .process, nil: break
        }
        if let socket = descriptor.socket { parts += details(socket) }
        if descriptor.kind == .file, let offset = descriptor.offset, let size = descriptor.sizeBytes {
            let place = offset == size ? "at the end of" : "at \(Units.bytes(offset)) of"
            parts.append(size == 0 ? "empty" : "\(place) \(Units.bytes(size))")
        } else if descriptor.kind == .memfd, let size = descriptor.sizeBytes {
            parts.append(Units.bytes(size))
        }
        if descriptor.locks > 0 { parts.append(Units.counted(descriptor.locks, "lock")) }
        return parts.isEmpty ? nil : parts.joined(separator: ", ")
    }

    private static func details(_ socket: Socket) -> [String] {
        var parts: [String] = []
        if socket.state == .listening {
            let waiting = socket.receiveQueue.map { Units.grouped(Int(clamping: $0)) } ?? "?"
            let limit = socket.sendQueue.map { " of \(Units.grouped(Int(clamping: $0)))" } ?? ""
            return ["\(waiting)\(limit) wait to be accepted"]
        }
        switch socket.state {
        case .abandoned: parts.append("the other end has closed")
        case .closing: parts.append("closing")
        case .connecting: parts.append("not connected yet")
        case .connected, .listening, .unconnected: break
        }
        if let unread = socket.receiveQueue, unread > 0 { parts.append("\(Units.bytes(unread)) unread") }
        if let unsent = socket.sendQueue, unsent > 0, !socket.transport.isUnix {
            parts.append("\(Units.bytes(unsent)) not taken by the other end")
        }
        return parts
    }

    /// "12 files", "1 directory".
    static func counted(_ count: Int, _ kind: Descriptor.Kind) -> String {
        let plural: [Descriptor.Kind: String] = [
            .directory: "directories", .epoll: "epoll", .inotify: "inotify", .fanotify: "fanotify",
            .ioUring: "io_uring", .other: "others", .fifo: "FIFOs",
        ]
        let single = kind == .fifo ? "FIFO" : kind.rawValue
        return Units.counted(count, single, plural: plural[kind] ?? single + "s")
    }

    /// "5-12 14 20 …": as many as fit, and how many there are where not all do.
    static func numbers(_ numbers: [Int32], of count: Int? = nil, columns: Int) -> String {
        var ranges: [ClosedRange<Int32>] = []
        for number in numbers {
            if let last = ranges.last, last.upperBound < .max, number == last.upperBound + 1 {
                ranges[ranges.count - 1] = last.lowerBound...number
            } else {
                ranges.append(number...number)
            }
        }
        var text = ""
        for range in ranges {
            let part = range.count == 1 ? "\(range.lowerBound)" : "\(range.lowerBound)-\(range.upperBound)"
            guard text.isEmpty || text.utf8.count + part.utf8.count + 3 <= columns else { return text + " …" }
            text += (text.isEmpty ? "" : " ") + part
        }
        return count ?? 0 > numbers.count ? text + " …" : text
    }

    /// "rw", "r", "w", "path"; "?" where it may not be seen.
    static func access(_ descriptors: [Descriptor]) -> String {
        let all = Set(descriptors.map(\.access))
        guard all.count == 1, let access = descriptors.first?.access else { return all.count > 1 ? "*" : "?" }
        switch access {
        case .read: return "r"
        case .write: return "w"
        case .both: return "rw"
        case .path: return "path"
        }
    }

    static func word(_ transport: Socket.Transport) -> String { SocketText.word(transport) }

    /// As `SocketText.text` writes it, not escaped.
    static func bytes(_ address: SocketAddress) -> [UInt8] {
        switch address {
        case .path(let bytes): bytes
        case .abstract(let bytes): [UInt8(ascii: "@")] + bytes
        case .unnamed, .internet: Array(SocketText.text(address).utf8)
        }
    }

    /// "anon_inode:[io_uring]" is "io_uring"; for kinds that are named already nothing is left to say but how many.
    private static func named(_ name: [UInt8], _ kind: Descriptor.Kind) -> [UInt8] {
        switch kind {
        case .eventfd: return Array("counter".utf8)
        case .epoll: return Array("waits for other descriptors".utf8)
        case .timerfd: return Array("timer".utf8)
        case .signalfd: return Array("takes signals".utf8)
        case .inotify, .fanotify: return Array("watches files".utf8)
        default: break
        }
        let prefix = Array("anon_inode:".utf8)
        guard name.starts(with: prefix) else { return name }
        return name.dropFirst(prefix.count).filter { $0 != UInt8(ascii: "[") && $0 != UInt8(ascii: "]") }
    }
}
