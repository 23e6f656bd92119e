/// Why nusu could not do what it was asked: what failed, on which subject, why, and what the user can do.
///
/// Missing data is no failure but a `Gap` in the result.
package struct Failure: Error, Hashable, Sendable {
    /// Each kind has one exit status (`ExitStatus` in the executable).
    package enum Kind: Hashable, Sendable {
        /// The command line cannot be understood, or names several processes. 64
        case usage
        /// There is no such target, or it went away. 66
        case noTarget
        /// The target cannot be looked at at all, or only at a price over the limits given. 69
        case unsupported
        /// nusu itself failed. 70
        case `internal`
        /// The right to look is missing. 77
        case notPermitted
        /// Ended by this signal, after the target was resumed. 128 + n
        case interrupted(signal: Int32)
    }

    package let kind: Kind
    /// What failed and why, one line without a full stop: "may not read the memory of api (1): ptrace_scope=1 …".
    package let what: String
    /// On which subject: "api (1234)", a path, an option.
    package let subject: String
    /// What to do now: one line, a command where there is one.
    package let remedy: String

    package init(_ kind: Kind, what: String, subject: String, remedy: String) {
        self.kind = kind
        self.what = what
        self.subject = subject
        self.remedy = remedy
    }
}
