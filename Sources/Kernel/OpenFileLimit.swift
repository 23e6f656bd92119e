import Glibc

/// How many files nusu may have open.
package enum OpenFileLimit {
    /// As many as it may have without any right: to that the limit is raised.
    ///
    /// The corresponding C functions are `getrlimit` and `setrlimit`.
    package static func raise() -> Int {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return standard }
        if limit.rlim_cur < limit.rlim_max {
            var raised = limit
            raised.rlim_cur = limit.rlim_max
            if setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &raised) == 0 { limit = raised }
        }
        return Int(clamping: limit.rlim_cur)
    }

    /// What POSIX systems give at least.
    private static let standard = 256
}
