import Model

/// nusu's exit statuses: a promise to scripts.
enum ExitStatus {
    /// Done, nothing found, and everything was looked at; or a listing was printed.
    static let done: Int32 = 0
    /// Done, and found.
    static let found: Int32 = 1
    /// Done, nothing found, but a part could not be looked at.
    static let lowerBound: Int32 = 2

    /// The status of a failure. The numbers 64 to 77 are those of sysexits.h.
    static func of(_ kind: Failure.Kind) -> Int32 {
        switch kind {
        case .usage: 64
        case .noTarget: 66
        case .unsupported: 69
        case .internal: 70
        case .notPermitted: 77
        case .interrupted(let signal): 128 + signal
        }
    }
}
