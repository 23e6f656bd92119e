import Model

/// FIFOs, terminals, queues, events, and what has no number of its own.
extension ChannelJoin {
    private struct Group {
        var file: ChannelDescriptor.NamedFile
        var holders: [ChannelHolders.Holder] = []
        var controllers: [ChannelHolders.Holder] = []
    }

    private struct Terminal: Hashable {
        var device: UInt64
        var index: UInt32
    }

    mutating func joinNamed() {
        var fifos: [Mapping.FileID: Group] = [:]
        var queues: [Mapping.FileID: Group] = [:]
        var events: [UInt64: (value: UInt64, holders: [ChannelHolders.Holder])] = [:]
        var watchers: [Int32: [ChannelHolders.Holder]] = [:]
        for process in facts.processes {
            for descriptor in process.descriptors {
                let holder = ChannelHolders.Holder(
                    pid: process.pid, descriptor: descriptor.number, access: descriptor.access)
                switch descriptor.thing {
                case .fifo(let file): fifos[file.file, default: Group(file: file)].holders.append(holder)
                case .queue(let file): queues[file.file, default: Group(file: file)].holders.append(holder)
                case .event(let id, let value): events[id, default: (value, [])].holders.append(holder)
                case .process(let pid): watchers[pid, default: []].append(holder)
                default: break
                }
            }
        }
        for group in ChannelJoin.ordered(fifos) { add(group, .fifo, path: group.file.path) }
        joinTerminals()
        for id in events.keys.sorted() {
            guard let event = events[id] else { continue }
            var channel = Channel(.eventfd, identity: "eventfd:[\(id)]", ends: event.holders.map(ChannelJoin.end))
            channel.value = event.value
            add(channel)
        }
        for pid in watchers.keys.sorted() {
            let ends = (watchers[pid] ?? []).map { Channel.End(pid: $0.pid, fd: $0.descriptor, role: .watch) }
            let watched = Channel.End(pid: pid, role: .watched, side: 1)
            add(Channel(.pidfd, identity: "process \(pid)", ends: ends + [watched]))
        }
        for group in ChannelJoin.ordered(queues) {
            let mount = Array("/dev/mqueue".utf8)
            let path =
                group.file.path.starts(with: mount) ? Array(group.file.path.dropFirst(mount.count)) : group.file.path
            add(group, .mqueue, path: path)
        }
    }

    private static func ordered(_ groups: [Mapping.FileID: Group]) -> [Group] {
        groups.values.sorted { $0.file.path.lexicographicallyPrecedes($1.file.path) }
    }

    private mutating func add(_ group: Group, _ kind: Channel.Kind, path: [UInt8]) {
        let name = group.file.isDeleted ? ProcFS.withoutMark(path) : path
        var channel = Channel(
            kind, identity: String(decoding: name, as: UTF8.self), ends: group.holders.map(ChannelJoin.end))
        channel.name = name
        if group.file.isDeleted { channel.details.insert(.deleted) }
        if missesAnEnd(channel.ends) { channel.details.insert(.otherEndUnseen) }
        if kind == .fifo { channel.since = seconds(since: group.file.used) }
        add(channel, distinguishedBy: group.file.file.text)
    }

    func seconds(since moment: Double) -> Double? {
        moment > 0 && facts.now > 0 ? max(0, facts.now - moment) : nil
    }

    /// The master is opened at /dev/ptmx and knows its slave's number, not in which instance of devpts: where that is not told
    /// by its own path, it is the one instance that has such a slave open.
    private mutating func joinTerminals() {
        var groups: [Terminal: Group] = [:]
        var devices: [UInt32: Set<UInt64>] = [:]
        for process in facts.processes {
            for descriptor in process.descriptors {
                guard case .slave(let index, let file) = descriptor.thing else { continue }
                let key = Terminal(device: file.file.device, index: index)
                groups[key, default: Group(file: file)].holders.append(
                    .init(pid: process.pid, descriptor: descriptor.number, access: descriptor.access))
                devices[index, default: []].insert(key.device)
            }
        }
        var guessed: Set<Terminal> = []
        for process in facts.processes {
            for descriptor in process.descriptors {
                let holder = ChannelHolders.Holder(
                    pid: process.pid, descriptor: descriptor.number, access: descriptor.access)
                switch descriptor.thing {
                case .master(let index, let file):
                    let isInside = file.path.suffix(9).elementsEqual("/pts/ptmx".utf8)
                    let known = devices[index] ?? []
                    let device = isInside ? file.file.device : known.min() ?? file.file.device
                    let key = Terminal(device: device, index: index)
                    if !isInside, known.count > 1 { guessed.insert(key) }
                    groups[key, default: Group(file: file)].controllers.append(holder)
                case .controllingTerminal:
                    guard let index = process.terminalIndex, let known = devices[index], let device = known.min()
                    else { continue }
                    groups[Terminal(device: device, index: index)]?.holders.append(holder)
                default: break
                }
            }
        }
        for key in groups.keys.sorted(by: { ($0.index, $0.device) < ($1.index, $1.device) }) {
            guard let group = groups[key] else { continue }
            var channel = Channel(.pty, identity: "pts/\(key.index)")
            channel.name = Array(channel.identity.utf8)
            channel.ends = group.controllers.map { .init(pid: $0.pid, fd: $0.descriptor, role: .both) }
            channel.ends += group.holders.map {
                var end = ChannelJoin.end($0)
                end.side = 1
                return end
            }
            if guessed.contains(key) {
                channel.sure = false
                channel.doubt =
                    "there are several file systems of terminals, and the master does not say of which it is"
            }
            if hasUnseen, group.controllers.isEmpty || group.holders.isEmpty { channel.details.insert(.otherEndUnseen) }
            // The kernel notes the time of a terminal's use every eight seconds.
            if !group.holders.isEmpty { channel.since = seconds(since: group.file.used) }
            add(channel, distinguishedBy: "\(key.device >> 20):\(key.device & 0xfffff)")
        }
    }

    mutating func joinUnnumbered() {
        typealias Group = (thing: ChannelDescriptor.Unnumbered, holders: [ChannelHolders.Holder])
        var groups: [ChannelHolders.Holder: Group] = [:]
        var order: [ChannelHolders.Holder] = []
        for process in facts.processes {
            for descriptor in process.descriptors {
                guard case .unnumbered(let thing) = descriptor.thing else { continue }
                let holder = ChannelHolders.Holder(pid: process.pid, descriptor: descriptor.number)
                let first = facts.openFiles[holder] ?? holder
                if groups[first] == nil { order.append(first) }
                groups[first, default: (thing, [])].holders.append(holder)
            }
        }
        let written = writtenFiles(Set(groups.values.flatMap(\.thing.files)))
        for first in order {
            guard let (thing, holders) = groups[first] else { continue }
            var channel = Channel(thing.kind, identity: "\(thing.kind.rawValue) \(first.descriptor) of \(first.pid)")
            let side: UInt8 = thing.kind == .inotify ? 1 : 0
            channel.ends = holders.map { .init(pid: $0.pid, fd: $0.descriptor, role: .watch, side: side) }
            for file in thing.files {
                guard let (path, writers) = written[file] else { continue }
                channel.watched.append(String(decoding: path, as: UTF8.self))
                channel.ends += writers.map { .init(pid: $0.pid, fd: $0.descriptor, role: .write) }
            }
            if !thing.watched.isEmpty {
                watching.append(
                    (thing.kind, channel.identity, thing.watched.map { .init(pid: first.pid, descriptor: $0) }))
            }
            add(channel)
        }
    }

    /// Of the files that somebody is told of when they are written to, who has them open for that.
    private func writtenFiles(
        _ wanted: Set<Mapping.FileID>
    ) -> [Mapping.FileID: (path: [UInt8], writers: [ChannelHolders.Holder])] {
        var result: [Mapping.FileID: (path: [UInt8], writers: [ChannelHolders.Holder])] = [:]
        guard !wanted.isEmpty else { return result }
        for process in facts.processes {
            for descriptor in process.descriptors {
                guard case .written(let file) = descriptor.thing, wanted.contains(file.file) else { continue }
                result[file.file, default: (file.path, [])].writers.append(
                    .init(pid: process.pid, descriptor: descriptor.number))
            }
        }
        return result
    }
}

extension Mapping.FileID {
    /// As the kernel keeps a device's number: twenty bits for the minor one.
    var device: UInt64 { UInt64(deviceMajor) << 20 | UInt64(deviceMinor) }
    var text: String { "\(deviceMajor):\(deviceMinor) inode \(inode)" }
}

extension ProcessChannels {
    /// N of /dev/pts/N, where that controls the process (man 5 proc_pid_stat, tty_nr).
    fileprivate var terminalIndex: UInt32? {
        let major = terminal >> 8 & 0xfff
        let minor = terminal & 0xff | terminal >> 12 & 0xfff00
        return (136...143).contains(major) ? (major - 136) << 20 | minor : nil
    }
}
