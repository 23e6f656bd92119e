/// All open descriptors of a process at one moment, and the limit that they count against.
package struct DescriptorTable: Sendable {
    package var process: ProcessIdentity
    /// Ascending by number. Empty where they may not be seen.
    package var descriptors: [Descriptor] = []
    /// How many are open, which everybody may know since Linux 6.2; nil where not even that can be told.
    package var total: Int?
    /// RLIMIT_NOFILE: numbers are below the soft limit; up to the hard one the process may raise it. nil: none, or not known.
    package var softLimit: UInt64?
    package var hardLimit: UInt64?
    /// The process has ended, and with it all that it had open.
    package var isZombie = false
    package var gaps: [Gap] = []

    package init(process: ProcessIdentity) { self.process = process }

    /// Which descriptors there are is known.
    package var isListed: Bool { total == 0 || !descriptors.isEmpty || isZombie }

    package subscript(number: Int32) -> Descriptor? {
        var low = 0
        var high = descriptors.count
        while low < high {
            let middle = (low + high) / 2
            if descriptors[middle].number < number { low = middle + 1 } else { high = middle }
        }
        guard low < descriptors.count, descriptors[low].number == number else { return nil }
        return descriptors[low]
    }
}
