import Kernel
import Model
import SystemPackage

/// What the kernel lets this user see of a trace's threads: tried from the most to the least, each refusal with its reason.
struct TraceSource: ~Copyable {
    var kind: TraceHeader.Source
    /// nil for `.schedstat`.
    var rings: SwitchRings?
    /// Tells of switches and wake-ups in the rings' place, where the kernel takes it: at an eighth of their cost.
    var program: SchedulerProgram?
    var tracepoints: SchedulerTracepoints?
    var gaps: [Gap] = []
    /// Whether a record of no thread means that a core is idle.
    var isIdleTold = true

    /// Locked memory of all rings: half a second of the worst storm on few cores, half a MiB for each of many.
    private static let ringBytes = 16 << 20
    private static let birthBytes = 1 << 20

    init(_ scope: TraceHeader.Scope, _ procfs: ProcFS) {
        kind = .cpuWide
        rings = nil
        program = nil
        do throws(Errno) {
            program = TraceSource.schedulerProgram(procfs)
            rings =
                program == nil
                ? try SwitchRings(bytes: TraceSource.ringBytes)
                : try SwitchRings(birthsInBytes: TraceSource.birthBytes)
        } catch {
            program = nil
            gaps.append(TraceSource.refusal(error, scope, procfs))
        }
        if rings == nil {
            watchOwn(scope, procfs)
        } else if program == nil {
            addTracepoints(procfs)
            if !TraceSource.isFirstNamespace(procfs) {
                isIdleTold = false
                gaps.append(
                    Gap(
                        what: "threads outside of this container",
                        reason: "their numbers are not told in this container, nor whether a core runs one or is idle",
                        remedy: "run nusu outside of the container"))
            }
        }
    }

    private mutating func watchOwn(_ scope: TraceHeader.Scope, _ procfs: ProcFS) {
        kind = .ownThreads
        do throws(Errno) {
            rings = try TraceSource.ownRings(scope, procfs)
            let unwatched = rings?.unwatched ?? 0
            if unwatched > 0 {
                gaps.append(
                    Gap(
                        what: Units.counted(unwatched, "thread"), reason: "each takes an open file for each core",
                        remedy: "raise the limit: ulimit -n 65536"))
            }
        } catch {
            // The first refusal said less than this one.
            gaps = [TraceSource.ownRefusal(error, procfs)]
        }
        if rings == nil { kind = .schedstat }
    }

    /// nil where there are too many whom to watch one by one.
    private static func ownRings(_ scope: TraceHeader.Scope, _ procfs: ProcFS) throws(Errno) -> SwitchRings? {
        let pid: Int32
        switch scope {
        case .machine: return nil
        case .process(let process), .command(let process): pid = process.pid
        }
        var known = (try? procfs.threadIDs(of: pid)) ?? []
        guard !known.isEmpty else { throw .noSuchProcess }
        var rings = try SwitchRings(threads: known, bytes: ringBytes)
        // What a thread starts is watched with it; one that was started while this went on may be missing, or is watched twice, which
        // shows in the records.
        for _ in 0..<8 {
            let new = ((try? procfs.threadIDs(of: pid)) ?? []).filter { !known.contains($0) }
            if new.isEmpty { break }
            for thread in new { try rings.add(thread: thread) }
            known += new
        }
        return rings
    }

    /// nil where the kernel has none, or this user may not: the rings tell the same. Its numbers are those of the whole machine.
    private static func schedulerProgram(_ procfs: ProcFS) -> SchedulerProgram? {
        guard isFirstNamespace(procfs),
            let types = try? ProcFile.read(KernelTypes.path, limit: KernelTypes.limitBytes),
            let layout = KernelTypes.schedulerLayout(types)
        else { return nil }
        return try? SchedulerProgram(layout, bytes: ringBytes)
    }

    private mutating func addTracepoints(_ procfs: ProcFS) {
        let what = "who woke whom, waits after a wake-up, and how threads sleep"
        guard TraceSource.isFirstNamespace(procfs) else {
            gaps.append(
                Gap(
                    what: what, reason: "tracepoints tell numbers of threads as they are outside of this container",
                    remedy: "run nusu outside of the container"))
            return
        }
        do throws(Errno) {
            let points = try SchedulerTracepoints.read()
            try rings?.add(tracepoint: UInt64(points.waking.number))
            try rings?.add(tracepoint: UInt64(points.wakeupNew.number))
            try rings?.add(tracepoint: UInt64(points.migration.number))
            try rings?.add(tracepoint: UInt64(points.leaving.number), filter: SchedulerTracepoints.unusualSleep)
            tracepoints = points
        } catch {
            gaps.append(
                Gap(
                    what: what, reason: "the scheduler's tracepoints cannot be read: \(error)",
                    remedy: error == .permissionDenied || error == .notPermitted
                        ? "run nusu as root" : "mount tracefs: mount -t tracefs tracefs /sys/kernel/tracing"))
        }
    }

    /// Whether numbers of processes here are those of the whole machine (PROC_PID_INIT_INO, include/linux/proc_ns.h).
    private static func isFirstNamespace(_ procfs: ProcFS) -> Bool {
        guard let link = try? ProcFile.link(procfs.root + "/self/ns/pid") else { return false }
        return link == Array("pid:[4026531836]".utf8)
    }

    // MARK: - Refusals in words

    private static func refusal(_ error: Errno, _ scope: TraceHeader.Scope, _ procfs: ProcFS) -> Gap {
        let what: String
        switch scope {
        case .machine: what = "who ran when"
        case .process, .command: what = "who ran instead, who woke whom, and waits after a wake-up"
        }
        return Gap(what: what, reason: reason(error, procfs, whose: "other users' threads"), remedy: remedy(error))
    }

    private static func ownRefusal(_ error: Errno, _ procfs: ProcFS) -> Gap {
        Gap(
            what: "single switches: when it ran, whom it waited for, its longest wait",
            reason: reason(error, procfs, whose: "its threads"), remedy: remedy(error))
    }

    private static func reason(_ error: Errno, _ procfs: ProcFS, whose: String) -> String {
        switch error {
        case .permissionDenied:
            let level = procfs.number(inFile: procfs.root + "/sys/kernel/perf_event_paranoid")
            let setting = level.map { " (kernel.perf_event_paranoid is \($0))" } ?? ""
            return "the kernel does not tell this user of switches of \(whose)\(setting)"
        case .notPermitted:
            return "perf_event_open is refused here, as by the sandbox of a container"
        case .noSuchProcess: return "it ended"
        case .noFunction: return "this kernel has no perf_event_open, or a sandbox hides it"
        case .tooManyOpenFiles, .tooManyOpenFilesInSystem: return "too many open files: one for each thread and core"
        default: return "this kernel gives no records of switches: \(error)"
        }
    }

    private static func remedy(_ error: Errno) -> String? {
        switch error {
        case .permissionDenied: "run nusu as root or with CAP_PERFMON, or: sudo sysctl kernel.perf_event_paranoid=0"
        case .notPermitted, .noFunction: "run nusu outside of the container, or give it CAP_PERFMON"
        case .tooManyOpenFiles, .tooManyOpenFilesInSystem: "raise the limit: ulimit -n 65536"
        default: nil
        }
    }
}
