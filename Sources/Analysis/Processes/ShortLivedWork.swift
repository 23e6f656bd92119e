package import Model

/// What processes did that came and went between two looks, given to those who started them: no list of processes shows them,
/// though together they may be all that the machine does.
///
/// A process is charged for every child that it waited for (cutime and cstime of its `stat`), for everybody to see: what that grew
/// by, less what was shown of the children before, was done by children nobody saw. Where the kernel's exit records may be
/// read they add names and numbers, and children that were not waited for.
package struct ShortLivedWork: Sendable {
    /// By the process that it is given to.
    package private(set) var shares: [Int32: Share] = [:]

    package struct Share: Hashable, Sendable {
        /// 100 is one processor.
        package var cpuPercent: Double
        /// How many came and went; nil where the kernel did not tell.
        package var count: Int?
        /// What ran, the one that ran longest first; at most three.
        package var names: [Name]

        package struct Name: Hashable, Sendable {
            package var commandBytes: [UInt8]
            package var count: Int

            package init(commandBytes: [UInt8], count: Int) {
                self.commandBytes = commandBytes
                self.count = count
            }
        }

        package init(cpuPercent: Double, count: Int? = nil, names: [Name] = []) {
            self.cpuPercent = cpuPercent
            self.count = count
            self.names = names
        }
    }

    /// Records by their numbers, without copying them.
    private struct Index {
        let records: [ProcessReading]
        private var places: [Int32: Int32] = [:]

        init(_ records: [ProcessReading]) {
            self.records = records
            places.reserveCapacity(records.count)
            for index in records.indices { places[records[index].stat.pid] = Int32(truncatingIfNeeded: index) }
        }

        func stat(_ process: Int32) -> ProcessStat? { places[process].map { records[Int($0)].stat } }
        func contains(_ process: Int32) -> Bool { places[process] != nil }
    }

    private struct Ended {
        var parent: Int32
        var cpuSeconds = 0.0
        var commandBytes: [UInt8]
    }

    private let before: Index
    private let after: Index
    private let secondsPerTick: Double
    private var ended: [Int32: Ended] = [:]

    private static let nameLimit = 3
    /// How many generations may come and go between two looks.
    private static let depthLimit = 64

    /// - Parameter exits: the kernel's records of what ended between the two looks; nil where they may not be read.
    package init(
        from before: [ProcessReading], to after: [ProcessReading], exits: [ThreadExit]?, seconds: Double,
        facts: MachineFacts
    ) {
        self.before = Index(before)
        self.after = Index(after)
        secondsPerTick = 1 / Double(max(facts.ticksPerSecond, 1))
        guard seconds > 0 else { return }
        for exit in exits ?? [] {
            ended[exit.process, default: Ended(parent: exit.parent, commandBytes: exit.commandBytes)].cpuSeconds +=
                exit.cpuSeconds
            // A thread can have another name and another parent than its process.
            if exit.thread == exit.process {
                ended[exit.process]?.parent = exit.parent
                ended[exit.process]?.commandBytes = exit.commandBytes
            }
        }
        var work = waitedFor()
        let recorded = recorded()
        for (process, seconds) in recorded.seconds { work[process] = max(work[process] ?? 0, seconds) }
        for (process, done) in work {
            let names = recorded.names[process] ?? [:]
            let share = Share(
                cpuPercent: done * 100 / seconds,
                count: exits == nil ? nil : names.values.reduce(0) { $0 + $1.count },
                names: ShortLivedWork.longest(names))
            if share.cpuPercent > 0 || share.count ?? 0 > 0 { shares[process] = share }
        }
    }

    /// By process: what it was charged for children more than had been shown of them.
    private func waitedFor() -> [Int32: Double] {
        var shown: [Int32: UInt64] = [:]
        for index in before.records.indices where !isAlive(before.records[index].stat) {
            let stat = before.records[index].stat
            guard let heir = heir(of: stat.parent) else { continue }
            shown[heir, default: 0] &+= stat.allTicks
        }
        var result: [Int32: Double] = [:]
        for index in after.records.indices {
            let stat = after.records[index].stat
            guard stat.childTicks > 0 else { continue }
            let earlier = before.stat(stat.pid).flatMap { $0.startTicks == stat.startTicks ? $0.childTicks : nil } ?? 0
            let grown = stat.childTicks &- min(earlier, stat.childTicks)
            let known = shown[stat.pid] ?? 0
            // Ticks are whole ones: below two of them nothing is sure.
            if grown > known &+ 1 { result[stat.pid] = Double(grown - known) * secondsPerTick }
        }
        return result
    }

    private typealias Names = [[UInt8]: (count: Int, seconds: Double)]

    private func recorded() -> (seconds: [Int32: Double], names: [Int32: Names]) {
        var seconds: [Int32: Double] = [:]
        var names: [Int32: Names] = [:]
        for (process, exit) in ended where !after.contains(process) {
            guard let heir = heir(of: exit.parent) else { continue }
            let shown = before.stat(process)
            let unseen = max(0, exit.cpuSeconds - (shown.map { Double($0.ownTicks) * secondsPerTick } ?? 0))
            seconds[heir, default: 0] += unseen
            guard shown == nil else { continue }
            let known = names[heir]?[exit.commandBytes] ?? (0, 0)
            names[heir, default: [:]][exit.commandBytes] = (known.count + 1, known.seconds + unseen)
        }
        return (seconds, names)
    }

    private func isAlive(_ stat: ProcessStat) -> Bool { after.stat(stat.pid)?.startTicks == stat.startTicks }

    /// The nearest that still lives: the process itself, or who started it, and so on.
    private func heir(of process: Int32) -> Int32? {
        var process = process
        for _ in 0..<ShortLivedWork.depthLimit {
            if after.contains(process) { return process }
            if let exit = ended[process] {
                process = exit.parent
            } else if let stat = before.stat(process) {
                process = stat.parent
            } else {
                return nil
            }
        }
        return nil
    }

    private static func longest(_ names: Names) -> [Share.Name] {
        names.sorted { left, right in
            (right.value.seconds, right.value.count, left.key.text) < (
                left.value.seconds, left.value.count, right.key.text
            )
        }.prefix(nameLimit).map { Share.Name(commandBytes: $0.key, count: $0.value.count) }
    }
}

extension ProcessStat {
    /// That it ran itself.
    var ownTicks: UInt64 { userTicks &+ systemTicks }
    /// That its children ran which it waited for.
    var childTicks: UInt64 { childUserTicks &+ childSystemTicks }
    var allTicks: UInt64 { ownTicks &+ childTicks }
}

extension [UInt8] {
    /// For an order that is always the same.
    fileprivate var text: String { String(decoding: self, as: UTF8.self) }
}
