package import Model

import Glibc
import Kernel

extension Snapshot {
    /// Finds out how a snapshot of `pid` would be made, without touching the target.
    ///
    /// - Throws: `Failure` when none can be made: `.noTarget`, `.notPermitted`, `.unsupported`.
    package static func plan(
        _ pid: Int32, options: SnapshotOptions = SnapshotOptions(), procFS: ProcFS = ProcFS()
    ) throws(Failure) -> SnapshotPlan {
        let process = try procFS.identity(of: pid)
        let stat = try procFS.stat(of: pid)
        try SnapshotPermission.check(process, stat: stat, procFS: procFS)
        let status = try procFS.status(of: pid)
        let planner = SnapshotPlanner(
            process: process, status: status, options: options, procFS: procFS,
            headroom: Headroom(procFS: procFS, target: pid, own: getpid()))
        return try planner.resolve()
    }
}

/// Chooses a method by what it costs and by what there is.
struct SnapshotPlanner {
    /// Below this a copy is as short a stop as a fork, and has no after-effects.
    private static let shortCopySeconds = 0.010

    let process: ProcessIdentity
    let status: ProcessStatus
    let options: SnapshotOptions
    let procFS: ProcFS
    let headroom: Headroom

    private var cost: SnapshotCost {
        SnapshotCost(
            anonymousBytes: (status.anonymousResidentBytes ?? status.residentBytes ?? 0) + (status.swappedBytes ?? 0),
            pageTableBytes: status.pageTableBytes ?? 0, threads: status.threadCount ?? 1)
    }

    func resolve() throws(Failure) -> SnapshotPlan {
        guard let method = options.method else { return try resolveAutomatically() }
        if method == .fork, let obstacle = forkObstacle() { throw unforkable(obstacle) }
        if let shortage = shortage(method) { throw tooFull(shortage) }
        guard fitsPause(method) else { throw tooLong(method) }
        return plan(method, fallback: nil, notes: [])
    }

    private func resolveAutomatically() throws(Failure) -> SnapshotPlan {
        let copyFits = shortage(.copy) == nil && fitsPause(.copy)
        if copyFits, cost.pauseSeconds(.copy) <= SnapshotPlanner.shortCopySeconds {
            return plan(.copy, fallback: nil, notes: [])
        }
        let obstacle = forkObstacle()
        let shortage = shortage(.fork)
        if obstacle == nil, shortage == nil, fitsPause(.fork) {
            return plan(.fork, fallback: copyFits ? .copy : nil, notes: [])
        }
        if copyFits {
            let reason =
                obstacle ?? shortage.map { "\($0.path) has too little memory left" } ?? "a fork would take too long"
            return plan(.copy, fallback: nil, notes: ["copied, not forked: \(reason)"])
        }
        if let shortage { throw tooFull(shortage) }
        if let obstacle { throw unforkable(obstacle) }
        throw tooLong(.fork)
    }

    private func plan(_ method: SnapshotMethod, fallback: SnapshotMethod?, notes: [String]) -> SnapshotPlan {
        SnapshotPlan(
            process: process, method: method, fallback: fallback, estimatedPauseSeconds: cost.pauseSeconds(method),
            maxPauseSeconds: options.maxPauseSeconds, threads: status.threadCount ?? 1,
            anonymousBytes: cost.anonymousBytes, neededBytes: cost.targetBytes(method),
            headroomBytes: headroom.targetBytes, notes: notes)
    }

    private func fitsPause(_ method: SnapshotMethod) -> Bool {
        cost.pauseSeconds(method) <= options.maxPauseSeconds
    }

    private func shortage(_ method: SnapshotMethod) -> Headroom.Shortage? {
        headroom.shortage(
            targetNeeds: cost.targetBytes(method),
            nusuNeeds: cost.ownBytes(method, factor: options.nusuMemoryFactor))
    }

    /// Why the target cannot or must not be made to fork; nil: nothing is in the way.
    private func forkObstacle() -> String? {
        if let mode = status.seccompMode, mode != 0 { return "it runs under a seccomp filter" }
        if status.shadowStack { return "it runs with a shadow stack" }
        // A child would be the first process of another namespace.
        if let own = procFS.namespace("pid", of: process.pid),
            let children = procFS.namespace("pid_for_children", of: process.pid), own != children
        {
            return "its children go into another pid namespace"
        }
        for group in (try? procFS.pidsCgroups(of: process.pid)) ?? [] {
            if let limit = group.limit, let count = group.count, count + 2 > limit {
                return "\(group.path) allows no more processes"
            }
        }
        if processLimitIsReached() { return "its user may have no more processes (RLIMIT_NPROC)" }
        let overcommit = procFS.overcommit()
        if overcommit.mode == 2, let limit = overcommit.commitLimitBytes, let used = overcommit.committedBytes,
            limit - min(limit, used) < committedBytes
        {
            return "the machine promises no more memory (vm.overcommit_memory=2)"
        }
        return nil
    }

    /// What the kernel counts as promised for a copy of the process: its private writable mappings.
    private var committedBytes: UInt64 {
        guard let mappings = try? procFS.mappings(of: process.pid) else { return status.virtualBytes ?? UInt64.max }
        return mappings.reduce(0) { sum, mapping in
            mapping.permissions.contains(.write) && !mapping.permissions.contains(.shared)
                ? sum &+ mapping.range.count : sum
        }
    }

    private func processLimitIsReached() -> Bool {
        // CAP_SYS_RESOURCE (24) or CAP_SYS_ADMIN (21), or being root, lifts it.
        guard status.user.real != 0, status.effectiveCapabilities & (1 << 24 | 1 << 21) == 0,
            let limit = procFS.limits(of: process.pid)?.processes
        else { return false }
        var count: UInt64 = 0
        for pid in (try? procFS.processIDs()) ?? [] {
            guard let other = try? procFS.status(of: pid), other.user.real == status.user.real else { continue }
            count += UInt64(max(other.threadCount ?? 1, 1))
        }
        return count + 2 > limit
    }

    private func tooFull(_ shortage: Headroom.Shortage) -> Failure {
        let pause = cost.pauseSeconds(.stream)
        let what =
            "a snapshot could push \(shortage.path) over its limit (\(Units.bytes(shortage.leftBytes)) left, "
            + "\(Units.bytes(shortage.neededBytes)) needed): not taken"
        guard options.method != .stream, self.shortage(.stream) == nil else {
            return Failure(
                .unsupported, what: what, subject: process.description,
                remedy: "run nusu from outside of that group, or raise its memory limit")
        }
        let allowance = fitsPause(.stream) ? "" : " --max-pause \(Measure.option(pause))"
        return Failure(
            .unsupported, what: what, subject: process.description,
            remedy: "use --snapshot stream\(allowance) (no fork, no copy; stops \(process.command) for about "
                + "\(Measure.seconds(pause)))")
    }

    private func tooLong(_ method: SnapshotMethod) -> Failure {
        let pause = cost.pauseSeconds(method)
        return Failure(
            .unsupported,
            what: "a snapshot by \(method.rawValue) would stop \(process) for about \(Measure.seconds(pause)), "
                + "longer than the \(Measure.limit(options.maxPauseSeconds)) allowed: not taken",
            subject: process.description,
            remedy: "allow it: --snapshot \(method.rawValue) --max-pause \(Measure.option(pause))")
    }

    private func unforkable(_ reason: String) -> Failure {
        let pause = cost.pauseSeconds(.copy)
        let allowance = fitsPause(.copy) ? "" : " --max-pause \(Measure.option(pause))"
        return Failure(
            .unsupported, what: "\(process) cannot be forked: \(reason)", subject: process.description,
            remedy: "use --snapshot copy\(allowance) (stops \(process.command) for about \(Measure.seconds(pause)))")
    }
}
