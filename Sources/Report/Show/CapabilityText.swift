/// Root's rights one by one, in words (include/uapi/linux/capability.h).
enum CapabilityText {
    /// By their bits, without `CAP_`.
    private static let names = [
        "CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "SETPCAP",
        "LINUX_IMMUTABLE", "NET_BIND_SERVICE", "NET_BROADCAST", "NET_ADMIN", "NET_RAW", "IPC_LOCK", "IPC_OWNER",
        "SYS_MODULE", "SYS_RAWIO", "SYS_CHROOT", "SYS_PTRACE", "SYS_PACCT", "SYS_ADMIN", "SYS_BOOT", "SYS_NICE",
        "SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "MKNOD", "LEASE", "AUDIT_WRITE", "AUDIT_CONTROL", "SETFCAP",
        "MAC_OVERRIDE", "MAC_ADMIN", "SYSLOG", "WAKE_ALARM", "BLOCK_SUSPEND", "AUDIT_READ", "PERFMON", "BPF",
        "CHECKPOINT_RESTORE",
    ]

    /// So many are named; of more only the number is told.
    private static let named = 3

    static func names(_ set: UInt64) -> [String] {
        (0..<64).filter { set >> UInt64($0) & 1 == 1 }.map { $0 < names.count ? names[$0] : "capability \($0)" }
    }

    /// - Parameters:
    ///   - set: nil: not known.
    ///   - last: the highest that this kernel has; nil: not known.
    static func text(_ set: UInt64?, last: UInt64?) -> String {
        guard let set else { return "capabilities not known" }
        let held = names(set)
        if held.isEmpty { return "no capabilities" }
        if let last, last < 64 {
            let missing = names(~set & (UInt64.max >> (63 - last)))
            if missing.isEmpty { return "all \(held.count) capabilities" }
            if missing.count <= named { return "all capabilities but \(missing.joined(separator: " "))" }
        }
        guard held.count <= named else { return "\(held.count) capabilities" }
        return "only the capabilit\(held.count == 1 ? "y" : "ies") \(held.joined(separator: " "))"
    }
}
