package import Model

extension ProcFS {
    /// The account of the control group that bounds a process: of its group and that one's ancestors the innermost with a
    /// limit, else its own group. nil for a process that is in no group but the root, which is the whole machine, and where
    /// no hierarchy is mounted.
    package func groupMemory(of pid: Int32) throws(Failure) -> GroupMemory? {
        let accounts = try groups(of: pid, controller: "memory").compactMap { account(of: $0) }
        return accounts.first { $0.limitBytes != nil } ?? accounts.first
    }

    /// nil for the root of a hierarchy: version 2 has no such files there; that of version 1 is called "/" and has no limit,
    /// as a container that sees its own group there has.
    private func account(of group: Group) -> GroupMemory? {
        let path = group.path
        let statistics = text(path + "/memory.stat").map(ProcFS.statistics) ?? [:]
        guard group.isUnified else {
            guard let words = number(inFile: path + "/memory.limit_in_bytes") else { return nil }
            // "No limit" of version 1 is PAGE_COUNTER_MAX, LONG_MAX rounded down to a page.
            let limit = words >= 1 << 62 ? nil : words
            guard !group.isRoot || limit != nil else { return nil }
            var account = GroupMemory(
                pathBytes: group.name, limitBytes: limit,
                usageBytes: number(inFile: path + "/memory.usage_in_bytes"))
            account.anonymousBytes = statistics["total_rss"]
            account.cacheBytes = ProcFS.difference(statistics["total_cache"], statistics["total_shmem"])
            account.kernelBytes = number(inFile: path + "/memory.kmem.usage_in_bytes")
            account.outOfMemoryKills = text(path + "/memory.oom_control").map(ProcFS.statistics)?["oom_kill"]
            return account
        }
        guard let limit = text(path + "/memory.max") else { return nil }
        var account = GroupMemory(
            pathBytes: group.name, limitBytes: limit == "max" ? nil : UInt64(limit),
            usageBytes: number(inFile: path + "/memory.current"))
        account.anonymousBytes = statistics["anon"]
        account.cacheBytes = ProcFS.difference(statistics["file"], statistics["shmem"])
        account.kernelBytes = statistics["kernel"]
        account.outOfMemoryKills = text(path + "/memory.events").map(ProcFS.statistics)?["oom_kill"]
        return account
    }
}
