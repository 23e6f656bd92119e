import Kernel
package import Model

/// Reads the kernel's records of what ended, where that is allowed. Belongs to one thread.
package final class ExitWatch {
    private let records: ExitRecords

    /// So many come with one look; more wait for the next.
    private static let limit = 100_000

    /// nil without CAP_NET_ADMIN on the machine itself, and where the kernel keeps no such records.
    package init?() {
        do { records = try ExitRecords() } catch { return nil }
    }

    /// What ended since the last call; nil where some of it was lost, since there was too much.
    package func take() -> [ThreadExit]? {
        var exits: [ThreadExit] = []
        let isWhole = records.drain(limit: ExitWatch.limit) { exits += ThreadExit.parse($0) }
        return isWhole ? exits : nil
    }
}
