package import Model

/// What the user asks of a snapshot.
package struct SnapshotOptions: Hashable, Sendable {
    /// nil: nusu chooses (`--snapshot auto`).
    package var method: SnapshotMethod?
    /// The longest stop that is made without being told otherwise (`--max-pause`).
    package var maxPauseSeconds: Double
    /// How much memory of its own nusu may need while it reads, as a part of the target's anonymous memory. It counts
    /// where nusu runs in a control group with a limit, as it does inside the target's container.
    package var nusuMemoryFactor: Double

    package init(method: SnapshotMethod? = nil, maxPauseSeconds: Double = 0.25, nusuMemoryFactor: Double = 0.25) {
        self.method = method
        self.maxPauseSeconds = maxPauseSeconds
        self.nusuMemoryFactor = nusuMemoryFactor
    }
}

/// How a snapshot would be made and what it would cost, found without touching the target.
package struct SnapshotPlan: Hashable, Sendable {
    package let process: ProcessIdentity
    package let method: SnapshotMethod
    /// What is taken instead when the target turns out to have no thread that can be made to fork; nil: nothing.
    package let fallback: SnapshotMethod?
    /// How long the target will stand still, in seconds. For `stream` that includes the analysis.
    package let estimatedPauseSeconds: Double
    package let maxPauseSeconds: Double
    package let threads: Int
    /// The target's anonymous memory, resident and swapped.
    package let anonymousBytes: UInt64
    /// What the snapshot may add to the target's memory control groups.
    package let neededBytes: UInt64
    /// What the fullest of these groups has left; nil: no limit.
    package let headroomBytes: UInt64?
    /// Why this method and not another, one line each.
    package let notes: [String]
}

/// What the methods cost: measured on one machine, to be trusted as orders of magnitude.
struct SnapshotCost {
    let anonymousBytes: UInt64
    let pageTableBytes: UInt64
    let threads: Int

    /// Attaching, stopping, reading registers.
    private var stopSeconds: Double { 0.0003 + 0.00004 * Double(threads) }
    private var gibibytes: Double { Double(anonymousBytes) / Double(1 << 30) }

    func pauseSeconds(_ method: SnapshotMethod) -> Double {
        switch method {
        // 50 to 100 ns for each 4 KiB page whose entry is copied; much less where pages are huge.
        case .fork: stopSeconds + Double(anonymousBytes / 4096) * 100e-9
        case .copy: stopSeconds + gibibytes * 0.4
        case .stream: stopSeconds + gibibytes * 1.5
        }
    }

    /// What a method adds to the target's control groups: the child's page tables, and a copy of every page that the
    /// target writes to while the child lives. A twentieth is what a busy program writes to in a second or two; the
    /// child is ended when it becomes more than there is.
    func targetBytes(_ method: SnapshotMethod) -> UInt64 {
        guard method == .fork else { return 0 }
        return pageTableBytes + max(anonymousBytes / 20, 4 << 20)
    }

    /// What nusu itself needs.
    func ownBytes(_ method: SnapshotMethod, factor: Double) -> UInt64 {
        let analysis = UInt64(min(max(factor, 0), 8) * Double(anonymousBytes))
        return method == .copy ? analysis + anonymousBytes + anonymousBytes / 8 : analysis
    }
}

/// Times as the messages of this folder show them.
enum Measure {
    /// "0.9 s", from a tenth of a second up; "40 ms" below.
    static func seconds(_ seconds: Double) -> String {
        let bounded = min(max(seconds, 0), 1e6)
        if bounded < 0.1 { return "\(max(1, Int((bounded * 1000).rounded()))) ms" }
        return "\(option(bounded)) s"
    }

    /// What the user set, not rounded away: "0.25 s".
    static func limit(_ seconds: Double) -> String {
        let hundredths = Int((min(max(seconds, 0), 1e6) * 100).rounded())
        guard hundredths > 0, hundredths % 10 != 0 else { return Measure.seconds(seconds) }
        let fraction = hundredths % 100
        return "\(hundredths / 100).\(fraction < 10 ? "0" : "")\(fraction) s"
    }

    /// A value for `--max-pause` that allows `seconds`: rounded up to a tenth.
    static func option(_ seconds: Double) -> String {
        let tenths = Int((min(max(seconds, 0), 1e6) * 10).rounded(.up))
        return tenths % 10 == 0 ? "\(tenths / 10)" : "\(tenths / 10).\(tenths % 10)"
    }
}
