package import Model
package import SystemPackage

import CLinux
import Glibc

/// Small demonstrations on children of nusu's own. Each takes at most a few seconds and leaves nothing behind.
package enum Demonstrations {
    /// Copy on write, seen in the page tables.
    package static func fork() throws(Errno) -> [DemonstrationLine] {
        let pages = 1024
        let size = pages * Int(PageMap.pageSize)
        guard let memory = mmap(nil, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
            memory != MAP_FAILED
        else { throw Errno(rawValue: errno) }
        defer { munmap(memory, size) }
        // One page of 2 MiB would be copied whole.
        madvise(memory, size, MADV_NOHUGEPAGE)
        memset(memory, 1, size)
        let go = try BytePipe()
        let done = try BytePipe()
        let address = UInt64(UInt(bitPattern: memory))
        let child = try ForkedChild {
            _ = go.receive()
            memset(memory, 2, size / 4)
            done.send()
            _ = go.receive()
            return 0
        }
        var lines = [DemonstrationLine(.forked, .number(Int64(getpid())), .number(Int64(child.pid)))]
        let before = sharedPages(address, pages)
        lines.append(DemonstrationLine(.sharedBefore, .count(UInt64(before)), .count(UInt64(pages))))
        go.send()
        _ = done.receive()
        let after = sharedPages(address, pages)
        lines.append(DemonstrationLine(.sharedAfter, .count(UInt64(after)), .count(UInt64(pages - after))))
        return lines
    }

    /// Pages of nusu's own that some other process maps too: bit 56 of a pagemap entry says that none does (man 5
    /// proc_pid_pagemap).
    private static func sharedPages(_ address: UInt64, _ count: Int) -> Int {
        let descriptor = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return 0 }
        defer { close(descriptor) }
        var entries = [UInt64](repeating: 0, count: count)
        let got = pread(descriptor, &entries, count * 8, off_t(address / PageMap.pageSize * 8))
        return entries.prefix(max(got, 0) / 8).count { $0 >> 63 == 1 && $0 >> 56 & 1 == 0 }
    }

    package static func zombie() throws(Errno) -> [DemonstrationLine] {
        var child = try ForkedChild { 7 }
        child.awaitZombie()
        let pid = ExplainValue.number(Int64(child.pid))
        var lines = [DemonstrationLine(.childEnded, pid)]
        let state = stat(of: child.pid, field: 3) ?? "?"
        let resident = stat(of: child.pid, field: 24).flatMap { UInt64($0) } ?? 0
        lines.append(
            DemonstrationLine(.zombieState, pid, .text(state), .bytes(resident * PageMap.pageSize)))
        if case .exited(let code) = child.end() { lines.append(DemonstrationLine(.reaped, .number(Int64(code)))) }
        return lines
    }

    package static func orphan() throws(Errno) -> [DemonstrationLine] {
        let go = try BytePipe()
        var number: [Int32] = [-1, -1]
        _ = try checked { clinux_pipe(&number) }
        defer { for end in number { close(end) } }
        let writing = number[1]
        // A child that forks and ends; the grandchild outlives it by what is shown, and without nusu ends by itself.
        var child = try ForkedChild {
            var pid = clinux_fork(
                { pipe in
                    clinux_outlive_parent()
                    // Said only now: before that it would end with its parent.
                    var own = getpid()
                    _ = write(Int32(Int(bitPattern: pipe)), &own, 4)
                    usleep(10_000_000)
                    return 0
                }, UnsafeMutableRawPointer(bitPattern: Int(writing)))
            if pid < 0 { _ = write(writing, &pid, 4) }
            _ = go.receive()
            return 0
        }
        var grandchild: Int32 = 0
        guard read(number[0], &grandchild, 4) == 4, grandchild > 0 else { throw .resourceTemporarilyUnavailable }
        let pid = ExplainValue.number(Int64(grandchild))
        var lines = [DemonstrationLine(.orphanBefore, pid, .number(Int64(child.pid)))]
        go.send()
        _ = child.end()
        if let parent = stat(of: grandchild, field: 4).flatMap({ Int32($0) }) {
            lines.append(
                DemonstrationLine(.orphanAfter, pid, .number(Int64(parent)), .text(name(of: parent) ?? "?")))
        }
        kill(grandchild, SIGKILL)
        return lines
    }

    package static func leak() throws(Errno) -> [DemonstrationLine] {
        let go = try BytePipe()
        let done = try BytePipe()
        let block = 1 << 20
        var child = try ForkedChild {
            while go.receive() {
                for _ in 0..<8 {
                    // The only pointer to it is gone at once.
                    memset(malloc(block), 1, block)
                }
                done.send()
            }
            return 0
        }
        var lines = [DemonstrationLine(.residentAtStart, .bytes(resident(child.pid)))]
        for round in 1...3 {
            go.send()
            guard done.receive() else { throw .resourceTemporarilyUnavailable }
            let lost = UInt64(8 * round)
            lines.append(
                DemonstrationLine(
                    .lostBlocks, .count(lost), .bytes(lost * UInt64(block)), .bytes(resident(child.pid))))
        }
        kill(child.pid, SIGKILL)
        _ = child.end()
        lines.append(DemonstrationLine(.freedByEnd))
        return lines
    }

    package static func pingPong() throws(Errno) -> [DemonstrationLine] {
        let rounds = 10_000
        let there = try BytePipe()
        let back = try BytePipe()
        let child = try ForkedChild {
            while there.receive() { back.send() }
            return 0
        }
        var before = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &before)
        let start = Moment.now
        for _ in 0..<rounds {
            there.send()
            guard back.receive() else { throw .resourceTemporarilyUnavailable }
        }
        let seconds = Moment.now.seconds(since: start)
        var after = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &after)
        kill(child.pid, SIGKILL)
        return [
            DemonstrationLine(.pingPong, .count(UInt64(rounds)), .seconds(seconds / Double(rounds))),
            DemonstrationLine(
                .pingPongSwitches, .count(UInt64(max(after.ru_nvcsw - before.ru_nvcsw, 0))),
                .count(UInt64(max(after.ru_nivcsw - before.ru_nivcsw, 0)))),
        ]
    }

    package static func signal() throws(Errno) -> [DemonstrationLine] {
        let ready = try BytePipe()
        var child = try ForkedChild {
            // A group of its own in nusu's session: TSTP stops it as it does what a shell has started.
            setpgid(0, 0)
            Glibc.signal(SIGTERM) { _ in }
            ready.send()
            while true { pause() }
        }
        _ = ready.receive()
        kill(child.pid, SIGTERM)
        usleep(20_000)
        var lines = [DemonstrationLine(.signalCaught, .number(Int64(child.pid)))]
        kill(child.pid, SIGTSTP)
        let stopped = state(of: child.pid, awaiting: "T")
        kill(child.pid, SIGCONT)
        lines.append(
            DemonstrationLine(.stoppedByKey, .text(stopped), .text(state(of: child.pid, awaiting: "S"))))
        kill(child.pid, SIGKILL)
        if case .killed(let signal) = child.end() {
            lines.append(DemonstrationLine(.signalKilled, .number(Int64(signal))))
        }
        return lines
    }

    package static func priority() throws(Errno) -> [DemonstrationLine] {
        let (first, second) = try twoBusy(nice: 10)
        let sum = max(first.seconds + second.seconds, 0.001)
        return [
            DemonstrationLine(
                .busyShare, .seconds(busySeconds), .share(first.seconds / sum), .share(second.seconds / sum))
        ]
    }

    /// Two of the same right take turns. Of the normal policy: real-time ones would leave nothing to others on that core.
    package static func turns() throws(Errno) -> [DemonstrationLine] {
        let (first, second) = try twoBusy(nice: 0)
        let sum = max(first.seconds + second.seconds, 0.001)
        return [
            DemonstrationLine(
                .turnShare, .seconds(busySeconds), .share(first.seconds / sum), .share(second.seconds / sum)),
            DemonstrationLine(.turnsEnded, .count(first.pushedOff), .count(second.pushedOff)),
        ]
    }

    private static let busySeconds = 1.0

    /// Both on the core that nusu is on.
    private static func twoBusy(nice: Int32) throws(Errno) -> (ForkedChild.Use, ForkedChild.Use) {
        guard clinux_stay_on_processor() == 0 else { throw Errno(rawValue: errno) }
        var first = try ForkedChild { beBusy() }
        var second = try ForkedChild {
            setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, nice)
            return beBusy()
        }
        Pause.sleep(seconds: busySeconds)
        kill(first.pid, SIGKILL)
        kill(second.pid, SIGKILL)
        return (first.endWithUse(), second.endWithUse())
    }

    private static func beBusy() -> Int32 {
        var number: UInt64 = 1
        while number != 0 { number = number &* 6_364_136_223_846_793_005 | 1 }
        return 0
    }

    package static func addresses() -> [DemonstrationLine] {
        var local: UInt64 = 0
        let block = malloc(64)
        defer { free(block) }
        let stack = withUnsafeMutablePointer(to: &local) { UInt64(UInt(bitPattern: $0)) }
        return [
            DemonstrationLine(.codeAt, .address(clinux_code_address())),
            DemonstrationLine(.dataAt, .address(clinux_data_address())),
            DemonstrationLine(.bssAt, .address(clinux_bss_address())),
            DemonstrationLine(.heapAt, .address(UInt64(UInt(bitPattern: block)))),
            DemonstrationLine(.stackAt, .address(stack)),
        ]
    }
}

/// The few fields of `/proc/PID/stat` that are shown.
extension Demonstrations {
    private static func stat(of pid: Int32, field: Int) -> String? {
        guard let text = text("/proc/\(pid)/stat"), let close = text.lastIndex(of: ")") else { return nil }
        let words = text[text.index(after: close)...].split(separator: " ")
        return field >= 3 && field - 3 < words.count ? String(words[field - 3]) : nil
    }

    private static func state(of pid: Int32, awaiting wanted: String) -> String {
        for _ in 0..<1000 {
            if stat(of: pid, field: 3) == wanted { break }
            usleep(5000)
        }
        return stat(of: pid, field: 3) ?? "?"
    }

    private static func resident(_ pid: Int32) -> UInt64 {
        (stat(of: pid, field: 24).flatMap { UInt64($0) } ?? 0) * PageMap.pageSize
    }

    private static func name(of pid: Int32) -> String? {
        text("/proc/\(pid)/comm").map { String($0.prefix { $0 != "\n" }) }
    }

    private static func text(_ path: String) -> String? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = read(descriptor, &bytes, bytes.count)
        return count > 0 ? String(decoding: bytes[..<count], as: UTF8.self) : nil
    }
}
