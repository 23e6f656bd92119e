import Glibc
import Model

extension ProcFS {
    /// Whether nusu may look into processes of others: CAP_SYS_PTRACE.
    package var mayTraceOthers: Bool { (try? status(of: getpid()).mayTraceOthers) ?? false }

    /// - Parameters:
    ///   - part: of other processes, which nusu was refused.
    ///   - command: would see it, as root.
    func refusal(_ what: String, of part: String, _ command: String) -> Gap {
        // What is hidden from one who may trace others, a security module or a foreign user namespace hides.
        mayTraceOthers
            ? Gap(what: what, reason: "\(part) may not be read, even with CAP_SYS_PTRACE")
            : Gap(
                what: what, reason: "\(part) may not be read: that needs their own users, or CAP_SYS_PTRACE",
                remedy: "run nusu as root: \(command)")
    }
}
