import Glibc
import Kernel
package import Model
import SystemPackage

extension ProcFS {
    /// Makes all threads of a process nicer by `step`, or with one below zero more urgent; or one of them alone. The kernel keeps
    /// the value thread by thread: renice(1) changes that of the main thread alone.
    /// - Returns: what that of the main thread, or of `thread`, is now.
    /// - Throws: `.noTarget` where it has ended, `.notPermitted`. Threads that were changed before stay so.
    package func changeNice(
        of process: ProcessIdentity, thread: ProcessIdentity? = nil, by step: Int32
    ) throws(Failure) -> Int32 {
        // A thread that was started by one that is nicer by then is so already.
        try change(process, thread, repeats: false, refusal: "may not be made more urgent") { number throws(Errno) in
            try Niceness.change(ofThread: number, by: step)
        }
    }

    /// Changes something that the kernel keeps thread by thread.
    /// - Parameters:
    ///   - thread: nil for all threads.
    ///   - repeats: doing it twice is as good as once: so threads that are started meanwhile, by others that were not yet changed, are
    ///     not left out.
    ///   - refusal: what it means where the kernel refuses it of nusu's own user's.
    ///   - invalid: what it means where the kernel calls it invalid.
    /// - Returns: what came of the main thread, or of `thread`.
    func change<Value>(
        _ process: ProcessIdentity, _ thread: ProcessIdentity?, repeats: Bool = true, refusal: String,
        invalid: String? = nil, _ body: (Int32) throws(Errno) -> Value
    ) throws(Failure) -> Value {
        let subject = thread ?? process
        let ended = Failure(
            .noTarget, what: "\(subject) has ended", subject: subject.description, remedy: "nothing is left to change")
        guard let now = try? stat(of: process.pid), now.startTicks == process.startTicks else { throw ended }
        // Its entry could be changed, and nobody would run by it. Without its main thread others may go on.
        if now.isZombie, now.threadCount <= 1 { throw ended }
        if let thread {
            guard (try? stat(of: process.pid, thread: thread.pid))?.startTicks == thread.startTicks else { throw ended }
        }
        var result: Value?
        var done: Set<Int32> = []
        for _ in 0..<(repeats && thread == nil ? ProcFS.changeRounds : 1) {
            let numbers = if let thread { [thread.pid] } else { try threadIDs(of: process.pid) }
            let left = numbers.filter { !done.contains($0) }
            if left.isEmpty { break }
            for number in left {
                done.insert(number)
                do throws(Errno) {
                    let value = try body(number)
                    if number == subject.pid { result = value }
                } catch {
                    // It ended meanwhile.
                    if error == .noSuchProcess { continue }
                    if error == .invalidArgument, let invalid {
                        throw Failure(
                            .unsupported, what: "\(subject) \(invalid)", subject: subject.description,
                            remedy: "choose others")
                    }
                    throw Failure(
                        .notPermitted,
                        what: "\(subject) \(isOthers(process) ? "is another user's" : refusal)",
                        subject: subject.description, remedy: "root may change it (CAP_SYS_NICE)")
                }
            }
        }
        guard let result else { throw ended }
        return result
    }

    /// A program that starts threads faster than this is never done.
    private static let changeRounds = 8

    private func isOthers(_ process: ProcessIdentity) -> Bool {
        let record = try? scan(ProcessScan.Request([.owner], processes: [process.pid])).records.first
        return record?.owner.map { $0.user != geteuid() } ?? false
    }
}
