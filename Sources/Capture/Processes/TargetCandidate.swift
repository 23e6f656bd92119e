import Glibc
package import Model

/// A process that a target's name may mean: what is shown so that the user can choose.
package struct TargetCandidate: Hashable, Sendable {
    package let identity: ProcessIdentity
    package let parent: Int32
    package let userID: UInt32
    /// The user's name from the passwd file; nil where it has none.
    package let userName: String?
    /// Seconds since it was started; nil where that cannot be told.
    package let ageSeconds: Double?
    /// Raw bytes, bounded.
    package let arguments: [[UInt8]]
}

extension ProcFS {
    /// nil when the process is gone by now.
    package func candidate(_ pid: Int32) -> TargetCandidate? {
        guard let stat = try? stat(of: pid), let status = try? status(of: pid) else { return nil }
        return TargetCandidate(
            identity: ProcessIdentity(pid: pid, startTicks: stat.startTicks, commandBytes: stat.commandBytes),
            parent: stat.parent, userID: status.user.effective, userName: userName(status.user.effective),
            ageSeconds: ageSeconds(startTicks: stat.startTicks), arguments: arguments(of: pid))
    }

    /// From the passwd file only: other name services would need shared libraries.
    package func userName(_ user: UInt32) -> String? {
        guard let bytes = try? ProcFile.read(systemRoot + "/etc/passwd", limit: Limit.maps) else { return nil }
        for line in bytes.split(separator: UInt8(ascii: "\n")) {
            let fields = line.split(separator: UInt8(ascii: ":"), maxSplits: 3, omittingEmptySubsequences: false)
            guard fields.count == 4, ProcFS.number(Array(fields[2])) == Int32(exactly: user) else { continue }
            return String(decoding: fields[0], as: UTF8.self)
        }
        return nil
    }

    private func ageSeconds(startTicks: UInt64) -> Double? {
        let ticksPerSecond = Double(sysconf(Int32(_SC_CLK_TCK)))
        guard let uptime = number(inFile: root + "/uptime"), ticksPerSecond > 0 else { return nil }
        return max(0, Double(uptime) - Double(startTicks) / ticksPerSecond)
    }
}
