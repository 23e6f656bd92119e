import Model
import Report

/// The choice of processors that some processes or threads may run on: as it is, and what is to become of it. Nothing changes before
/// Enter.
struct TopProcessors: Sendable {
    /// Of those that are known.
    private let uses: [ProcessorUse]
    private let machine: MachineProcessors
    private let targets: [TopTarget]
    /// Those that can be chosen.
    let allowed: ProcessorSet
    /// All of the threads have these, and only some of them those.
    private(set) var on: ProcessorSet
    private(set) var mixed: ProcessorSet

    init(_ targets: [TopTarget], uses: [ProcessorUse?], of machine: MachineProcessors) {
        self.targets = targets
        self.uses = uses.compactMap { $0 }
        self.machine = machine
        allowed = self.uses.reduce(ProcessorSet()) { $0.union($1.allowed) }
        on = self.uses.dropFirst().reduce(self.uses.first?.ofAll ?? ProcessorSet()) { $0.intersection($1.ofAll) }
        mixed = self.uses.reduce(ProcessorSet()) { $0.union($1.ofSome) }.subtracting(on)
    }

    /// In ascending order: those that the machine has, and those that the processes have.
    var numbers: [Int] { machine.present.union(allowed).union(on).union(mixed).numbers }

    func state(of number: Int) -> TopMenu.Switch {
        on.contains(number) ? .on : mixed.contains(number) ? .mixed : allowed.contains(number) ? .off : .none
    }

    var stateOfAll: TopMenu.Switch {
        allowed.subtracting(on).isEmpty ? .on : on.isEmpty && mixed.isEmpty ? .off : .mixed
    }

    /// nil: all that can be had.
    mutating func toggle(_ number: Int?) {
        let which = number.map { ProcessorSet([$0]) } ?? allowed
        guard which.subtracting(allowed).isEmpty else { return }
        let isOn = which.subtracting(on).isEmpty
        on = isOn ? on.subtracting(which) : on.union(which)
        mixed = mixed.subtracting(which)
    }

    /// What is in neither stays as each thread has it.
    var change: ProcessorChange {
        let before = TopProcessors(targets, uses: uses, of: machine)
        return ProcessorChange(
            added: on.subtracting(before.on), removed: before.on.union(before.mixed).subtracting(on).subtracting(mixed))
    }

    func isOnline(_ number: Int) -> Bool { machine.online.contains(number) }

    var isPossible: Bool { !(on.isEmpty && mixed.isEmpty) }

    // MARK: - Words

    /// "0-3 -> 0-1, all its 9 threads".
    func explanation(of number: Int?) -> String {
        if let number, state(of: number) == .none {
            return isOnline(number)
                ? "\(number) is not in \(targets.count > 1 ? "their" : "its") cpuset" : "\(number) is off line"
        }
        guard isPossible else { return "one is needed at least" }
        return "\(TopProcessors(targets, uses: uses, of: machine).words) -> \(words)\(subject)"
    }

    private var words: String {
        if mixed.isEmpty { return "\(on)" }
        return on.isEmpty ? TopMenu.various : "\(on), some \(mixed)"
    }

    private var subject: String {
        let threads = uses.reduce(0) { $0 + $1.threadCount }
        guard targets.count == 1 else { return ", all of them with \(Units.counted(threads, "thread"))" }
        if targets.first?.thread != nil { return ", this thread alone" }
        return threads == 1 ? "" : ", all its \(Units.grouped(threads)) threads"
    }
}

extension TopMenu {
    /// - Parameter uses: those of the targets now; nil where they are not known.
    static func processors(
        _ targets: [TopTarget], uses: [ProcessorUse?], of machine: MachineProcessors
    ) -> TopMenu {
        var menu = TopMenu(kind: .processors(targets), items: [])
        menu.processors = TopProcessors(targets, uses: uses, of: machine)
        menu.showProcessors()
        return menu
    }

    /// Keys that are about the list of processors alone; false for others.
    mutating func takeProcessor(_ key: Key) -> Bool {
        guard processors != nil else { return false }
        switch key {
        case .character(" "): toggleProcessor()
        case .character("a"): index = 0
        case .character(let digit) where digit.isASCII && digit.isNumber:
            let value = digit.wholeNumberValue ?? 0
            // "12" is the twelfth where there is one, else 1 and then 2.
            for number in [isTyping ? typed * 10 + value : value, value] {
                guard let place = items.firstIndex(where: { $0.key == "\(number)" }) else { continue }
                (index, typed) = (place, number)
                break
            }
            isTyping = true
            return true
        default:
            isTyping = false
            return false
        }
        isTyping = false
        return true
    }

    /// The one that is chosen, or all.
    mutating func toggleProcessor() {
        guard items.indices.contains(index) else { return }
        processors?.toggle(Int(items[index].key))
        showProcessors()
    }

    private mutating func showProcessors() {
        guard let processors else { return }
        items =
            [
                Item(
                    label: "all", explanation: processors.explanation(of: nil), state: processors.stateOfAll, key: "")
            ]
            + processors.numbers.map { number in
                let state = processors.state(of: number)
                let why = state != .none ? "" : processors.isOnline(number) ? "  not in cpuset" : "  off line"
                return Item(
                    label: "\(number)\(why)", explanation: processors.explanation(of: number), state: state,
                    key: "\(number)")
            }
    }
}
