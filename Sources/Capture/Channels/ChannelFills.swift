import Glibc
import Kernel
import Model
import SystemPackage

/// How much lies in the channels that only their holders' descriptors tell of: each is asked once, by one holder.
struct ChannelFills {
    private enum Question: Sendable {
        case pipe(canReopen: Bool)
        case queue
        case flight
    }

    private struct Probe: Sendable {
        var channel: Int
        var descriptor: Int32
        var question: Question
    }

    private struct Answer: Sendable {
        var channel: Int
        var fill: Fill
    }

    fileprivate enum Fill: Sendable {
        case pipe(unread: Int, capacity: Int, changed: Double?)
        case queue(messages: Int, limit: Int, messageBytes: Int)
        case inFlight(Int)
    }

    private let procfs: ProcFS

    init(_ procfs: ProcFS) { self.procfs = procfs }

    /// - Parameter now: seconds since 1970.
    func fill(_ channels: inout [Channel], now: Double, patience: Double) throws(Failure) {
        let probes = ChannelFills.probes(channels)
        guard !probes.isEmpty else { return }
        let procfs = procfs
        // A process that becomes another program may keep whoever asks for its descriptors waiting.
        var steps = ProcessWalk<[Answer]>.Steps { process, _ in probes[process] == nil ? nil : [] }
        steps.wait = { answers, reader in
            for probe in probes[reader.process] ?? [] {
                if let fill = ChannelFills.ask(probe, reader.process, procfs) {
                    answers.append(Answer(channel: probe.channel, fill: fill))
                }
            }
        }
        for answers in try procfs.walk(probes.keys.sorted(), steps, patience: patience) {
            for answer in answers { channels[answer.channel].take(answer.fill, now: now) }
        }
    }

    private static func probes(_ channels: [Channel]) -> [Int32: [Probe]] {
        var result: [Int32: [Probe]] = [:]
        for (place, channel) in channels.enumerated() {
            switch channel.kind {
            case .pipe, .fifo:
                // A reading end, where there is one: a copy of it keeps no reader from seeing that the last writer is gone.
                guard let end = channel.ends.first(where: { $0.role == .read }) ?? channel.ends.first, let fd = end.fd
                else { continue }
                result[end.pid, default: []].append(
                    Probe(
                        channel: place, descriptor: fd,
                        question: .pipe(canReopen: end.role == .read && channel.kind == .pipe)))
            case .mqueue:
                guard let end = channel.ends.first, let fd = end.fd else { continue }
                result[end.pid, default: []].append(Probe(channel: place, descriptor: fd, question: .queue))
            case .unix:
                // Descriptors that are on their way lie at the receiver, with at least a byte.
                let sides: [(waiting: Int?, side: UInt8)] = [(channel.waiting, 1), (channel.waitingBack, 0)]
                for (waiting, side) in sides where (waiting ?? 0) > 0 {
                    guard let end = channel.ends.first(where: { $0.side == side }), let fd = end.fd else { continue }
                    result[end.pid, default: []].append(Probe(channel: place, descriptor: fd, question: .flight))
                }
            default: break
            }
        }
        return result
    }

    private static func ask(_ probe: Probe, _ pid: Int32, _ procfs: ProcFS) -> Fill? {
        let folder = procfs.path(of: pid)
        switch probe.question {
        case .flight:
            guard let bytes = try? ProcFile.read("\(folder)/fdinfo/\(probe.descriptor)", limit: ProcFS.Limit.small)
            else { return nil }
            let info = bytes.withUnsafeBufferPointer { DescriptorInfo(parsing: $0, kind: .socket) }
            return info.inFlight.map { .inFlight($0) }
        case .queue:
            guard let fill = try? ChannelFill(process: pid, descriptor: probe.descriptor), let queue = fill.queue()
            else { return nil }
            return .queue(messages: queue.messages, limit: queue.limit, messageBytes: queue.messageBytes)
        case .pipe(let canReopen):
            let link = "\(folder)/fd/\(probe.descriptor)"
            let fill: (unread: Int, capacity: Int)?
            if let copy = try? ChannelFill(process: pid, descriptor: probe.descriptor) {
                fill = copy.pipe()
            } else if canReopen, let reader = try? ChannelFill(readingPipeAt: link) {
                fill = reader.pipe()
            } else {
                return nil
            }
            // A pipe's file has the time of its making, before Linux 6.15 that of its last use.
            let changed = FileFacts(folder: AT_FDCWD, name: link)?.changed
            return fill.map { .pipe(unread: $0.unread, capacity: $0.capacity, changed: changed) }
        }
    }
}

extension Channel {
    fileprivate mutating func take(_ fill: ChannelFills.Fill, now: Double) {
        switch fill {
        case .pipe(let unread, let capacity, let changed):
            (waiting, self.capacity) = (unread, capacity)
            if let changed, changed > 0, kind == .pipe { age = max(0, now - changed) }
        case .queue(let messages, let limit, let bytes):
            (self.messages, messageLimit) = (messages, limit)
            let (product, overflow) = limit.multipliedReportingOverflow(by: bytes)
            capacity = overflow ? nil : product
        case .inFlight(let count):
            if count > 0 { details.insert(.inFlight(count)) }
        }
    }
}
