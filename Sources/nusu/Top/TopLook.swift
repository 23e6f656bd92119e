import Analysis
import Capture
import Glibc
import Kernel
import Model
import Report
import Terminal

/// Looks at everything again and again: what each process did since the look before. Belongs to one thread.
final class TopLook {
    private struct Look {
        /// In ascending order of their numbers.
        let readings: [ProcessReading]
        /// nil where threads were not asked for.
        let threads: [ProcessReading]?
        let moment: Moment
        let machine: MachineSample
        /// Since the look before; nil where that is not known.
        var exits: [ThreadExit]?

        init(
            _ scan: ProcessScan, threads: [ProcessRecord]? = nil, _ machine: MachineSample, exits: [ThreadExit]? = nil
        ) {
            readings = scan.records.map { ProcessReading($0) }
            self.threads = threads?.map { ProcessReading($0) }
            moment = scan.moment
            self.machine = machine
            self.exits = exits
        }
    }

    private let procfs: ProcFS
    private let live: LiveScan
    private let machine: MachineWatch
    private let exits: ExitWatch?
    /// Only while threads are asked for.
    private var threads: LiveThreads?
    /// Rows of threads were made since memory was given back: of ten thousand they take tens of megabytes.
    private var hasThreadsBehind = false
    private var facts: MachineFacts
    private var factsAge = 0
    /// The last ones, the latest at the end.
    private var looks: [Look] = []

    /// Shorter times say little: the kernel counts in ticks of some milliseconds. A look that comes sooner is compared with an
    /// earlier one.
    private static let leastSeconds = 0.4
    private static let lookLimit = 4
    /// Names of users are read anew after so many looks.
    private static let factsLimit = 60

    /// More of a command line than a screen can be shifted to: some have a hundred thousand bytes, of each of which all would be kept.
    static let screenArguments = 8 * 1024

    /// - Parameter argumentLimit: bytes that are kept of the arguments of each process.
    init(procfs: ProcFS, argumentLimit: Int = .max) {
        self.procfs = procfs
        live = LiveScan(procfs: procfs, fileLimit: OpenFileLimit.raise(), argumentLimit: argumentLimit)
        machine = MachineWatch(procfs: procfs)
        exits = ExitWatch()
        facts = procfs.machineFacts()
        // What ended before the first look is nobody's.
        _ = exits?.take()
    }

    func look(_ demand: TopDemand) throws(Failure) -> TopSample {
        take(try live.look(TopLook.request(demand)), demand)
    }

    /// The first look of a screen, which is waited for: command lines are read of the rows alone that fit on it.
    /// - Parameter demand: what is to be read, given what was seen.
    func first(_ demand: (TopSample?) -> TopDemand) throws(Failure) -> TopSample {
        let blind = demand(nil)
        guard !blind.isByCommand else { return try look(blind) }
        var request = TopLook.request(blind)
        request.isHasty = true
        let scan = try live.look(request)
        refreshFacts()
        let seen = demand(sample(Look(scan, machine.sample()), since: nil))
        return take(try live.complete(scan, TopLook.request(seen)), seen)
    }

    private static func request(_ demand: TopDemand) -> LiveScan.Request {
        LiveScan.Request(everywhere: demand.everywhere, visible: demand.visible, processes: demand.processes)
    }

    private func take(_ scan: ProcessScan, _ demand: TopDemand) -> TopSample {
        let look = Look(scan, threads: lookAtThreads(demand, of: scan), machine.sample(), exits: exits?.take())
        refreshFacts()
        if look.threads != nil { hasThreadsBehind = true }
        if hasThreadsBehind, look.threads == nil, looks.allSatisfy({ $0.threads == nil }) {
            OwnHeap.giveBack()
            hasThreadsBehind = false
        }
        // What is older than the one to compare with is not needed any more.
        let place = looks.lastIndex { look.moment.seconds(since: $0.moment) >= TopLook.leastSeconds } ?? 0
        looks.removeFirst(min(place, looks.count))
        let sample = sample(look, since: looks.first)
        looks.append(look)
        if looks.count > TopLook.lookLimit {
            // One in the middle is not needed, but what ended before it is.
            let dropped = looks.remove(at: 1)
            looks[1].exits = dropped.exits.flatMap { earlier in looks[1].exits.map { earlier + $0 } }
        }
        return sample
    }

    private func sample(_ look: Look, since base: Look?) -> TopSample {
        let context = ProcessContext(facts)
        let seconds = base.map { look.moment.seconds(since: $0.moment) } ?? 0
        let meters = MachineMeters(from: base?.machine, to: look.machine, seconds: seconds)
        guard let base, seconds > 0 else {
            return TopSample(
                rows: look.readings.map { ProcessRow(reading: $0, context: context) },
                threads: look.threads?.map { ProcessRow(reading: $0, context: context) }, meters: meters,
                context: context, gaps: gaps)
        }
        let work = ShortLivedWork(
            from: base.readings, to: look.readings, exits: exitsSince(base, look), seconds: seconds,
            facts: facts)
        var charged = 0.0
        var rates = ProcessRates.aligned(base.readings, look.readings, seconds: seconds, facts: facts)
        let rows = look.readings.indices.map { index in
            if let share = work.shares[look.readings[index].stat.pid] { rates[index]?.add(share) }
            charged += rates[index]?.cpuPercent ?? 0
            return ProcessRow(reading: look.readings[index], rates: rates[index], context: context)
        }
        return TopSample(
            rows: rows, threads: threadRows(look, since: base, seconds: seconds, context), meters: meters,
            context: context, interval: seconds,
            unattributedPercent: meters.processorsUsed.map { max(0, $0 * 100 - charged) }, gaps: gaps)
    }

    // MARK: - Threads

    private func lookAtThreads(_ demand: TopDemand, of scan: ProcessScan) -> [ProcessRecord]? {
        guard demand.hasThreads else {
            threads = nil
            return nil
        }
        let live = threads ?? LiveThreads(procfs: procfs)
        threads = live
        let request = LiveThreads.Request(
            everywhere: demand.everywhere, visible: demand.visible, threads: Set(demand.threads))
        // Processes go before: what new ones may need is left to them.
        return live.look(request, of: scan.records, fileLimit: self.live.filesLeft / 4 * 3)
    }

    private func threadRows(
        _ look: Look, since base: Look, seconds: Double, _ context: ProcessContext
    ) -> [ProcessRow]? {
        guard let readings = look.threads else { return nil }
        guard let before = base.threads else { return readings.map { ProcessRow(reading: $0, context: context) } }
        let rates = ProcessRates.aligned(
            TopLook.threads(before, of: base, until: look), readings, seconds: seconds, facts: facts)
        return readings.indices.map { ProcessRow(reading: readings[$0], rates: rates[$0], context: context) }
    }

    /// Those before, and of processes that had one thread and have more now that one: it was the process.
    private static func threads(_ threads: [ProcessReading], of base: Look, until look: Look) -> [ProcessReading] {
        var single: [ProcessReading] = []
        let before = base.readings
        var place = 0
        for reading in look.readings where reading.stat.threadCount > 1 {
            while place < before.count, before[place].stat.pid < reading.stat.pid { place += 1 }
            guard place < before.count, before[place].stat.pid == reading.stat.pid else { continue }
            if before[place].stat.threadCount == 1 { single.append(before[place]) }
        }
        return single.isEmpty ? threads : (threads + single).sorted { $0.stat.pid < $1.stat.pid }
    }

    private func exitsSince(_ base: Look, _ look: Look) -> [ThreadExit]? {
        var result = look.exits
        for earlier in looks where earlier.moment > base.moment {
            guard let exits = earlier.exits else { return nil }
            result? += exits
        }
        return result
    }

    private func refreshFacts() {
        factsAge += 1
        if factsAge >= TopLook.factsLimit {
            facts = procfs.machineFacts()
            factsAge = 0
        }
        facts.now = Int64(time(nil))
        facts.uptime = procfs.uptime()
    }

    private var gaps: [Gap] {
        guard exits == nil else { return [] }
        return [
            Gap(
                what: "names and numbers of short-lived processes, and those that nobody waits for",
                reason: "the kernel tells them with CAP_NET_ADMIN on the machine itself only (taskstats)",
                remedy: "run nusu top as root, outside of containers")
        ]
    }
}
