import Model

extension WaitLook {
    /// A wait for one descriptor.
    /// - Parameters:
    ///   - purpose: nil where the call neither reads nor writes.
    ///   - call: of connect, whose address tells to whom where the socket does not yet.
    func take(
        _ descriptor: Int32?, _ purpose: SocketWait.Purpose?, _ reason: inout WaitReason,
        _ call: ProcFS.SystemCall? = nil
    ) {
        reason.descriptor = descriptor
        let pid = reason.process.pid
        guard let descriptor, let target = try? ProcFile.link("\(procfs.path(of: pid))/fd/\(descriptor)") else {
            return
        }
        reason.cause = .descriptor(target: target)
        if let inode = ProcFS.inode("pipe", target), let purpose {
            let isReading = purpose == .receive
            let others = pipeHolders(inode, writing: isReading)
            reason.awaited = awaited(others.filter { $0 != pid })
            reason.cause = .pipe(inode: inode, isReading: isReading, isOwn: others == [pid])
        } else if let inode = ProcFS.inode("socket", target) {
            takeSocket(inode, purpose ?? .receive, &reason, call)
        }
    }

    private func pipeHolders(_ inode: UInt64, writing: Bool) -> [Int32] {
        let able = (holders.pipes[inode] ?? []).filter { writing ? $0.writes : $0.reads }
        return Set(able.map(\.pid)).sorted()
    }

    private func takeSocket(
        _ inode: UInt64, _ purpose: SocketWait.Purpose, _ reason: inout WaitReason, _ call: ProcFS.SystemCall?
    ) {
        let pid = reason.process.pid
        let table = sockets(of: pid)
        var wait = SocketWait(purpose, socket: table[inode])
        defer { reason.cause = .socket(wait) }
        guard let socket = wait.socket else { return }
        wait.name = socket.transport.isUnix ? socket.local : socket.remote
        if socket.state == .listening {
            (wait.purpose, wait.name) = (.accept, socket.local)
            return
        }
        if socket.state == .connecting { wait.purpose = .connect }
        wait.isServer = table.isServer(socket)
        var peer = table.peer(of: inode)
        if peer == nil, purpose == .connect, let call, let name = unixName(givenTo: call, of: pid) {
            // Until the listener has room, the kernel knows of the connection only as the call's argument.
            wait.name = name
            peer = SocketTable.Peer(table.bound(to: name), isAccepted: false)
        }
        guard let peer, !peer.inodes.isEmpty else { return }
        wait.isPending = !peer.isAccepted
        if let other = peer.inodes.first.flatMap({ table[$0] }) {
            if peer.isAccepted { wait.unreadBytes = other.receiveQueue }
            if wait.name == .unnamed { wait.name = other.local }
        }
        let pids = holders.processes(ofSockets: peer.inodes)
        reason.awaited = awaited(pids.filter { $0 != pid })
        wait.isOwn = pids == [pid]
    }

    /// connect's second argument: sa_family_t, then `sun_path` (man 7 unix).
    private func unixName(givenTo call: ProcFS.SystemCall, of pid: Int32) -> SocketAddress? {
        guard call.arguments.count >= 3, let length = Int(exactly: call.arguments[2]), (3...110).contains(length),
            let bytes = memory(of: pid, at: call.arguments[1], count: length), bytes[0] == 1, bytes[1] == 0
        else { return nil }
        return SocketAddress(unixName: Array(bytes[2...]))
    }

    func memory(of pid: Int32, at address: UInt64, count: Int) -> [UInt8]? {
        try? ProcFile.read(procfs.path(of: pid) + "/mem", at: address, count: count)
    }

    /// Of poll, select and epoll: which descriptors, and whether a time ends it.
    func takeSeveral(_ call: ProcFS.SystemCall, named name: String, _ reason: inout WaitReason) {
        reason.cause = .descriptors([:])
        guard call.arguments.count >= 5 else { return }
        let watched: [Watched]?
        let pid = reason.process.pid
        switch name {
        case "poll":
            reason.hasTimeout = Int32(truncatingIfNeeded: call.arguments[2]) >= 0
            watched = polled(call, of: pid)
        case "ppoll":
            reason.hasTimeout = call.arguments[2] != 0
            watched = polled(call, of: pid)
        case "select", "pselect6":
            reason.hasTimeout = call.arguments[4] != 0
            watched = selected(call, of: pid)
        case "epoll_pwait2":
            reason.hasTimeout = call.arguments[3] != 0
            watched = epolled(call, of: pid)
        default:
            reason.hasTimeout = Int32(truncatingIfNeeded: call.arguments[3]) >= 0
            watched = epolled(call, of: pid)
        }
        guard let watched else { return }
        if watched.count == 1 {
            take(watched[0].descriptor, watched[0].isReading ? .receive : .send, &reason)
            return
        }
        var kinds: [String: Int] = [:]
        for one in watched.prefix(1024) {
            let target = try? ProcFile.link("\(procfs.path(of: pid))/fd/\(one.descriptor)")
            kinds[target.map(ProcFS.descriptorKind) ?? "closed descriptor", default: 0] += 1
        }
        if watched.count > 1024 { kinds = ["descriptor": watched.count] }
        reason.cause = .descriptors(kinds)
    }

    private struct Watched {
        var descriptor: Int32
        var isReading: Bool
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
        return result.map { Watched(descriptor: $0.key, isReading: $0.value) }
    }

    /// `tfd:        5 events:       19 data: …`: EPOLLIN 1, EPOLLPRI 2, hexadecimal.
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
                result.append(Watched(descriptor: number, isReading: events & 3 != 0))
            }
            return result
        }
    }
}
