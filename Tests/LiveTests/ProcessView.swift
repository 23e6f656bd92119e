import Glibc

/// What the kernel says of a process: to see that nusu left nothing behind.
struct ProcessView {
    let pid: pid_t

    /// One line of /proc/PID/status, without its name.
    func status(_ field: String, thread: pid_t? = nil) -> String? {
        let path = thread.map { "/proc/\(pid)/task/\($0)/status" } ?? "/proc/\(pid)/status"
        guard let text = Surroundings.readFile(path) else { return nil }
        for line in text.split(separator: "\n") where line.hasPrefix(field + ":") {
            return String(line.dropFirst(field.count + 1).drop { $0 == "\t" || $0 == " " })
        }
        return nil
    }

    /// One letter: R, S, T, Z, …; nil when it is gone.
    var state: Character? { status("State")?.first }
    /// Whether it has ended, waited for or not.
    var hasEnded: Bool { [nil, "Z", "X"].contains(state) }
    /// Whether all of its threads are in that state: what stops a process reaches them one after the other.
    func isWholly(_ state: Character) -> Bool {
        let threads = threads
        return !threads.isEmpty && threads.allSatisfy { status("State", thread: $0)?.first == state }
    }
    var isTraced: Bool { status("TracerPid").map { $0 != "0" } ?? false }

    var children: [pid_t] {
        var result: [pid_t] = []
        for thread in threads {
            let text = Surroundings.readFile("/proc/\(pid)/task/\(thread)/children") ?? ""
            result += text.split(separator: " ").compactMap { pid_t(String($0.filter(\.isNumber))) }
        }
        return result
    }

    var threads: [pid_t] {
        guard let folder = opendir("/proc/\(pid)/task") else { return [] }
        defer { closedir(folder) }
        var result: [pid_t] = []
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if let thread = pid_t(name) { result.append(thread) }
        }
        return result
    }

    /// Nanoseconds that a thread has run (man 5 proc_pid_schedstat); nil where the kernel does not count them.
    func timeOnProcessor(of thread: pid_t) -> UInt64? {
        Surroundings.readFile("/proc/\(pid)/task/\(thread)/schedstat")?.split(separator: " ").first.flatMap {
            UInt64($0)
        }
    }

    /// Where its open descriptors lead, by number.
    var links: [Int32: String] {
        var result: [Int32: String] = [:]
        guard let folder = opendir("/proc/\(pid)/fd") else { return result }
        defer { closedir(folder) }
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            var target = [CChar](repeating: 0, count: 4096)
            guard let number = Int32(name), readlink("/proc/\(pid)/fd/\(name)", &target, 4095) > 0 else { continue }
            result[number] = String(decoding: target.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }
        return result
    }

    /// Whether all of its threads come to sleep, and its mappings stay as they are for a moment: it has done what it starts
    /// with, and waits.
    func becomesQuiet() -> Bool {
        var last = ""
        return comesTrue {
            let now = Surroundings.readFile("/proc/\(pid)/smaps") ?? ""
            defer { last = now }
            if isWholly("S"), now == last, now.contains("[stack]") { return true }
            usleep(50_000)
            return false
        }
    }

    var zombies: [pid_t] { children.filter { ProcessView(pid: $0).state == "Z" } }

    /// What nusu may have left behind, in words; empty when nothing.
    var harm: [String] {
        var result: [String] = []
        guard let state else { return ["it is gone"] }
        if state == "T" || state == "t" || state == "Z" { result.append("its state is \(state)") }
        for thread in threads where (status("State", thread: thread)?.first).map({ $0 == "t" }) ?? false {
            result.append("thread \(thread) is still stopped by a tracer")
        }
        if isTraced { result.append("it is still traced") }
        if !zombies.isEmpty { result.append("it has the zombies \(zombies)") }
        return result
    }
}
