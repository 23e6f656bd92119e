package import Analysis
package import Model

/// The front door: how a process is, what limits it, whether nusu may look into it, and at what cost.
package struct OverviewReport: Sendable {
    /// Whether a snapshot could be taken.
    package enum Permission: Sendable {
        case granted(LeakPlanReport)
        case refused(Failure)
    }

    package var show: ShowReport
    /// What it used while it was watched.
    package var history: UsageHistory
    package var trends: [UsageHistory.Figure: Trend]
    package var watchedSeconds: Double
    /// The control group with a limit that is fullest; nil where none has a limit.
    package var group: GroupHistory?
    package var descriptorLimit: UInt64?
    /// nil where its files may not be seen.
    package var runtime: RuntimeFacts?
    package var permission: Permission
    package var gaps: [Gap] = []

    /// - Parameters:
    ///   - show: its two looks stand at both ends of the watch.
    ///   - groups: of the process, innermost first.
    package init(
        show: ShowReport, history: UsageHistory, watchedSeconds: Double, groups: [GroupHistory],
        descriptorLimit: UInt64?, runtime: RuntimeFacts?, permission: Permission
    ) {
        self.show = show
        self.history = history
        trends = history.trends()
        self.watchedSeconds = watchedSeconds
        group = groups.filter { $0.last?.limitBytes != nil }.max { ($0.share ?? 0) < ($1.share ?? 0) }
        self.descriptorLimit = descriptorLimit
        self.runtime = runtime
        self.permission = permission
    }

    var stat: ProcessStat { show.stat }
    var resident: UInt64? { history.last(.resident) ?? show.portrait.record.status?.residentBytes }
    var descriptors: UInt64? { history.last(.descriptors) }

    /// The figure that stands for memory: what grows of it, else the resident set.
    var memoryTrend: (figure: UsageHistory.Figure, trend: Trend)? {
        for figure in [UsageHistory.Figure.anonymous, .resident] {
            if let trend = trends[figure], trend.course == .grows { return (figure, trend) }
        }
        return trends[.resident].map { (.resident, $0) }
    }

    /// From this share of a limit on it is what matters most.
    static let nearLimit = 0.8

    var isNearMemoryLimit: Bool { (group?.share ?? 0) >= OverviewReport.nearLimit }

    var isNearDescriptorLimit: Bool {
        guard let descriptors, let limit = descriptorLimit, limit > 0 else { return false }
        return Double(descriptors) >= OverviewReport.nearLimit * Double(limit)
    }
}
