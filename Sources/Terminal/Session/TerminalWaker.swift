import CTerminal
import Glibc

/// Ends the wait of the thread that has the terminal, from any other.
package final class TerminalWaker: Sendable {
    let descriptor: Int32

    init?() {
        descriptor = cterminal_event()
        if descriptor < 0 { return nil }
    }

    deinit { close(descriptor) }

    /// The corresponding C function is `eventfd_write`.
    package func wake() {
        var one: UInt64 = 1
        // It fails only after 2^64 calls that nobody read, and would have told all the same.
        _ = write(descriptor, &one, 8)
    }

    func clear() {
        var count: UInt64 = 0
        _ = read(descriptor, &count, 8)
    }
}
