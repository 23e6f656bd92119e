package import Model
import SystemPackage

extension ProcFS {
    /// Which of these processes have which pipes and sockets open: the one place where numbers become processes.
    package func channelHolders(among pids: [Int32]) -> ChannelHolders { channelHolders(among: pids, .pipesAndSockets) }

    func channelHolders(among pids: [Int32], _ depth: ChannelDepth) -> ChannelHolders {
        var result = ChannelHolders()
        for pid in pids {
            do {
                result.take(try channelDescriptors(of: pid, depth), of: pid)
            } catch {
                if error != .noSuchFileOrDirectory, error != .noSuchProcess { result.unreadable.append(pid) }
            }
        }
        return result
    }
}

extension ChannelHolders {
    /// Adds a process's descriptors.
    mutating func take(_ descriptors: [ChannelDescriptor], of pid: Int32) {
        for descriptor in descriptors {
            let holder = Holder(pid: pid, descriptor: descriptor.number, access: descriptor.access)
            switch descriptor.thing {
            case .pipe(let inode): pipes[inode, default: []].append(holder)
            case .socket(let inode): sockets[inode, default: []].append(holder)
            case .fifo(let file): fifos[file.file, default: []].append(holder)
            default: break
            }
        }
    }
}
