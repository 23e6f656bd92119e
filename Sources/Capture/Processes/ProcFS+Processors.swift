import Glibc
import Kernel
package import Model
import SystemPackage

extension ProcFS {
    /// The machine's processors (Documentation/ABI/testing/sysfs-devices-system-cpu).
    package func machineProcessors() -> MachineProcessors {
        let folder = systemRoot + "/sys/devices/system/cpu/"
        let online = processorList(folder + "online") ?? ProcessorSet(0..<(processorCount() ?? 1))
        return MachineProcessors(online: online, present: processorList(folder + "present") ?? online)
    }

    /// The processors that all threads of a process, or one of them, may run on; nil where it has ended.
    package func processorUse(of process: ProcessIdentity, thread: ProcessIdentity? = nil) -> ProcessorUse? {
        let numbers = if let thread { [thread.pid] } else { (try? threadIDs(of: process.pid)) ?? [] }
        let sets = numbers.compactMap { try? ProcessorSet.ofThread($0) }
        guard var all = sets.first else { return nil }
        var some = all
        for set in sets.dropFirst() where set != all || set != some {
            all = all.intersection(set)
            some = some.union(set)
        }
        return ProcessorUse(
            ofAll: all, ofSome: some, allowed: allowedProcessors(of: (thread ?? process).pid).union(some),
            threadCount: sets.count)
    }

    /// Lets all threads of a process, or one, run on other processors. Nothing is changed where one of them would have none left. The
    /// kernel keeps this thread by thread: taskset(1) changes that of the main thread alone, with `-a` that of all.
    /// - Returns: what they may run on now: less than was asked for where the cpuset has no more.
    /// - Throws: `.noTarget` where it has ended, `.notPermitted`, `.unsupported` where it may run on none of them. Threads that were
    ///   changed before stay so.
    package func changeProcessors(
        of process: ProcessIdentity, thread: ProcessIdentity? = nil, _ change: ProcessorChange
    ) throws(Failure) -> ProcessorUse {
        let subject = thread ?? process
        let allowed = allowedProcessors(of: subject.pid)
        let isBound = ((try? stat(of: process.pid))?.flags ?? 0) & ProcFS.isBoundFlag != 0
        let invalid =
            isBound
            ? "has to stay on its processors: the kernel bound it to them"
            : "may not run there: its cpuset leaves it \(allowed)"
        let numbers = if let thread { [thread.pid] } else { try threadIDs(of: process.pid) }
        for number in numbers where !isBound {
            guard let before = try? ProcessorSet.ofThread(number) else { continue }
            if change.applied(to: before).isEmpty {
                throw Failure(
                    .unsupported, what: "thread \(number) of \(process) would have no processor left",
                    subject: process.description, remedy: "leave it one; nothing was changed")
            }
        }
        _ = try self.change(process, thread, refusal: "may not be moved", invalid: invalid) { number throws(Errno) in
            let before = try ProcessorSet.ofThread(number)
            let after = change.applied(to: before)
            if after != before { try after.set(ofThread: number) }
        }
        guard let use = processorUse(of: process, thread: thread) else {
            throw Failure(
                .noTarget, what: "\(subject) has ended", subject: subject.description,
                remedy: "nothing is left to change")
        }
        return use
    }

    /// PF_NO_SETAFFINITY (include/linux/sched.h)
    private static let isBoundFlag: UInt32 = 0x0400_0000

    /// Of the processors that are on line those that the cpuset of a thread has (man 7 cpuset): of the innermost group that says so.
    private func allowedProcessors(of thread: Int32) -> ProcessorSet {
        let online = machineProcessors().online
        for group in (try? groups(of: thread, controller: "cpuset")) ?? [] {
            let names = group.isUnified ? ["cpuset.cpus.effective"] : ["cpuset.effective_cpus", "cpuset.cpus"]
            let lists = names.lazy.compactMap { processorList("\(group.path)/\($0)") }
            if let list = lists.first(where: { !$0.isEmpty }) { return online.intersection(list) }
        }
        return online
    }

    private func processorList(_ path: String) -> ProcessorSet? { text(path).flatMap { ProcessorSet(list: $0) } }
}
