import Glibc

/// Many processes that sleep and do nothing else, so that two tools which look one after the other see the same.
final class Sleepers {
    private let children: [Child]

    var pids: [pid_t] { children.map(\.pid) }
    var list: String { pids.map(String.init).joined(separator: ",") }

    init(_ count: Int, _ arguments: [String] = ["sleep", "600"]) throws {
        children = try (0..<count).map { _ in try Child(arguments) }
        // Between fork and exec they still have the test's name, and what starts has not gone to sleep yet.
        for child in children {
            guard comesTrue({ Sleepers.sleeps(child.pid, arguments[0]) }) else {
                throw HarnessError("process \(child.pid) does not sleep")
            }
        }
    }

    /// Whether it runs the program of that name, and that sleeps.
    static func sleeps(_ pid: pid_t, _ name: String) -> Bool {
        let asleep = Surroundings.readFile("/proc/\(pid)/wchan")?.contains("nanosleep") ?? false
        return asleep && Surroundings.readFile("/proc/\(pid)/comm")?.hasPrefix(name) == true
    }
}
