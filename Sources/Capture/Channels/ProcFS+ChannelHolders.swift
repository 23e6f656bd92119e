package import Model
import SystemPackage

extension ProcFS {
    /// Which of these processes have which pipes and sockets open: the one place where numbers become processes.
    package func channelHolders(among pids: [Int32]) -> ChannelHolders {
        var result = ChannelHolders()
        for pid in pids {
            do {
                try ProcFile.eachLink(path(of: pid) + "/fd", limit: Limit.descriptors) { descriptor, target in
                    var scanner = ByteScanner(target)
                    let holder = ChannelHolders.Holder(pid: pid, descriptor: descriptor)
                    if scanner.skip("socket:["), let inode = scanner.decimal() {
                        result.sockets[inode, default: []].append(holder)
                    } else if scanner.skip("pipe:["), let inode = scanner.decimal() {
                        result.pipes[inode, default: []].append(holder)
                    }
                }
            } catch {
                if error != .noSuchFileOrDirectory, error != .noSuchProcess { result.unreadable.append(pid) }
            }
        }
        return result
    }

    /// How a descriptor was opened (O_RDONLY 0, O_WRONLY 1, O_RDWR 2): the last octal digit of `flags` in its fdinfo. nil
    /// where that may not be read.
    func accessMode(of holder: ChannelHolders.Holder) -> UInt8? {
        guard let bytes = try? ProcFile.read("\(path(of: holder.pid))/fdinfo/\(holder.descriptor)", limit: 512) else {
            return nil
        }
        return bytes.withUnsafeBufferPointer { buffer in
            var scanner = ByteScanner(buffer)
            while var line = scanner.line() {
                if line.skip("flags:"), let word = line.word(), let last = word.last {
                    return (last &- UInt8(ascii: "0")) & 3
                }
            }
            return nil
        }
    }
}
