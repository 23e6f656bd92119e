package import Analysis
package import Model

/// All that `nusu leaks` says: what was found, what it cost, and what was not seen. Text and JSON are two views of it.
package struct LeakReport: Sendable {
    package var target: ProcessIdentity
    /// Of the first snapshot that hung together.
    package var snapshot: SnapshotFacts
    /// The second snapshot, when one was taken to confirm the first.
    package var confirmation: Confirmation?
    /// From the resolved target to the findings.
    package var totalSeconds: Double
    /// Snapshots taken until one showed a heap that hangs together; the confirming one does not count.
    package var attempts: Int
    package var findings: LeakFindings
    /// The resident set of the target when the snapshot was taken; nil where it cannot be told.
    package var residentBytes: UInt64?
    /// nil for a process that runs.
    package var saved: SavedLook?

    /// What the target has open; nil where no group owns a descriptor, or it may not be seen.
    package var descriptors: DescriptorTable?

    /// Of a command that nusu ran: how it ended. `snapshot.pauseSeconds` is then for how long its end was held up.
    package var ended: Ended?

    package struct Ended: Hashable, Sendable {
        package var command: [String]
        /// As a shell would say it.
        package var status: Int32

        package init(command: [String], status: Int32) {
            self.command = command
            self.status = status
        }
    }

    package struct Confirmation: Hashable, Sendable {
        package var facts: SnapshotFacts
        /// Seconds between the two snapshots.
        package var afterSeconds: Double

        package init(facts: SnapshotFacts, afterSeconds: Double) {
            self.facts = facts
            self.afterSeconds = afterSeconds
        }
    }

    /// What the user wants to see of it.
    package struct Options: Hashable, Sendable {
        /// Groups shown: nil as many as fit in 25 lines (JSON: all), 0 all.
        package var limit: Int?
        /// Groups that lost less in all are left out.
        package var minBytes: UInt64
        package var addresses: Bool
        /// Also show groups that are only possibly lost.
        package var possible: Bool

        package init(limit: Int? = nil, minBytes: UInt64 = 0, addresses: Bool = false, possible: Bool = false) {
            self.limit = limit
            self.minBytes = minBytes
            self.addresses = addresses
            self.possible = possible
        }
    }

    package init(
        target: ProcessIdentity, snapshot: SnapshotFacts, confirmation: Confirmation?, totalSeconds: Double,
        attempts: Int, findings: LeakFindings, residentBytes: UInt64?, saved: SavedLook? = nil
    ) {
        self.target = target
        self.snapshot = snapshot
        self.confirmation = confirmation
        self.totalSeconds = totalSeconds
        self.attempts = attempts
        self.findings = findings
        self.residentBytes = residentBytes
        self.saved = saved
    }

    /// What names it in a command: the process's number, or the file.
    var subject: String { SavedLook.subject(saved, target) }

    /// Something is lost for certain (definite, indirect, or in a cycle).
    package var foundLost: Bool { findings.lost.blocks > 0 }

    /// Everything was looked at.
    package var sawEverything: Bool { findings.exact && findings.gaps.isEmpty }

    /// Descriptors that only lost memory is known to hold, each once.
    var ownedDescriptors: Set<Int32> { Set(findings.groups.flatMap(\.descriptors)) }

    /// The groups that the options let through, in their order, without a limit.
    func groups(_ options: Options) -> [LeakGroup] {
        findings.groups.filter { group in
            (options.possible || group.kind != .possible) && group.totalBytes >= options.minBytes
        }
    }
}
