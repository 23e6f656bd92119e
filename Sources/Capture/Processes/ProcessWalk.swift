import Kernel
import Model
import Synchronization
import SystemPackage

/// A walk that a `ScanWatch` watches.
protocol WatchedWalk: Sendable {
    /// Walks on from where the walk is, to its end or until this walker is given up on.
    /// - Parameter mayWait: what may wait for ever is tried; else it is given up on untried.
    func run(as walker: Int, mayWait: Bool)
    var isDone: Bool { get }
    /// Since when its walker is at what may take for ever; nil where it is not.
    var waitingSince: Moment? { get }
    /// Keeps what is known of where the walker is, and takes the walk from it; false when that one has just gone on.
    func giveUp(_ walker: Int, patience: Double) -> Bool
}

/// A walk through many processes. It may be left in the middle, where its thread got stuck, and gone on with by another.
final class ProcessWalk<Value: Sendable>: WatchedWalk {
    /// What is done at each process.
    struct Steps: Sendable {
        /// Reads what waits for nobody; nil where the process is gone or not wanted.
        var look: @Sendable (Int32, inout ProcessReader) -> Value?
        /// Reads what may take for ever.
        var wait: (@Sendable (inout Value, inout ProcessReader) -> Void)?
        /// Notes that `wait` was given up on.
        var giveUp: @Sendable (inout Value) -> Void = { _ in }
        /// What stands for the process in the end.
        var finish: @Sendable (Value, inout ProcessReader) -> [Value] = { value, _ in [value] }

        init(look: @escaping @Sendable (Int32, inout ProcessReader) -> Value?) { self.look = look }
    }

    /// Where the walk is.
    private struct State {
        /// Which thread of nusu's walks; one that was given up on has another number, and may change nothing more.
        var walker = 0
        /// The process to be looked at next.
        var next = 0
        var values: [Value] = []
        /// What is known of the process that is being waited for.
        var waiting: (value: Value, since: Moment)?
        var error: Errno?
        var isDone = false
    }

    private let state = Mutex(State())
    private let root: String
    private let processes: ArraySlice<Int32>
    private let steps: Steps

    init(root: String, processes: ArraySlice<Int32>, steps: Steps) {
        self.root = root
        self.processes = processes
        self.steps = steps
        state.withLock { state in
            state.next = processes.startIndex
            state.values.reserveCapacity(processes.count)
        }
    }

    var isDone: Bool { state.withLock { $0.isDone } }
    var waitingSince: Moment? { state.withLock { $0.waiting?.since } }

    func finish() throws(Failure) -> [Value] {
        let (values, error) = state.withLock { state in
            defer { state.values = [] }
            return (state.values, state.error)
        }
        guard let error else { return values }
        throw Failure(
            .internal, what: "cannot read \(root): \(error)", subject: root, remedy: "mount -t proc proc /proc")
    }

    func run(as walker: Int, mayWait: Bool) {
        do {
            var reader = try ProcessReader(root: root)
            while let process = begin(walker) { look(at: process, &reader, walker, mayWait: mayWait) }
        } catch {
            state.withLock { $0.error = error }
        }
        state.withLock { state in if state.walker == walker { state.isDone = true } }
    }

    func giveUp(_ walker: Int, patience: Double) -> Bool {
        state.withLock { state in
            guard let waiting = state.waiting, state.walker == walker,
                Moment.now.seconds(since: waiting.since) > patience
            else { return false }
            var value = waiting.value
            steps.giveUp(&value)
            state.values.append(value)
            state.waiting = nil
            state.walker += 1
            return true
        }
    }

    private func begin(_ walker: Int) -> Int32? {
        state.withLock { state in
            guard state.walker == walker, state.next < processes.endIndex else { return nil }
            defer { state.next += 1 }
            return processes[state.next]
        }
    }

    private func look(at process: Int32, _ reader: inout ProcessReader, _ walker: Int, mayWait: Bool) {
        reader.enter(process: process)
        guard var value = steps.look(process, &reader) else { return }
        if !mayWait {
            steps.giveUp(&value)
        } else if let wait = steps.wait {
            guard willWait(with: value, walker) else { return }
            wait(&value, &reader)
        }
        let values = steps.finish(value, &reader)
        state.withLock { state in
            guard state.walker == walker else { return }
            state.waiting = nil
            state.values += values
        }
    }

    /// Says that what follows may take for ever.
    private func willWait(with value: Value, _ walker: Int) -> Bool {
        let now = Moment.now
        return state.withLock { state in
            guard state.walker == walker else { return false }
            state.waiting = (value, now)
            return true
        }
    }
}
