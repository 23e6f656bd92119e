import Kernel
package import Model
import SystemPackage

extension ProcFS {
    /// Makes all threads of a process nicer by `step`, or with one below zero more urgent. The kernel keeps the value thread by
    /// thread: renice(1) changes that of the main thread alone.
    /// - Returns: what that of the main thread is now.
    /// - Throws: `.noTarget` where the process has ended, `.notPermitted`. Threads that were changed before stay so.
    package func changeNice(of process: ProcessIdentity, by step: Int32) throws(Failure) -> Int32 {
        let ended = Failure(
            .noTarget, what: "\(process) has ended", subject: process.description, remedy: "nothing is left to change")
        guard (try? stat(of: process.pid))?.startTicks == process.startTicks else { throw ended }
        var result: Int32?
        for thread in try threadIDs(of: process.pid) {
            do {
                let value = try Niceness.change(ofThread: thread, by: step)
                if thread == process.pid { result = value }
            } catch  where error == .noSuchProcess {
                // It ended meanwhile.
                continue
            } catch {
                throw Failure(
                    .notPermitted,
                    what: error == .permissionDenied
                        ? "\(process) may not be made more urgent" : "\(process) is another user's",
                    subject: process.description, remedy: "root may change it (CAP_SYS_NICE)")
            }
        }
        guard let result else { throw ended }
        return result
    }
}
