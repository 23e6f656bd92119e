/// One thing about a process, asked for instead of all that `nusu show` says.
package enum ShowPart: String, Hashable, Sendable, CaseIterable {
    case command, environment, locks, calls
}
