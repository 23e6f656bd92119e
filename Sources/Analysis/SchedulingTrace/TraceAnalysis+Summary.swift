package import Model

extension TraceAnalysis {
    /// What all events come to.
    package mutating func finish(_ end: TraceEnd) -> TraceSummary {
        let length = close(end.nanoseconds)
        var summary = TraceSummary(
            header: header, nanoseconds: length, lost: max(end.lost, lost), threads: [], folded: threads.folded,
            cores: cores.map(\.use), names: names.names, gaps: header.gaps + end.gaps)
        let isCounted = header.source == .schedstat
        if isCounted {
            summary.cores = []
            summary.threads = end.differences.prefix(ThreadTable.limit).enumerated().map {
                Self.schedule($1, number: Int32($0))
            }
        } else {
            var differences: [ThreadKey: ScheduleDifference] = [:]
            for difference in end.differences { differences[difference.thread] = difference }
            summary.threads = threads.records.filter(\.isChosen).map { schedule($0, differences[$0.key]) }
        }
        summary.threads.sort {
            ($0.wait ?? $0.waitAtLeast, $0.run ?? 0, $1.key.tid) > ($1.wait ?? $1.waitAtLeast, $1.run ?? 0, $0.key.tid)
        }
        if threads.turnedAway > 0 {
            summary.gaps.append(
                Gap(
                    what: "\(Units.counted(threads.turnedAway, "record")) of further threads",
                    reason: "over \(Units.grouped(ThreadTable.limit)) were busy at once",
                    remedy: "trace one process, or a shorter time"))
        }
        return summary
    }

    private func schedule(_ record: ThreadRecord, _ difference: ScheduleDifference?) -> ThreadSchedule {
        var result = ThreadSchedule(
            key: record.key, command: names.names[Int(record.name)], number: record.number)
        result.run = record.run
        result.waitAtLeast = record.wait
        result.waits = record.waits.summary
        result.worstWaitAt = record.worstWaitAt
        result.unknown = record.unknown
        result.voluntary = record.voluntary
        result.involuntary = record.involuntary
        result.migrations = record.migrations
        result.slices = record.slices
        result.longestSlice = record.slices > 0 ? record.longestSlice : nil
        result.began = record.began
        result.ended = record.ended
        result.lane = record.lane
        if header.wakeupsSeen {
            result.wait = record.wait
            result.blocked = record.blocked
        } else {
            // What the records leave open the kernel's own counter tells, where it could be read to the end.
            result.waitsArePreempted = true
            result.blockedAtMost = record.blocked
            if let difference, !difference.hasEnded, let counted = difference.waitNanoseconds {
                let wait = max(Int(clamping: counted), record.wait)
                result.wait = wait
                result.blocked = max(record.blocked - (wait - record.wait), 0)
            }
        }
        result.blockedOn = Ranking(
            items: record.blockedOn.sorted.map {
                let reason = BlockReason(number: $0.item)
                let place = reason.place >= 0 ? places[Int(reason.place)] : nil
                return .init(
                    state: reason.state, channel: place?.channel, call: place?.call, nanoseconds: $0.weight,
                    times: $0.count)
            }, rest: record.blockedOn.rest)
        result.wokenBy = Ranking(
            items: record.wokenBy.sorted.map {
                .init(
                    who: $0.item == NameTable.idle ? .interrupt : .command(names.names[Int($0.item)]),
                    pid: $0.pid > 0 ? $0.pid : nil, times: $0.count)
            }, rest: record.wokenBy.rest)
        result.ranInstead = Ranking(
            items: record.ranInstead.sorted.map {
                .init(
                    name: $0.item == NameTable.idle ? nil : names.names[Int($0.item)], pid: $0.pid > 0 ? $0.pid : nil,
                    nanoseconds: $0.weight)
            }, rest: record.ranInstead.rest)
        return result
    }

    /// From the kernel's counters alone.
    private static func schedule(_ difference: ScheduleDifference, number: Int32) -> ThreadSchedule {
        func known(_ value: UInt64?) -> Int? { value.map(Int.init(clamping:)) }
        var result = ThreadSchedule(key: difference.thread, command: difference.command, number: number)
        result.run = known(difference.runNanoseconds)
        result.wait = known(difference.waitNanoseconds)
        result.waitAtLeast = result.wait ?? 0
        result.voluntary = known(difference.voluntary)
        result.involuntary = known(difference.involuntary)
        result.migrations = known(difference.migrations)
        result.slices = known(difference.slices)
        return result
    }
}
