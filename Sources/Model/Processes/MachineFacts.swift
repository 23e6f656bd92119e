/// What turns the kernel's numbers for processes into times, shares and names. One moment's.
package struct MachineFacts: Sendable {
    /// Clock ticks per second of the times in `stat` (sysconf _SC_CLK_TCK).
    package var ticksPerSecond: UInt64 = 100
    package var pageBytes: UInt64 = 4096
    /// Seconds since boot; nil where they cannot be told.
    package var uptime: Double?
    /// Now on the scheduler's own clock, which leaves out what interrupts and a hypervisor took; nil where it cannot be told.
    package var schedulerSeconds: Double?
    /// When the machine was booted, in seconds since 1970 (`btime` of /proc/stat).
    package var bootTime: Int64?
    /// Now, in seconds since 1970.
    package var now: Int64 = 0
    /// MemTotal.
    package var memoryBytes: UInt64?
    /// Numbers of processes are below this.
    package var processLimit: UInt64 = 32768
    /// Whether the kernel counts how long threads wait for storage (kernel.task_delayacct); nil where it does not say, before 5.14.
    package var countsDelays: Bool?
    /// From the passwd and group files only: other name services would need shared libraries.
    package var users: [UInt32: String] = [:]
    package var groups: [UInt32: String] = [:]
    package var terminalDrivers: [TerminalDriver] = []

    package init() {}

    /// The user's name, or its number where it has none.
    package func userName(_ user: UInt32) -> String { users[user] ?? "\(user)" }
    package func groupName(_ group: UInt32) -> String { groups[group] ?? "\(group)" }

    /// When something was started, in seconds since 1970, cut to a whole second as ps has it.
    package func startTime(ticks: UInt64) -> Int64? {
        bootTime.map { $0 + Int64(clamping: ticks / max(ticksPerSecond, 1)) }
    }

    /// Seconds from a start to the moment of these facts.
    package func age(startTicks: UInt64) -> Double? {
        uptime.map { max(0, $0 - Double(startTicks) / Double(max(ticksPerSecond, 1))) }
    }
}

/// A line of `/proc/tty/drivers`: the device numbers of a kind of terminal.
package struct TerminalDriver: Hashable, Sendable {
    /// Its file without `/dev/`: "tty", "pts", "ttyS".
    package var name: String
    package var major: UInt32
    package var minors: ClosedRange<UInt32>
    /// Virtual consoles and pseudo-terminals.
    package var kind: String

    package init(name: String, major: UInt32, minors: ClosedRange<UInt32>, kind: String) {
        self.name = name
        self.major = major
        self.minors = minors
        self.kind = kind
    }
}

extension MachineFacts {
    /// The terminal's file without `/dev/`, as who(1) and ps(1) write it: "pts/3", "tty1"; nil for none.
    /// - Parameter device: field 7 of `stat`.
    package func terminalName(_ device: UInt32) -> String? {
        guard device != 0 else { return nil }
        // include/linux/kdev_t.h, new_encode_dev.
        let major = (device & 0xfff00) >> 8
        let minor = (device & 0xff) | ((device >> 12) & 0xfff00)
        // Pseudo-terminals have their own majors, 136 to 143 (Documentation/admin-guide/devices.txt).
        if (136...143).contains(major) { return "pts/\(minor + (major - 136) * 256)" }
        guard let driver = terminalDrivers.first(where: { $0.major == major && $0.minors.contains(minor) }) else {
            return "\(major):\(minor)"
        }
        switch driver.kind {
        case "system", "system:/dev/tty", "system:console", "system:vtmaster": return driver.name
        case "console": return "\(driver.name)\(minor)"
        case "pty:slave": return "\(driver.name)/\(minor - driver.minors.lowerBound)"
        default: return "\(driver.name)\(minor - driver.minors.lowerBound)"
        }
    }
}

extension MachineFacts {
    /// The number of a user that is given by name or number; nil where there is no such name.
    package func user(named name: String) -> UInt32? {
        users.first { $0.value == name }?.key ?? UInt32(name)
    }
}
