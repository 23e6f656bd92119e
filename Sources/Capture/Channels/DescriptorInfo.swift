import Model

/// What `/proc/PID/fdinfo/N` says (man 5 proc_pid_fdinfo; each kind's lines are from its show_fdinfo in the kernel).
struct DescriptorInfo {
    var flags: UInt32?
    var offset: UInt64?
    var inode: UInt64?
    var locks = 0
    var detail: Descriptor.Detail?
    /// Of a unix socket: descriptors that were sent to it and not received yet (Linux 6.10).
    var inFlight: Int?

    /// - Parameter kind: lines of other kinds are not looked at.
    init(parsing bytes: UnsafeBufferPointer<UInt8>, kind: Descriptor.Kind) {
        var scanner = ByteScanner(bytes)
        while var line = scanner.line() {
            if line.skip("pos:") {
                line.skipBlanks()
                offset = line.decimal()
            } else if line.skip("flags:") {
                line.skipBlanks()
                flags = line.octal()
            } else if line.skip("ino:") {
                line.skipBlanks()
                inode = line.decimal()
            } else if line.skip("lock:") {
                locks += 1
            } else {
                take(&line, kind)
            }
        }
        if kind == .epoll, detail == nil { detail = .watched([], count: 0) }
        if kind == .inotify, detail == nil { detail = .watches(0) }
    }

    private mutating func take(_ line: inout ByteScanner, _ kind: Descriptor.Kind) {
        switch kind {
        case .epoll: takeWatched(&line)
        case .eventfd: takeEvent(&line)
        case .timerfd: takeTimer(&line)
        case .signalfd:
            if line.skip("sigmask:"), let mask = line.blankThenHexadecimal() { detail = .signals(mask) }
        case .terminal:
            if line.skip("tty-index:"), let index = line.blankThenInt32().flatMap({ UInt32(exactly: $0) }) {
                detail = .master(index)
            }
        case .socket:
            if line.skip("scm_fds:") { inFlight = line.blankThenInt32().map { Int($0) } }
        case .inotify: if line.skip("inotify wd:") { count() }
        case .fanotify: if line.skip("fanotify ino:") || line.skip("fanotify mnt_id:") { count() }
        case .pidfd:
            // -1 when it has ended and was waited for, 0 for one of another PID namespace.
            if line.skip("Pid:"), let pid = line.blankThenInt32() { detail = .process(pid > 0 ? pid : nil) }
        default: break
        }
    }

    private mutating func count() {
        if case .watches(let number) = detail { detail = .watches(number + 1) } else { detail = .watches(1) }
    }

    /// `tfd:        5 events:       19 data: …`
    private mutating func takeWatched(_ line: inout ByteScanner) {
        guard line.skip("tfd:"), let number = line.blankThenInt32() else { return }
        var (targets, count): ([Int32], Int) = ([], 0)
        if case .watched(let before, let number) = detail { (targets, count) = (before, number) }
        detail = nil
        if targets.count < Descriptor.targetLimit { targets.append(number) }
        detail = .watched(targets, count: count + 1)
    }

    /// `eventfd-count:                3` (hexadecimal), and below it `eventfd-id: 12`.
    private mutating func takeEvent(_ line: inout ByteScanner) {
        if line.skip("eventfd-count:") {
            detail = line.blankThenHexadecimal().map { .event(id: nil, value: $0) }
        } else if line.skip("eventfd-id:"), case .event(_, let value) = detail {
            line.skipBlanks()
            detail = .event(id: line.decimal(), value: value)
        }
    }

    /// `clockid: 1`, `it_value: (4, 999999999)`, `it_interval: (5, 0)`.
    private mutating func takeTimer(_ line: inout ByteScanner) {
        var timer: (clock: Int32, left: Double, interval: Double) = (0, 0, 0)
        if case .timer(let clock, let left, let interval) = detail { timer = (clock, left, interval) }
        if line.skip("clockid:") {
            guard let clock = line.blankThenInt32() else { return }
            timer.clock = clock
        } else if line.skip("it_value:") {
            guard let time = line.time() else { return }
            timer.left = time
        } else if line.skip("it_interval:") {
            guard let time = line.time() else { return }
            timer.interval = time
        } else {
            return
        }
        detail = .timer(clock: timer.clock, secondsLeft: timer.left, interval: timer.interval)
    }
}

extension ByteScanner {
    /// Digits 0 to 7, at least one, at most eleven.
    fileprivate mutating func octal() -> UInt32? {
        guard let digits = word(), digits.count <= 11 else { return nil }
        var value: UInt64 = 0
        for digit in digits {
            guard (UInt8(ascii: "0")...UInt8(ascii: "7")).contains(digit) else { return nil }
            value = value << 3 | UInt64(digit - UInt8(ascii: "0"))
        }
        return UInt32(exactly: value)
    }

    /// ` (4, 999999999)`: seconds and nanoseconds.
    fileprivate mutating func time() -> Double? {
        skipBlanks()
        guard skip("("), let seconds = decimal(), skip(", "), let nanoseconds = decimal() else { return nil }
        return Double(seconds) + Double(nanoseconds) / 1e9
    }
}
