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
        case pipe(unread: Int, capacity: Int)
        case queue(messages: Int, limit: Int, messageBytes: Int)
        case inFlight(Int)
    }

    private let procfs: ProcFS

    init(_ procfs: ProcFS) { self.procfs = procfs }

    func fill(_ channels: inout [Channel], patience: Double) throws(Failure) {
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
            for answer in answers { channels[answer.channel].take(answer.fill) }
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
                    Probe(channel: place, descriptor: fd, question: .pipe(canReopen: end.role == .read)))
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
            if let fill = try? ChannelFill(process: pid, descriptor: probe.descriptor) {
                return fill.pipe().map { .pipe(unread: $0.unread, capacity: $0.capacity) }
            }
            guard canReopen, let fill = try? ChannelFill(readingAt: "\(folder)/fd/\(probe.descriptor)") else {
                return nil
            }
            return fill.pipe().map { .pipe(unread: $0.unread, capacity: $0.capacity) }
        }
    }
}

extension Channel {
    fileprivate mutating func take(_ fill: ChannelFills.Fill) {
        switch fill {
        case .pipe(let unread, let capacity):
            (waiting, self.capacity) = (unread, capacity)
        case .queue(let messages, let limit, let bytes):
            (self.messages, messageLimit) = (messages, limit)
            let (product, overflow) = limit.multipliedReportingOverflow(by: bytes)
            capacity = overflow ? nil : product
        case .inFlight(let count):
            if count > 0 { details.insert(.inFlight(count)) }
        }
    }
}
