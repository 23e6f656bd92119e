import Model

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
                for socket in SocketFiles.internet(bytes, .tcp) where socket.state == .listening && socket.inode != 0 {
                    if case .internet(_, port) = socket.local { result.insert(socket.inode) }
                }
            }
        }
        return result
    }

    /// The processes that have one of these sockets open.
    func holders(of inodes: Set<UInt64>, among pids: [Int32]) -> SocketHolders {
        let holders = channelHolders(among: pids)
        return SocketHolders(pids: holders.processes(ofSockets: inodes), unreadable: holders.unreadable.count)
    }
}
