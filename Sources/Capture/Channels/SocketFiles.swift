import Model

/// The sockets as /proc/PID/net shows them in text (man 5 proc_pid_net): what there is where the kernel refuses sock_diag.
/// Unix sockets have no peers there.
enum SocketFiles {
    /// `net/tcp`, `tcp6`, `udp` or `udp6`:
    /// `   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 12345 1 …`
    static func internet(_ bytes: [UInt8], _ transport: Socket.Transport) -> [Socket] {
        var result: [Socket] = []
        bytes.withUnsafeBufferPointer { buffer in
            var scanner = ByteScanner(buffer)
            while var line = scanner.line() {
                line.skipBlanks()
                guard line.decimal() != nil, line.skip(": "), let local = address(&line), line.skip(" "),
                    let remote = address(&line), line.skip(" "),
                    let number = line.hexadecimal().flatMap({ UInt8(exactly: $0) }), line.skip(" "),
                    let sent = line.hexadecimal(), line.skip(":"), let received = line.hexadecimal(),
                    // Timer and retransmissions.
                    line.word() != nil, line.word() != nil, let user = line.blankThenInt32(), line.word() != nil
                else { continue }
                line.skipBlanks()
                // TIME_WAIT: nobody's any more.
                guard let inode = line.decimal(), number != 6 else { continue }
                var socket = Socket(inode: inode, transport: transport, state: SocketMessages.state(number))
                socket.local = local
                if case .internet(_, let port) = remote, port != 0 { socket.remote = remote }
                socket.receiveQueue = received
                socket.sendQueue = sent
                socket.user = UInt32(bitPattern: user)
                result.append(socket)
            }
        }
        return result
    }

    /// `net/unix`: `0000000000000000: 00000002 00000000 00010000 0001 01 12345 /run/x`; an abstract name starts with @.
    static func unix(_ bytes: [UInt8]) -> [Socket] {
        var result: [Socket] = []
        bytes.withUnsafeBufferPointer { buffer in
            var scanner = ByteScanner(buffer)
            while var line = scanner.line() {
                guard line.hexadecimal() != nil, line.skip(": "), line.word() != nil, line.word() != nil,
                    line.skip(" "), let flags = line.hexadecimal(), line.skip(" "),
                    let type = line.hexadecimal().flatMap({ UInt8(exactly: $0) }),
                    let transport = SocketMessages.transport(unix: type), line.skip(" "),
                    let number = line.hexadecimal()
                else { continue }
                line.skipBlanks()
                guard let inode = line.decimal() else { continue }
                // SS_UNCONNECTED 1, SS_CONNECTING 2, SS_CONNECTED 3, SS_DISCONNECTING 4; __SO_ACCEPTCON.
                let states: [Socket.State] = [.unconnected, .unconnected, .connecting, .connected]
                let state: Socket.State =
                    flags & 0x10000 != 0 ? .listening : number < 4 ? states[Int(number)] : .closing
                var socket = Socket(inode: inode, transport: transport, state: state)
                if line.skip(" ") {
                    let name = Array(line.rest)
                    socket.local = name.first == UInt8(ascii: "@") ? .abstract(Array(name.dropFirst())) : .path(name)
                }
                result.append(socket)
            }
        }
        return result
    }

    /// `0100007F:1F90`: words of the machine's own order, each of four bytes in the order of the network.
    private static func address(_ line: inout ByteScanner) -> SocketAddress? {
        let start = line.rest
        guard let before = start.firstIndex(of: UInt8(ascii: ":")), before == 8 || before == 32 else { return nil }
        var words: [UInt32] = []
        for word in stride(from: 0, to: before, by: 8) {
            guard
                let value = UInt32(String(decoding: start[word..<(word + 8)], as: UTF8.self), radix: 16)
            else { return nil }
            words.append(UInt32(bigEndian: value))
        }
        guard line.upTo(UInt8(ascii: ":")) != nil, let port = line.hexadecimal().flatMap({ UInt16(exactly: $0) })
        else { return nil }
        let address =
            words.count == 1
            ? InternetAddress(v4: words[0])
            : InternetAddress(
                high: UInt64(words[0]) << 32 | UInt64(words[1]), low: UInt64(words[2]) << 32 | UInt64(words[3]))
        return .internet(address, port: port)
    }
}
