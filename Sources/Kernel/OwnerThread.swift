package import SystemPackage

import CLinux

/// A thread that owns attachments: ptrace is bound to the thread that attached, and when that thread ends the kernel
/// lets everything go that it still holds, stopped or not. That is the only way to let go of a thread that does not stop.
package enum OwnerThread {
    /// Runs `body` on a thread of its own and waits until that thread has ended.
    ///
    /// The corresponding C functions are `pthread_create` and `pthread_join`.
    package static func run<Result, Failure: Error>(
        _ body: () throws(Failure) -> Result, failed: (Errno) -> Failure
    ) throws(Failure) -> Result {
        var outcome: Swift.Result<Result, Failure>?
        let code = withoutActuallyEscaping(body) { body in
            withUnsafeMutablePointer(to: &outcome) { pointer in
                // The other thread ends before this function returns, so that neither outlives its scope.
                let work = Work {
                    do throws(Failure) {
                        pointer.pointee = .success(try body())
                    } catch { pointer.pointee = .failure(error) }
                }
                return start(work)
            }
        }
        guard code == 0, let outcome else { throw failed(Errno(rawValue: code)) }
        return try outcome.get()
    }

    private static func start(_ work: Work) -> Int32 {
        let reference = Unmanaged.passRetained(work)
        defer { reference.release() }
        // The stack is as large as a main thread's usually is; only what is touched costs memory.
        return clinux_run_thread(
            8 << 20,
            { argument in
                if let argument { Unmanaged<Work>.fromOpaque(argument).takeUnretainedValue().body() }
                return nil
            }, reference.toOpaque())
    }

    private final class Work {
        let body: () -> Void
        init(_ body: @escaping () -> Void) { self.body = body }
    }
}
