/// Something that could not be seen. It stands in the result beside what was seen; it is not an error.
package struct Gap: Hashable, Sendable {
    /// What was not looked at, with its size where it has one: "212 MiB of jemalloc memory".
    package let what: String
    /// Why not, in words.
    package let reason: String
    /// What the user can do about it, a command or a setting; nil where nothing helps.
    package let remedy: String?

    package init(what: String, reason: String, remedy: String? = nil) {
        self.what = what
        self.reason = reason
        self.remedy = remedy
    }
}
