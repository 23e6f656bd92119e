import Dispatch
import Model
import Synchronization

extension MemoryReader {
    /// As `read`; where much is asked for, its parts are read at the same time. The kernel copies each page of another process
    /// twice, and that takes longer than most that is done with what was read.
    ///
    /// - Parameter look: told of each part that was read, and its address, on the thread that read it.
    func readInParts(
        at address: UInt64, into buffer: UnsafeMutableRawBufferPointer,
        look: @Sendable (UnsafeRawBufferPointer, UInt64) -> Void
    ) -> Int {
        let partBytes = 1 << 19
        let parts = (buffer.count + partBytes - 1) / partBytes
        // No two parts overlap, and all are read before the buffer is used.
        nonisolated(unsafe) let buffer = buffer
        // What was read behind the first gap does not count.
        let end = Mutex(buffer.count)
        DispatchQueue.concurrentPerform(iterations: parts) { number in
            let part = number * partBytes..<min((number + 1) * partBytes, buffer.count)
            let at = address &+ UInt64(part.lowerBound)
            let got = max(read(at: at, into: UnsafeMutableRawBufferPointer(rebasing: buffer[part])), 0)
            look(UnsafeRawBufferPointer(rebasing: buffer[part.lowerBound..<part.lowerBound + got]), at)
            if got < part.count { end.withLock { $0 = min($0, part.lowerBound + got) } }
        }
        return end.withLock { $0 }
    }
}
