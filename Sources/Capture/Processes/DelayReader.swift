import Kernel
import Model
import SystemPackage

/// Asks the kernel what it counted of a thread's delays. Opened with the first question. Belongs to one thread.
final class DelayReader {
    /// nil where that is not allowed, or not there: nobody asks again.
    private lazy var records = try? OpenThreadRecords()

    /// How long a thread waited for memory to come back from swap, in nanoseconds; nil where that is not told.
    func swapDelay(of thread: Int32) -> UInt64? {
        guard let records else { return nil }
        do { return TaskStatistics.swapDelay(in: try records.records.read(ofThread: thread)) } catch {
            // Of one that has ended others tell nothing.
            if error != .noSuchProcess { self.records = nil }
            return nil
        }
    }

    private final class OpenThreadRecords {
        let records: ThreadRecords

        init() throws(Errno) { records = try ThreadRecords() }
    }
}
