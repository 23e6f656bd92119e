import Glibc
import Kernel
import Model

extension ProcFS {
    /// The named semaphores that processes have in their memory: by which path each can be opened, and its value.
    ///
    /// sem_open makes a semaphore under a name of its own, gives it the wanted one, and takes the first away (glibc 2.36
    /// sysdeps/pthread/sem_open.c): the kernel goes on showing the first, as deleted. Which one it can be opened by is looked
    /// for in the folder.
    func namedSemaphores(_ processes: [ProcessChannels]) -> [Mapping.FileID: (path: [UInt8], value: UInt64?)] {
        var wanted: [Mapping.FileID: Int32] = [:]
        for process in processes {
            for mapping in process.mappings where mapping.nameBytes.starts(with: ChannelJoin.semaphorePrefix) {
                if let file = mapping.file { wanted[file] = wanted[file] ?? process.pid }
            }
        }
        var result: [Mapping.FileID: (path: [UInt8], value: UInt64?)] = [:]
        for pid in Set(wanted.values).sorted() {
            // Another one's folder may have been the same.
            guard wanted.contains(where: { $0.value == pid && result[$0.key] == nil }) else { continue }
            let folder = "\(path(of: pid))/root/dev/shm"
            for name in (try? ProcFile.entries(folder, limit: Limit.threads)) ?? [] where name.starts(with: "sem.".utf8)
            {
                let path = "\(folder)/\(String(decoding: name, as: UTF8.self))"
                guard let facts = FileFacts(folder: AT_FDCWD, name: path) else { continue }
                let file = Mapping.FileID(
                    deviceMajor: facts.deviceMajor, deviceMinor: facts.deviceMinor, inode: facts.inode)
                guard wanted[file] != nil else { continue }
                result[file] = (Array("/dev/shm/".utf8) + name, ProcFS.semaphoreValue(path))
            }
        }
        return result
    }

    /// glibc 2.36 sysdeps/nptl/internaltypes.h, struct new_sem: the value is the lower half of the first eight bytes, how many
    /// wait the upper one.
    private static func semaphoreValue(_ path: String) -> UInt64? {
        guard let bytes = try? ProcFile.read(path, limit: 8), bytes.count == 8 else { return nil }
        return bytes.withUnsafeBytes { UInt64($0.loadUnaligned(as: UInt32.self)) }
    }
}
