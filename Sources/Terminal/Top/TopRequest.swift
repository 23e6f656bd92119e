package import Model

/// What a look has to read for what is shown just now.
package struct TopDemand: Hashable, Sendable {
    /// Of every process, besides `stat` and the owner: what rows are sorted and chosen by.
    package var everywhere: ProcessSources
    /// Of `processes` only, anew with each look: what the columns of visible rows show.
    package var visible: ProcessSources
    package var processes: [Int32]
    /// Rows are chosen by their command lines, so that the first look has to read them all.
    package var isByCommand: Bool

    package init(
        everywhere: ProcessSources = [], visible: ProcessSources = [], processes: [Int32] = [],
        isByCommand: Bool = false
    ) {
        self.everywhere = everywhere
        self.visible = visible
        self.processes = processes
        self.isByCommand = isByCommand
    }
}

/// What the live screen wants done by who can: it opens nothing and sends nothing itself.
package enum TopRequest: Hashable, Sendable {
    case quit
    /// Look closely at a process: the detail pane.
    case open(ProcessIdentity, PanelTab)
    /// Ask which signal, and send it after that was confirmed.
    case signal([ProcessIdentity])
    /// Change how nice these are by so much; that was agreed to.
    case renice([ProcessIdentity], by: Int32)
    /// Look again at once.
    case look
    /// Keep these for the next start.
    case save(TopSettings)
    /// Draw every cell anew.
    case redraw
}
