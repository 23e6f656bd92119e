import Model
import Report

/// The question of how nice some processes are to be: they leave the processors to others (man 7 sched). Nothing changes before Enter.
package struct TopRenice: Sendable {
    let targets: [TopTarget]
    /// Their values now, of those that are known.
    let values: [Int32]
    private(set) var step: Int32 = 0

    private static let range: ClosedRange<Int32> = -20...19

    init(_ targets: [TopTarget], values: [Int32], step: Int32) {
        self.targets = targets
        self.values = values
        move(by: step)
    }

    /// No further than where it still changes one of them.
    mutating func move(by count: Int32) {
        let lowest = TopRenice.range.lowerBound - (values.max() ?? 0)
        let highest = TopRenice.range.upperBound - (values.min() ?? 0)
        step = min(max(step + count, lowest), highest)
    }

    /// - Parameter isShort: without names.
    func question(isShort: Bool = false) -> String {
        if let target = targets.first, let value = values.first, targets.count == 1 {
            let number = target.thread?.pid ?? target.process.pid
            let name = isShort ? "\(number)" : target.thread.map { "thread \($0)" } ?? "\(target.process)"
            return "Nice of \(name): \(value) -> \(value + step)"
        }
        return "Nice of \(TopTarget.counted(targets)): \(TopRenice.signed(step)) each"
    }

    var effect: String {
        step == 0 ? "as it is" : step < 0 ? "more urgent" : "leaves processors to others"
    }

    package static func signed(_ step: Int32) -> String { step > 0 ? "+\(step)" : "\(step)" }
}
