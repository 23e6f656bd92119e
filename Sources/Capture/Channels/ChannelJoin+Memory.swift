import Model

/// Memory that several processes have, and System V's objects.
extension ChannelJoin {
    /// What memory is told apart by. The inode of a System V segment is its number, and each IPC namespace counts anew.
    enum MemoryKey: Hashable {
        case file(Mapping.FileID)
        case segment(ipc: UInt64, id: UInt64)
    }

    struct SystemFiveKey: Hashable {
        var kind: Channel.Kind
        var ipc: UInt64
        var id: Int32
    }

    private struct Group {
        var name: [UInt8]
        var memory: Channel.Memory
        var isDeleted: Bool
        var bytes: UInt64 = 0
        var isWritable = false
        var ends: [Channel.End] = []
        var processes = 0
    }

    static func key(_ mapping: Mapping, _ process: ProcessChannels) -> MemoryKey? {
        if mapping.isSegment { return .segment(ipc: process.ipc ?? 0, id: mapping.inode) }
        return mapping.file.map { .file($0) }
    }

    mutating func joinMemory() {
        var groups: [MemoryKey: Group] = [:]
        for process in facts.processes {
            for mapping in process.mappings { take(mapping, process, &groups) }
            for descriptor in process.descriptors {
                guard case .memory(let file, let isMemfd) = descriptor.thing else { continue }
                take(file, isMemfd: isMemfd, descriptor, process.pid, &groups)
            }
        }
        let files = groups.compactMap { key, group -> (key: Mapping.FileID, group: Group)? in
            if case .file(let file) = key { (file, group) } else { nil }
        }
        for (file, group) in files.sorted(by: { ($0.key.device, $0.key.inode) < ($1.key.device, $1.key.inode) }) {
            // A file that nobody writes to by its mapping is read like any other.
            guard group.processes > 1, group.isWritable || group.memory != .file else { continue }
            add(group, file)
        }
        for namespace in facts.systemFive.keys.sorted() {
            for segment in facts.systemFive[namespace]?.segments ?? [] {
                let group = groups[.segment(ipc: namespace, id: UInt64(UInt32(bitPattern: segment.id)))]
                addSegment(segment, group?.ends ?? [], namespace)
            }
        }
    }

    private func take(_ mapping: Mapping, _ process: ProcessChannels, _ groups: inout [MemoryKey: Group]) {
        guard let key = ChannelJoin.key(mapping, process) else { return }
        let name = ProcFS.withoutMark(mapping.nameBytes)
        var group =
            groups[key]
            ?? Group(name: name, memory: mapping.memory, isDeleted: name.count != mapping.nameBytes.count)
        groups[key] = nil
        let (end, overflow) = mapping.fileOffset.addingReportingOverflow(mapping.range.count)
        if !overflow { group.bytes = max(group.bytes, end) }
        let isWritable = mapping.permissions.contains(.write)
        group.isWritable = group.isWritable || isWritable
        if group.ends.last?.pid != process.pid {
            group.ends.append(Channel.End(pid: process.pid, role: isWritable ? .map : .read))
            group.processes += 1
        } else if isWritable {
            group.ends[group.ends.count - 1].role = .map
        }
        groups[key] = group
    }

    private func take(
        _ file: ChannelDescriptor.NamedFile, isMemfd: Bool, _ descriptor: ChannelDescriptor, _ pid: Int32,
        _ groups: inout [MemoryKey: Group]
    ) {
        let name = ProcFS.withoutMark(file.path)
        let key = MemoryKey.file(file.file)
        var group = groups[key] ?? Group(name: name, memory: isMemfd ? .memfd : .posix, isDeleted: file.isDeleted)
        groups[key] = nil
        group.bytes = max(group.bytes, file.sizeBytes)
        if let last = group.ends.last, last.pid == pid, last.fd == nil {
            group.ends[group.ends.count - 1].fd = descriptor.number
        } else {
            if group.ends.last?.pid != pid { group.processes += 1 }
            group.ends.append(
                ChannelJoin.end(.init(pid: pid, descriptor: descriptor.number, access: descriptor.access)))
        }
        groups[key] = group
    }

    static let semaphorePrefix = Array("/dev/shm/sem.".utf8)

    private mutating func add(_ group: Group, _ file: Mapping.FileID) {
        let isSemaphore = group.name.starts(with: ChannelJoin.semaphorePrefix)
        var channel = Channel(isSemaphore ? .semaphore : .sharedMemory, identity: "")
        channel.ends = group.ends
        for index in channel.ends.indices { channel.ends[index].side = 0 }
        channel.size = Int(clamping: group.bytes)
        var (name, isDeleted) = (group.name, group.isDeleted)
        if let known = facts.semaphores[file] { (name, isDeleted, channel.value) = (known.path, false, known.value) }
        if isSemaphore {
            channel.name = [UInt8(ascii: "/")] + name.dropFirst(ChannelJoin.semaphorePrefix.count)
        } else {
            channel.memory = group.memory
            channel.name = group.memory == .anonymous ? [] : group.name
        }
        switch group.memory {
        case .anonymous: channel.identity = "anonymous:[\(file.inode)]"
        // Names of these are labels: any two may have the same.
        case .memfd: channel.identity = "\(String(decoding: group.name, as: UTF8.self)):[\(file.inode)]"
        default: channel.identity = String(decoding: isSemaphore ? channel.name : group.name, as: UTF8.self)
        }
        if isDeleted, group.memory != .anonymous, group.memory != .memfd { channel.details.insert(.deleted) }
        memoryPlaces[.file(file)] = add(channel, distinguishedBy: file.text)
    }

    private mutating func addSegment(_ segment: SystemFiveObjects.Segment, _ ends: [Channel.End], _ namespace: UInt64) {
        var channel = Channel(.sharedMemory, identity: "shmid \(segment.id) key \(ChannelJoin.text(key: segment.key))")
        channel.memory = .sysv
        channel.ends = ends
        channel.size = segment.bytes
        channel.owner = segment.user
        if segment.attached > ends.count, hasUnseen { channel.details.insert(.otherEndUnseen) }
        noteNamespace(namespace, &channel)
        memoryPlaces[.segment(ipc: namespace, id: UInt64(UInt32(bitPattern: segment.id)))] = add(
            channel, distinguishedBy: "ipc:[\(namespace)]")
    }

    mutating func joinSystemFive() {
        for namespace in facts.systemFive.keys.sorted() {
            guard let objects = facts.systemFive[namespace] else { continue }
            for queue in objects.queues {
                var channel = Channel(
                    .sysvMessages, identity: "msqid \(queue.id) key \(ChannelJoin.text(key: queue.key))")
                if isUser(queue.sender, at: queue.sent) {
                    channel.ends.append(.init(pid: queue.sender, role: .used, side: 0))
                }
                if isUser(queue.receiver, at: queue.received) {
                    channel.ends.append(.init(pid: queue.receiver, role: .used, side: 1))
                }
                channel.waiting = queue.bytes
                channel.capacity = queue.capacityBytes
                channel.messages = queue.messages
                channel.owner = queue.user
                channel.state = queue.messages > 0 ? .unread : .idle
                channel.since = seconds(since: max(queue.sent, queue.received))
                noteLastUsers(namespace, &channel)
                systemFivePlaces[.init(kind: .sysvMessages, ipc: namespace, id: queue.id)] = add(
                    channel, distinguishedBy: "ipc:[\(namespace)]")
            }
            for set in objects.sets {
                var channel = Channel(
                    .sysvSemaphores, identity: "semid \(set.id) key \(ChannelJoin.text(key: set.key))")
                channel.ends = set.users.filter { isUser($0, at: set.used) }.map { .init(pid: $0, role: .used) }
                channel.semaphores = set.count
                channel.owner = set.user
                channel.since = seconds(since: set.used)
                noteLastUsers(namespace, &channel)
                systemFivePlaces[.init(kind: .sysvSemaphores, ipc: namespace, id: set.id)] = add(
                    channel, distinguishedBy: "ipc:[\(namespace)]")
            }
        }
    }

    private func noteLastUsers(_ namespace: UInt64, _ channel: inout Channel) {
        channel.sure = false
        channel.doubt = "the kernel only notes who used it last"
        noteNamespace(namespace, &channel)
    }

    private func noteNamespace(_ namespace: UInt64, _ channel: inout Channel) {
        if namespace != facts.ipc { channel.details.insert(.namespace("ipc:[\(namespace)]")) }
    }

    /// Whether that number still means who used it then: that one lives, and had started.
    private func isUser(_ pid: Int32, at moment: Double) -> Bool {
        guard pid > 0, let process = process(pid), !process.isZombie else { return false }
        guard facts.booted > 0, moment > 0 else { return true }
        // The start of the machine is rounded to seconds.
        return facts.booted + Double(process.identity.startTicks) / facts.ticksPerSecond <= moment + 2
    }

    /// "0x2a", as ipcs(1) shows it.
    static func text(key: Int32) -> String { "0x" + String(UInt32(bitPattern: key), radix: 16) }
}

extension Mapping {
    /// "/SYSV0000002a (deleted)", of a file system that is mounted nowhere.
    var isSegment: Bool { nameBytes.starts(with: "/SYSV".utf8) && deviceMajor == 0 && nameBytes.count == 23 }

    fileprivate var memory: Channel.Memory {
        if nameBytes.starts(with: "/dev/shm/".utf8) { return .posix }
        if nameBytes.starts(with: "/memfd:".utf8) { return .memfd }
        if nameBytes.starts(with: "/dev/zero".utf8) { return .anonymous }
        return isSegment ? .sysv : .file
    }
}
