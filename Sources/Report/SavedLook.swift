import FoundationEssentials
import Model

/// That a report is of a saved snapshot and not of a running process.
package struct SavedLook: Hashable, Sendable {
    /// The file, as the user named it.
    package var path: String
    /// When the snapshot was taken: seconds since 1970 (UTC).
    package var secondsSince1970: Int64

    package init(path: String, secondsSince1970: Int64) {
        self.path = path
        self.secondsSince1970 = secondsSince1970
    }

    /// What names a look's subject in a command: the process's number, or the file, quoted where a shell needs it.
    static func subject(_ saved: SavedLook?, _ target: ProcessIdentity) -> String {
        saved.map { TerminalText.shellWord($0.path) } ?? "\(target.pid)"
    }

    /// "2026-11-23T20:17:00Z"; what lies outside of the years that have four digits is shown as its number of seconds.
    package var time: String {
        let fourDigits: Range<Int64> = -62_135_596_800..<253_402_300_800
        guard fourDigits.contains(secondsSince1970) else { return "\(secondsSince1970) s since 1970" }
        return Date(timeIntervalSince1970: Double(secondsSince1970)).formatted(.iso8601)
    }
}
