package import Analysis
import Model

/// All that `nusu ipc` says: who is connected to whom, or to one process, or how two are connected.
package struct ChannelReport: Sendable {
    package struct Options: Hashable, Sendable {
        /// Every group, however many lines that takes.
        package var all: Bool
        /// A line for each channel, with descriptors, and ~ at what is guessed.
        package var wide: Bool

        package init(all: Bool = false, wide: Bool = false) {
            self.all = all
            self.wide = wide
        }

        package var depth: ChannelGrouping.Depth { wide ? .pairs : all ? .names : .servers }
    }

    package let findings: ChannelFindings
    /// What went through between two looks; nil: one look.
    package let flow: ChannelFlow?
    let users: ChannelUsers

    package init(_ findings: ChannelFindings, flow: ChannelFlow? = nil, users: ChannelUsers) {
        self.findings = findings
        self.flow = flow
        self.users = users
    }

    var graph: ChannelGraph { findings.graph }
    var party: PartyText { PartyText(graph: graph) }
}
