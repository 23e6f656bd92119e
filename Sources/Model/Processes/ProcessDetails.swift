/// What is read of a process only when somebody asks for just that.
package struct ProcessDetails: Hashable, Sendable {
    /// `environ`, as the process was started with it: every variable ends with a zero byte. Bounded; nil where it was not asked
    /// for, or may not be read.
    package var environmentBytes: [UInt8]?
    /// More of it than is kept.
    package var isEnvironmentCut = false
    /// Locks of files that it has or waits for; nil where they were not asked for, or may not be read.
    package var locks: [FileLock]?
    package var gaps: [Gap] = []

    package init() {}
}
