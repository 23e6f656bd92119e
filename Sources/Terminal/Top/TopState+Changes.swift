package import Model
import Report

/// Keys that are about changing something: they ask, and nothing is changed before it was agreed to.
extension TopState {
    mutating func signal() -> [TopRequest] {
        if options.readOnly {
            say("--read-only: no signals are sent from here")
            return []
        }
        let targets = targets
        if targets.isEmpty { sayWhyNot() }
        return targets.isEmpty ? [] : [.signal(targets)]
    }

    /// What is to be changed; empty, and said why, where nothing may be.
    private mutating func changeable() -> [TopTarget] {
        if options.readOnly {
            say("--read-only: nothing is changed from here")
            return []
        }
        let targets = targets
        if targets.isEmpty { sayWhyNot() }
        return targets
    }

    private func stats(of targets: [TopTarget]) -> [ProcessStat] {
        targets.compactMap { target in
            let row = target.thread.map { sample?.thread($0.pid) } ?? sample?.process(target.process.pid)
            return row?.record.stat
        }
    }

    mutating func renice(by step: Int32) {
        let targets = changeable()
        guard !targets.isEmpty else { return }
        mode = .renice(TopRenice(targets, values: stats(of: targets).map(\.nice), step: step))
    }

    mutating func askIOPriority() -> [TopRequest] {
        let targets = changeable()
        return targets.isEmpty ? [] : [.askIOPriority(targets)]
    }

    /// The menu of I/O priorities.
    /// - Parameter values: those of the targets now; nil where they are not known.
    package mutating func offerIOPriorities(_ targets: [TopTarget], values: [IOPriority?]) {
        mode = .menu(.ioPriorities(targets, values: values))
    }

    mutating func askProcessors() -> [TopRequest] {
        let targets = changeable()
        return targets.isEmpty ? [] : [.askProcessors(targets)]
    }

    /// The menu of processors.
    /// - Parameter uses: those of the targets now; nil where they are not known.
    package mutating func offerProcessors(
        _ targets: [TopTarget], uses: [ProcessorUse?], of machine: MachineProcessors
    ) {
        if uses.allSatisfy({ $0 == nil }) {
            say("\(TopMenu.subject(targets)) \(targets.count == 1 ? "has" : "have") ended")
            return
        }
        mode = .menu(.processors(targets, uses: uses, of: machine))
    }

    mutating func askPolicy() {
        let targets = changeable()
        guard !targets.isEmpty else { return }
        mode = .menu(.policies(targets, values: stats(of: targets).map { ($0.policy, $0.realTimePriority) }))
    }
}
