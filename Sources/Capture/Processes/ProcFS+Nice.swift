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
        try change(process, thread, refusal: "may not be made more urgent") { number throws(Errno) in
            try Niceness.change(ofThread: number, by: step)
        }
    }

    /// Changes something that the kernel keeps thread by thread.
    /// - Parameters:
    ///   - thread: nil for all threads.
    ///   - refusal: what it means where the kernel refuses it of nusu's own user's.
    /// - Returns: what came of the main thread, or of `thread`.
    func change<Value>(
        _ process: ProcessIdentity, _ thread: ProcessIdentity?, refusal: String,
        _ body: (Int32) throws(Errno) -> Value
    ) throws(Failure) -> Value {
        let subject = thread ?? process
        let ended = Failure(
            .noTarget, what: "\(subject) has ended", subject: subject.description, remedy: "nothing is left to change")
        guard (try? stat(of: process.pid))?.startTicks == process.startTicks else { throw ended }
        if let thread {
            guard (try? stat(of: process.pid, thread: thread.pid))?.startTicks == thread.startTicks else { throw ended }
        }
        var result: Value?
        let numbers = if let thread { [thread.pid] } else { try threadIDs(of: process.pid) }
        for number in numbers {
            do throws(Errno) {
                let value = try body(number)
                if number == subject.pid { result = value }
            } catch {
                // It ended meanwhile.
                if error == .noSuchProcess { continue }
                throw Failure(
                    .notPermitted,
                    what: "\(subject) \(isOthers(process) ? "is another user's" : refusal)",
                    subject: subject.description, remedy: "root may change it (CAP_SYS_NICE)")
            }
        }
        guard let result else { throw ended }
        return result
    }

    private func isOthers(_ process: ProcessIdentity) -> Bool {
        let record = try? scan(ProcessScan.Request([.owner], processes: [process.pid])).records.first
        return record?.owner.map { $0.user != geteuid() } ?? false
    }
}
