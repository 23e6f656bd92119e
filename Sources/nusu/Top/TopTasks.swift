import Dispatch
import Model
import Synchronization
import Terminal

/// What came of a question or of a change of processes.
enum TopAnswer: Sendable {
    case said(String)
    case ioPriorities([TopTarget], [IOPriority?])
    case processors([TopTarget], [ProcessorUse?], of: MachineProcessors)
}

/// Asks and changes what belongs to threads on a thread of its own: a process may have ten thousand, and no key waits for them.
final class TopTasks: Sendable {
    private let answers = Mutex<[TopAnswer]>([])
    private let queue = DispatchQueue(label: "changes")
    private let wake: @Sendable () -> Void

    /// So long a key may wait for its answer, in seconds: nearly all come at once, and what is typed next is meant for the menu.
    private static let patience = 0.03

    /// - Parameter wake: called on any thread when there is an answer to take.
    init(wake: @escaping @Sendable () -> Void) { self.wake = wake }

    /// - Returns: what came at once; nothing where it takes longer, and can be taken later.
    func perform(_ body: @escaping @Sendable () -> TopAnswer) -> [TopAnswer] {
        let done = DispatchSemaphore(value: 0)
        queue.async {
            let answer = body()
            self.answers.withLock { $0.append(answer) }
            done.signal()
            self.wake()
        }
        return done.wait(timeout: .now() + TopTasks.patience) == .success ? take() : []
    }

    /// What has come in since the last call.
    func take() -> [TopAnswer] {
        answers.withLock { answers in
            defer { answers = [] }
            return answers
        }
    }

    /// Nothing is left half done.
    func end() { queue.sync {} }
}
