package import Model

/// What covers the list of processes: what verbs say of one, or the signals that could be sent to some. The menu of signals may lie
/// above the pages of the process that it is for.
package struct Panel: Sendable {
    private var detail: DetailPane?
    private var menu: SignalMenu?
    private let isReadOnly: Bool

    /// The pages of a process, and what is to be asked for the one in sight.
    /// - Parameters:
    ///   - thread: the one of its threads that it was asked of.
    ///   - tabs: the pages that there are.
    package static func detail(
        of target: ProcessIdentity, thread: ProcessIdentity? = nil, at tab: PanelTab = .show,
        tabs: [PanelTab] = PanelTab.allCases, isReadOnly: Bool
    ) -> (Panel, [PanelRequest]) {
        var pane = DetailPane(of: target, thread: thread, at: tab, tabs: tabs, isReadOnly: isReadOnly)
        let requests = pane.begin()
        return (Panel(detail: pane, menu: nil, isReadOnly: isReadOnly), requests)
    }

    /// The menu of signals for some processes; with `isReadOnly` it only shows.
    package static func signals(to targets: [TopTarget], isReadOnly: Bool) -> (Panel, [PanelRequest]) {
        let menu = SignalMenu(
            to: TopTarget.processes(targets), threads: targets.compactMap(\.thread), isReadOnly: isReadOnly)
        return (Panel(detail: nil, menu: menu, isReadOnly: isReadOnly), menu.begin())
    }

    /// Nothing is left of it to show.
    package var isClosed: Bool { detail == nil && menu == nil }

    /// Whose pages are open.
    package var target: ProcessIdentity? { detail?.target }

    /// - Parameters rows, columns: of the screen.
    /// - Returns: what the executable is asked for.
    package mutating func update(_ event: InputEvent, rows: Int, columns: Int) -> [PanelRequest] {
        if var open = menu {
            let requests = open.update(event, rows: rows)
            menu = open.isOpen ? open : nil
            return requests
        }
        guard var open = detail else { return [] }
        if case .key(let key) = event, [.character("k"), .function(9)].contains(key), open.prompt == nil {
            let above = SignalMenu(
                to: [open.target], threads: open.thread.map { [$0] } ?? [], isReadOnly: isReadOnly)
            menu = above
            return above.begin()
        }
        let requests = open.update(event, rows: rows, columns: columns)
        detail = open.isOpen ? open : nil
        return requests
    }

    package mutating func receive(_ answer: PanelAnswer) {
        detail?.receive(answer)
        menu?.receive(answer)
    }

    /// Fills the frame.
    /// - Parameter summary: how the process is at this moment, in a few words.
    package func draw(on frame: inout Frame, summary: String = "") {
        if let menu {
            menu.draw(on: &frame)
        } else {
            detail?.draw(on: &frame, summary: summary)
        }
    }
}
