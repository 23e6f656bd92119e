import Model
import Report

/// Menus that change something of processes or threads: Enter sets it, and nothing changes before.
extension TopMenu {
    /// What stands for several that differ.
    static let various = "various"

    // MARK: - I/O

    /// - Parameter values: those of the targets now; nil where they are not known.
    static func ioPriorities(_ targets: [TopTarget], values: [IOPriority?]) -> TopMenu {
        let now = same(values.map { $0.map { PriorityText.name($0) } })
        var menu = TopMenu(
            kind: .ioPriority(targets),
            items: IOPriority.all.enumerated().map { place, priority in
                Item(
                    label: PriorityText.name(priority),
                    explanation: "\(now) -> \(PriorityText.name(priority))\(effect(priority))",
                    key: "\(place)")
            })
        menu.index = values.first.flatMap { $0 }.flatMap { IOPriority.all.firstIndex(of: $0) } ?? 0
        return menu
    }

    private static func effect(_ priority: IOPriority) -> String {
        switch priority.kind {
        case .none: ""
        case .realTime: ", before all others"
        case .bestEffort: priority.level == 4 ? ", as most" : ""
        case .idle: ", when nobody else asks"
        }
    }

    // MARK: - Policies

    /// - Parameter values: those of the targets now: policy and real-time priority.
    static func policies(_ targets: [TopTarget], values: [(policy: Int32, priority: Int32)]) -> TopMenu {
        var menu = TopMenu(kind: .policy(targets), items: [])
        menu.now = same(
            values.map { value in
                ThreadPolicy.Kind(rawValue: value.policy).map {
                    PriorityText.name(ThreadPolicy($0, priority: value.priority))
                }
                    ?? "policy \(value.policy)"
            })
        if let first = values.first, first.priority > 0 { menu.priority = first.priority }
        menu.setPriority(menu.priority)
        menu.index = values.first.flatMap { first in policyKinds.firstIndex { $0.rawValue == first.policy } } ?? 0
        return menu
    }

    /// The tamest last but for the two that run before all others.
    static let policyKinds: [ThreadPolicy.Kind] = [.normal, .batch, .idle, .roundRobin, .fifo]

    /// That of the real-time policies, for whichever is chosen.
    mutating func setPriority(_ value: Int32) {
        guard case .policy = kind else { return }
        let range = ThreadPolicy.priorities
        priority = min(max(value, range.lowerBound), range.upperBound)
        items = TopMenu.policyKinds.enumerated().map { place, kind in
            let policy = ThreadPolicy(kind, priority: priority)
            return Item(
                label: PriorityText.name(policy),
                explanation: "\(now) -> \(PriorityText.name(policy))\(TopMenu.effect(kind))",
                key: "\(place)")
        }
    }

    /// A policy with a priority is chosen.
    var isRealTime: Bool {
        if case .policy = kind { TopMenu.policyKinds[index].isRealTime } else { false }
    }

    /// Keys that change the priority; false for others.
    mutating func takePriority(_ key: Key) -> Bool {
        guard isRealTime else { return false }
        switch key {
        case .function(7), .left, .character("-"): setPriority(priority - 1)
        case .function(8), .right, .character("+"): setPriority(priority + 1)
        case .character(let digit) where digit.isASCII && digit.isNumber:
            let value = Int32(digit.wholeNumberValue ?? 0)
            let longer = priority * 10 + value
            setPriority(isTyping && longer <= ThreadPolicy.priorities.upperBound ? longer : value)
            isTyping = true
            return true
        default: return false
        }
        isTyping = false
        return true
    }

    private static func effect(_ kind: ThreadPolicy.Kind) -> String {
        switch kind {
        case .normal: ""
        case .batch: ", for long calculations"
        case .idle: ", when no one else runs"
        case .roundRobin, .fifo: ", before all: may hang the machine"
        }
    }

    // MARK: - Words

    private static func same(_ names: [String?]) -> String {
        guard let first = names.first, names.allSatisfy({ $0 == first }) else { return various }
        return first ?? "not known"
    }

    static func subject(_ targets: [TopTarget]) -> String {
        guard let target = targets.first, targets.count == 1 else { return TopTarget.counted(targets) }
        return target.thread.map { "thread \($0)" } ?? "\(target.process)"
    }

    /// Of a long name the beginning, since the number says who is meant.
    static func title(_ start: String, _ targets: [TopTarget]) -> String {
        let whole = start + subject(targets)
        guard let target = targets.first, targets.count == 1,
            TerminalText.width(TerminalText.escaped(whole)) > TopMenu.width
        else { return whole }
        if let thread = target.thread { return "\(start)thread \(thread.pid)" }
        let number = "(\(target.process.pid))"
        let room = TopMenu.width - start.count - number.count - 1
        let name = TerminalText.cut(TerminalText.escaped(target.process.command), to: max(1, room))
        return "\(start)\(name) \(number)"
    }
}
