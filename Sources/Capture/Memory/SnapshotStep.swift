package import Model

import Kernel

/// Every step of a snapshot, in the order in which they are taken. Between any two of them nusu may be killed: the target
/// lives, untraced and unstopped, with the state it had.
package enum SnapshotStep: String, CaseIterable, Sendable {
    // Stopping.
    case attached
    case interrupted
    case stopped
    case registersRead
    // The injected fork.
    case forkFrameWritten
    case forkRegistersSet
    case forkSignalsBlocked
    case forkCallEntered
    case forkChildCreated
    case forkCallReturned
    case forkSignalsRestored
    case forkRegistersRestored
    case forkStackRestored
    // Copying.
    case copied
    // Going on.
    case released
    case childStopped
    case childGuarded
    case reading
    // Ending the child, and taking it away inside the target.
    case childKilled
    case childEnded
    case reapAttached
    case reapInterrupted
    case reapStopped
    case reapFrameWritten
    case reapRegistersSet
    case reapSignalsBlocked
    case reapCallEntered
    case reapCallReturned
    case reapSignalsRestored
    case reapRegistersRestored
    case reapStackRestored
    case reapReleased
    case ended

    /// The steps that a method takes in a target that no killed run left a zombie in.
    package static func steps(of method: SnapshotMethod) -> [SnapshotStep] {
        let stopping: [SnapshotStep] = [.attached, .interrupted, .stopped, .registersRead]
        switch method {
        case .fork: return allCases.filter { $0 != .copied }
        case .copy: return stopping + [.copied, .released, .reading, .ended]
        case .stream: return stopping + [.reading, .released, .ended]
        }
    }

    init(stopping phase: Attachment.Phase) {
        switch phase {
        case .seized: self = .attached
        case .interrupted: self = .interrupted
        case .stopped: self = .stopped
        }
    }

    init(reapStopping phase: Attachment.Phase) {
        switch phase {
        case .seized: self = .reapAttached
        case .interrupted: self = .reapInterrupted
        case .stopped: self = .reapStopped
        }
    }

    init(forking phase: Injection.Phase) {
        switch phase {
        case .frameWritten: self = .forkFrameWritten
        case .registersSet: self = .forkRegistersSet
        case .signalsBlocked: self = .forkSignalsBlocked
        case .callEntered: self = .forkCallEntered
        case .childCreated: self = .forkChildCreated
        case .callReturned: self = .forkCallReturned
        case .signalsRestored: self = .forkSignalsRestored
        case .registersRestored: self = .forkRegistersRestored
        case .stackRestored: self = .forkStackRestored
        }
    }

    init(reaping phase: Injection.Phase) {
        switch phase {
        case .frameWritten: self = .reapFrameWritten
        case .registersSet: self = .reapRegistersSet
        case .signalsBlocked: self = .reapSignalsBlocked
        case .callEntered, .childCreated: self = .reapCallEntered
        case .callReturned: self = .reapCallReturned
        case .signalsRestored: self = .reapSignalsRestored
        case .registersRestored: self = .reapRegistersRestored
        case .stackRestored: self = .reapStackRestored
        }
    }
}
