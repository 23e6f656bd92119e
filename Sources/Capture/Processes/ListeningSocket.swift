/// A line of `/proc/net/tcp` or `tcp6` in state LISTEN (man 5 proc_pid_net).
struct ListeningSocket: Hashable {
    var port: UInt16
    var inode: UInt64

    /// `   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 12345 1 …`
    static func parse(_ bytes: [UInt8]) -> [ListeningSocket] {
        var result: [ListeningSocket] = []
        bytes.withUnsafeBufferPointer { buffer in
            var scanner = ByteScanner(buffer)
            while var line = scanner.line() {
                line.skipBlanks()
                guard line.decimal() != nil, line.skip(": "), line.upTo(UInt8(ascii: ":")) != nil,
                    let port = line.hexadecimal().flatMap({ UInt16(exactly: $0) }),
                    line.word() != nil, let state = line.word(), state.elementsEqual("0A".utf8)
                else { continue }
                // Queues, timer, retransmissions, user and timeout stand before the inode.
                guard (0..<5).allSatisfy({ _ in line.word() != nil }) else { continue }
                line.skipBlanks()
                if let inode = line.decimal(), inode != 0 { result.append(ListeningSocket(port: port, inode: inode)) }
            }
        }
        return result
    }
}

/// Who holds one of a set of sockets.
struct SocketHolders {
    var pids: [Int32] = []
    /// Processes whose descriptors may not be read.
    var unreadable = 0
}

extension ProcFS {
    /// The inodes of the sockets that listen on a TCP port, in nusu's own network namespace and those of the processes
    /// whose namespace can be told.
    func listeners(on port: UInt16, among pids: [Int32]) -> Set<UInt64> {
        var namespaces: Set<String> = []
        var folders = [root + "/self/net"]
        if let own = try? ProcFile.link(root + "/self/ns/net") {
            namespaces.insert(String(decoding: own, as: UTF8.self))
        }
        for pid in pids {
            guard let namespace = namespace("net", of: pid), namespaces.insert(namespace).inserted else { continue }
            folders.append(path(of: pid) + "/net")
        }
        var result: Set<UInt64> = []
        for folder in folders {
            for file in ["/tcp", "/tcp6"] {
                guard let bytes = try? ProcFile.read(folder + file, limit: Limit.maps) else { continue }
                for socket in ListeningSocket.parse(bytes) where socket.port == port { result.insert(socket.inode) }
            }
        }
        return result
    }

    /// The processes that have one of these sockets open.
    func holders(of inodes: Set<UInt64>, among pids: [Int32]) -> SocketHolders {
        let links = Set(inodes.map { Array("socket:[\($0)]".utf8) })
        var result = SocketHolders()
        for pid in pids {
            let base = path(of: pid) + "/fd"
            guard let names = try? ProcFile.entries(base, limit: Limit.descriptors) else {
                result.unreadable += 1
                continue
            }
            let holds = names.contains { name in
                (try? ProcFile.link(base + "/" + String(decoding: name, as: UTF8.self))).map(links.contains) ?? false
            }
            if holds { result.pids.append(pid) }
        }
        return result
    }
}
