import Model

/// Waits for several descriptors at once: poll, select, epoll.
extension WaitLook {
    struct Watched {
        var descriptor: Int32
        var isReading: Bool
        /// Of what an epoll watches: the file itself. After a fork the number may be another one's.
        var inode: UInt64?
    }

    /// More ends are not followed: no deadlock of so many would be worth the time.
    static let followedLimit = 256

    func takeSeveral(_ call: ProcFS.SystemCall, named name: String, _ reason: inout WaitReason) {
        reason.cause = .descriptors([:])
        let pid = reason.process.pid
        reason.hasTimeout = WaitLook.hasTimeout(call, named: name)
        guard let watched = watched(by: call, named: name, of: pid) else { return }
        if watched.count == 1, isMeant(watched[0], of: pid) {
            take(watched[0].descriptor, watched[0].isReading ? .receive : .send, &reason)
            return
        }
        var kinds: [String: Int] = [:]
        for one in watched.prefix(1024) {
            kinds[kind(one.descriptor, of: pid), default: 0] += 1
        }
        if watched.count > 1024 { kinds = ["descriptor": watched.count] }
        reason.cause = .descriptors(kinds)
        follow(watched, &reason)
    }

    /// Whether a time ends the call; true where its arguments are not known.
    static func hasTimeout(_ call: ProcFS.SystemCall, named name: String) -> Bool {
        guard call.arguments.count >= 5 else { return true }
        return switch name {
        case "poll": Int32(truncatingIfNeeded: call.arguments[2]) >= 0
        case "ppoll": call.arguments[2] != 0
        case "select", "pselect6": call.arguments[4] != 0
        case "epoll_pwait2": call.arguments[3] != 0
        default: Int32(truncatingIfNeeded: call.arguments[3]) >= 0
        }
    }

    /// nil where it cannot be told.
    func watched(by call: ProcFS.SystemCall, named name: String, of pid: Int32) -> [Watched]? {
        guard call.arguments.count >= 5 else { return nil }
        return switch name {
        case "poll", "ppoll": polled(call, of: pid)
        case "select", "pselect6": selected(call, of: pid)
        default: epolled(call, of: pid)
        }
    }

    /// Whom the thread waits for, if all that could end the call is known: each descriptor is the end of a channel that other
    /// processes have the other end of. Who has which takes a look at all processes: it comes last.
    private func follow(_ watched: [Watched], _ reason: inout WaitReason) {
        guard !watched.isEmpty, watched.count <= WaitLook.followedLimit else { return }
        let pid = reason.process.pid
        var ends: [End] = []
        for one in watched {
            guard isMeant(one, of: pid), let end = end(one.descriptor, of: pid) else { return }
            ends.append(end)
        }
        var all: Set<Int32> = []
        for end in ends {
            let others = others(at: end, of: pid)
            guard !others.isEmpty else { return }
            all.formUnion(others)
        }
        guard all.count <= WaitLook.followedLimit else { return }
        reason.descriptors = watched.map(\.descriptor)
        reason.awaited = awaited(all.sorted())
        // It may write to itself, or change what is watched.
        reason.ownThreadsToo = true
    }

    private enum End {
        case pipe(UInt64, Int32)
        case fifo(Mapping.FileID, Int32)
        case connection(to: [UInt64])
    }

    /// nil where others than those at the other end could do something, or it is not known who is there.
    private func end(_ descriptor: Int32, of pid: Int32) -> End? {
        guard let target = link(descriptor, of: pid) else { return nil }
        if let inode = ProcFS.inode("pipe", target) { return .pipe(inode, descriptor) }
        if let file = fifo(descriptor, target, of: pid) { return .fifo(file, descriptor) }
        guard let inode = ProcFS.inode("socket", target) else { return nil }
        let table = sockets(of: pid)
        // Datagrams may come from anybody.
        guard let socket = table[inode], !socket.transport.isDatagram, let peer = table.peer(of: inode), peer.isAccepted
        else { return nil }
        return .connection(to: peer.inodes)
    }

    /// The other processes that have the other end.
    private func others(at end: End, of pid: Int32) -> Set<Int32> {
        func others(_ holders: [ChannelHolders.Holder]?, _ descriptor: Int32) -> [Int32] {
            let own = holders?.first { $0.pid == pid && $0.descriptor == descriptor }
            guard let holders, let own else { return [] }
            return holders.filter { own.reads && $0.writes || own.writes && $0.reads }.map(\.pid)
        }
        let pids =
            switch end {
            case .pipe(let inode, let descriptor): others(holders.pipes[inode], descriptor)
            case .fifo(let file, let descriptor): others(fifoHolders[file], descriptor)
            case .connection(let inodes): holders.processes(ofSockets: inodes)
            }
        return Set(pids).subtracting([pid])
    }

    private func kind(_ descriptor: Int32, of pid: Int32) -> String {
        guard let target = link(descriptor, of: pid) else { return "closed descriptor" }
        return fifo(descriptor, target, of: pid) != nil ? "FIFO" : ProcFS.descriptorKind(target)
    }

    private func link(_ descriptor: Int32, of pid: Int32) -> [UInt8]? {
        try? ProcFile.link("\(procfs.path(of: pid))/fd/\(descriptor)")
    }

    /// Whether the number still stands for what is watched.
    private func isMeant(_ watched: Watched, of pid: Int32) -> Bool {
        guard let inode = watched.inode else { return true }
        guard let target = link(watched.descriptor, of: pid) else { return false }
        if let own = ProcFS.inode("pipe", target) ?? ProcFS.inode("socket", target) { return own == inode }
        if let file = fifo(watched.descriptor, target, of: pid) { return file.inode == inode }
        return true
    }

    /// struct pollfd: int, short, short. POLLIN 1, POLLPRI 2. A number below 0 is passed over.
    private func polled(_ call: ProcFS.SystemCall, of pid: Int32) -> [Watched]? {
        guard call.arguments[1] <= 65536,
            let bytes = memory(of: pid, at: call.arguments[0], count: 8 * Int(call.arguments[1]))
        else { return nil }
        return bytes.withUnsafeBytes { bytes in
            stride(from: 0, to: bytes.count, by: 8).compactMap { at in
                let descriptor = bytes.loadUnaligned(fromByteOffset: at, as: Int32.self)
                return descriptor < 0 ? nil : Watched(descriptor: descriptor, isReading: bytes[at + 4] & 3 != 0)
            }
        }
    }

    /// fd_set: a bit for each number below the first argument, in words of eight bytes.
    private func selected(_ call: ProcFS.SystemCall, of pid: Int32) -> [Watched]? {
        guard let count = Int32(exactly: call.arguments[0]), (0...65536).contains(count) else { return nil }
        var result: [Int32: Bool] = [:]
        for (index, address) in call.arguments[1...3].enumerated() where address != 0 {
            guard let bytes = memory(of: pid, at: address, count: (Int(count) + 63) / 64 * 8) else { return nil }
            for number in 0..<count where bytes[Int(number / 8)] >> UInt8(number % 8) & 1 != 0 {
                result[number] = result[number] == true || index == 0
            }
        }
        return result.map { Watched(descriptor: $0.key, isReading: $0.value) }.sorted { $0.descriptor < $1.descriptor }
    }

    /// `tfd:        5 events:       19 data:                5  pos:0 ino:3e4a sdev:f`: EPOLLIN 1, EPOLLPRI 2; all but the
    /// descriptor and the position hexadecimal.
    private func epolled(_ call: ProcFS.SystemCall, of pid: Int32) -> [Watched]? {
        guard let descriptor = Int32(exactly: call.arguments[0]),
            let bytes = try? ProcFile.read(
                "\(procfs.path(of: pid))/fdinfo/\(descriptor)", limit: ProcFS.Limit.descriptors)
        else { return nil }
        return bytes.withUnsafeBufferPointer { buffer in
            var result: [Watched] = []
            var scanner = ByteScanner(buffer)
            while var line = scanner.line() {
                guard line.skip("tfd:"), let number = line.blankThenInt32(), let word = line.word(),
                    word.elementsEqual("events:".utf8), let events = line.blankThenHexadecimal()
                else { continue }
                var one = Watched(descriptor: number, isReading: events & 3 != 0)
                while let word = line.word() {
                    var part = ByteScanner(word)
                    if part.skip("ino:") { one.inode = part.hexadecimal() }
                }
                result.append(one)
            }
            return result
        }
    }
}
