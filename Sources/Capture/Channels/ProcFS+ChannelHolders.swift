package import Model
import SystemPackage

extension ProcFS {
    /// Which of these processes have which pipes and sockets open: the one place where numbers become processes.
    package func channelHolders(among pids: [Int32]) -> ChannelHolders {
        var result = ChannelHolders()
        for pid in pids {
            do {
                result.take(try channelDescriptors(of: pid, .pipesAndSockets), of: pid)
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
            default: break
            }
        }
    }
}
