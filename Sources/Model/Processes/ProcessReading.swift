/// A record that is in memory once, however many refer to it: records are large, and a look at thousands of processes is compared
/// with the next one while both are shown.
package final class ProcessReading: Sendable {
    package let record: ProcessRecord

    package init(_ record: ProcessRecord) { self.record = record }

    package var stat: ProcessStat { record.stat }
}
