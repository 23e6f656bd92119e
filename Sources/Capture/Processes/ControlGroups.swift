package import Model

/// One memory control group and what it still lets in.
package struct MemoryCgroup: Hashable, Sendable {
    /// The group's folder as nusu sees it.
    package let path: String
    /// memory.max, or memory.limit_in_bytes of version 1; nil: no limit.
    package let limitBytes: UInt64?
    /// memory.high: above it the kernel slows the group down; nil: none, or version 1.
    package let highBytes: UInt64?
    /// memory.current, or memory.usage_in_bytes of version 1; nil where it cannot be read.
    package let usageBytes: UInt64?
    /// The part of the usage that is page cache, which the kernel gives back before it ends a process (memory.stat: file
    /// without shmem; version 1: total_cache without total_shmem); nil where it cannot be read.
    package let cacheBytes: UInt64?
}

/// One pids control group.
package struct PidsCgroup: Hashable, Sendable {
    package let path: String
    /// pids.max; nil: no limit.
    package let limit: UInt64?
    /// pids.current: processes and threads.
    package let count: UInt64?
}

extension ProcFS {
    /// The memory control group of a process and every ancestor of it that nusu can see, innermost first, version 1 and 2.
    ///
    /// Groups above the root of nusu's own cgroup namespace cannot be seen, but the group at that root is. Empty where
    /// no such hierarchy is mounted.
    package func memoryCgroups(of pid: Int32) throws(Failure) -> [MemoryCgroup] {
        try groups(of: pid, controller: "memory").compactMap { memoryGroup($0) }
    }

    /// The same for the number of processes.
    package func pidsCgroups(of pid: Int32) throws(Failure) -> [PidsCgroup] {
        try groups(of: pid, controller: "pids").compactMap { group in
            // The root of a hierarchy has no limit and no such file.
            guard let limit = text(group.path + "/pids.max") else { return nil }
            return PidsCgroup(
                path: group.path, limit: limit == "max" ? nil : UInt64(limit),
                count: number(inFile: group.path + "/pids.current"))
        }
    }

    /// `/proc/PID/cgroup`: the group's path in each hierarchy, as bytes (a container's identifier stands in it).
    package func cgroupPaths(of pid: Int32) throws(Failure) -> [[UInt8]] {
        let bytes = try read("cgroup", of: pid, limit: Limit.small)
        return CgroupMembership.parse(bytes).map(\.path)
    }

    struct Group {
        var path: String
        var isUnified: Bool
        /// Its name in the hierarchy, raw bytes: "/docker/3f9c".
        var name: [UInt8]
        /// It is the whole machine's, as far as can be seen.
        var isRoot: Bool { name == [UInt8(ascii: "/")] }
    }

    private func memoryGroup(_ group: Group) -> MemoryCgroup? {
        let path = group.path
        let statistics = text(path + "/memory.stat").map(ProcFS.statistics)
        if group.isUnified {
            guard let limit = text(path + "/memory.max") else { return nil }
            let high = text(path + "/memory.high")
            return MemoryCgroup(
                path: path, limitBytes: limit == "max" ? nil : UInt64(limit),
                highBytes: high == "max" ? nil : high.flatMap { UInt64($0) },
                usageBytes: number(inFile: path + "/memory.current"),
                cacheBytes: ProcFS.difference(statistics?["file"], statistics?["shmem"]))
        }
        guard let limit = number(inFile: path + "/memory.limit_in_bytes") else { return nil }
        return MemoryCgroup(
            // "No limit" of version 1 is PAGE_COUNTER_MAX, LONG_MAX rounded down to a page.
            path: path, limitBytes: limit >= 1 << 62 ? nil : limit, highBytes: nil,
            usageBytes: number(inFile: path + "/memory.usage_in_bytes"),
            cacheBytes: ProcFS.difference(statistics?["total_cache"], statistics?["total_shmem"]))
    }

    /// The folders of a process's group and its ancestors in the hierarchies that have `controller`, innermost first.
    func groups(of pid: Int32, controller: String) throws(Failure) -> [Group] {
        let memberships = CgroupMembership.parse(try read("cgroup", of: pid, limit: Limit.small))
        let mounts = CgroupMount.parse((try? ProcFile.read(root + "/self/mountinfo", limit: Limit.maps)) ?? [])
        var result: [Group] = []
        for membership in memberships {
            guard membership.isUnified || membership.controllers.contains(controller) else { continue }
            for mount in mounts
            where mount.isUnified == membership.isUnified
                && (mount.isUnified || mount.options.contains(controller))
            {
                guard let folders = mount.folders(of: membership.path), result.count < 1024 else { continue }
                result += zip(folders, membership.names).map {
                    Group(path: systemRoot + $0, isUnified: mount.isUnified, name: $1)
                }
                break
            }
        }
        return result
    }

    func text(_ path: String) -> String? {
        guard let bytes = try? ProcFile.read(path, limit: Limit.small) else { return nil }
        return String(decoding: bytes.last == UInt8(ascii: "\n") ? bytes.dropLast() : bytes[...], as: UTF8.self)
    }

    static func statistics(_ text: String) -> [String: UInt64] {
        var result: [String: UInt64] = [:]
        for line in text.split(separator: "\n").prefix(1024) {
            let parts = line.split(separator: " ")
            if parts.count == 2, let value = UInt64(parts[1]) { result[String(parts[0])] = value }
        }
        return result
    }

    static func difference(_ whole: UInt64?, _ part: UInt64?) -> UInt64? {
        guard let whole else { return nil }
        return whole - min(whole, part ?? 0)
    }
}

/// A line of `/proc/PID/cgroup` (man 7 cgroups): `4:memory:/docker/3f9c`, or `0::/system.slice/api.service` for version 2.
struct CgroupMembership: Hashable {
    var controllers: [String]
    var path: [UInt8]
    var isUnified: Bool

    /// The group's name and those of its ancestors, innermost first: "/a/b", "/a", "/".
    var names: [[UInt8]] {
        let slash = UInt8(ascii: "/")
        let parts = path.split(separator: slash)
        return (0...parts.count).reversed().map { depth in
            depth == 0 ? [slash] : parts[..<depth].reduce([]) { $0 + [slash] + $1 }
        }
    }

    static func parse(_ bytes: [UInt8]) -> [CgroupMembership] {
        var result: [CgroupMembership] = []
        bytes.withUnsafeBufferPointer { buffer in
            var scanner = ByteScanner(buffer)
            while var line = scanner.line(), result.count < 256 {
                guard let number = line.decimal(), line.skip(UInt8(ascii: ":")),
                    let names = line.upTo(UInt8(ascii: ":")), line.peek == UInt8(ascii: "/")
                else { continue }
                let controllers = names.split(separator: UInt8(ascii: ",")).map { String(decoding: $0, as: UTF8.self) }
                result.append(
                    CgroupMembership(
                        controllers: controllers, path: Array(line.rest), isUnified: number == 0 && names.isEmpty))
            }
        }
        return result
    }
}

/// A mount of a cgroup hierarchy, from `/proc/self/mountinfo` (man 5 proc_pid_mountinfo).
struct CgroupMount: Hashable {
    /// The group that stands at the mount point.
    var root: [UInt8]
    var mountPoint: [UInt8]
    /// The super block's options; for version 1 they hold the controllers.
    var options: [String]
    var isUnified: Bool

    /// `36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue`
    static func parse(_ bytes: [UInt8]) -> [CgroupMount] {
        var result: [CgroupMount] = []
        bytes.withUnsafeBufferPointer { buffer in
            var scanner = ByteScanner(buffer)
            while var line = scanner.line(), result.count < 256 {
                guard line.word() != nil, line.word() != nil, line.word() != nil, let root = line.word(),
                    let point = line.word()
                else { continue }
                var isBeforeType = true
                while isBeforeType, let word = line.word() { isBeforeType = !word.elementsEqual("-".utf8) }
                guard let type = line.word() else { continue }
                let isUnified = type.elementsEqual("cgroup2".utf8)
                guard isUnified || type.elementsEqual("cgroup".utf8) else { continue }
                guard line.word() != nil, let options = line.word() else { continue }
                result.append(
                    CgroupMount(
                        root: undoingOctalEscapes(root), mountPoint: undoingOctalEscapes(point),
                        options: options.split(separator: UInt8(ascii: ",")).map {
                            String(decoding: $0, as: UTF8.self)
                        },
                        isUnified: isUnified))
            }
        }
        return result
    }

    /// The folders of the group `path` and of its ancestors down to the mount point, innermost first; nil where the
    /// group does not lie under what is mounted here.
    func folders(of path: [UInt8]) -> [String]? {
        let slash = UInt8(ascii: "/")
        let own = root == [slash] ? [] : root
        guard path.starts(with: own), path.count == own.count || path[own.count] == slash else { return nil }
        let parts = path[own.count...].split(separator: slash)
        // A group outside nusu's cgroup namespace is written with "/.." in front: its folder is not under this mount.
        guard parts.count < 128, !parts.contains(where: { $0.elementsEqual("..".utf8) }) else { return nil }
        let base = String(decoding: mountPoint, as: UTF8.self)
        return (0...parts.count).reversed().map { depth in
            parts[..<depth].reduce(base) { $0 + "/" + String(decoding: $1, as: UTF8.self) }
        }
    }
}
