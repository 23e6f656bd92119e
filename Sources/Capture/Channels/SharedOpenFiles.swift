import Kernel
import Model
import Synchronization

/// Which epolls, signalfds and inotifies are one: they have no numbers of their own, and after a fork several processes have
/// the same. Two that say the same of themselves are put to the kernel, which orders open files (man 2 kcmp), so that n of them
/// take n log n questions.
enum SharedOpenFiles {
    typealias Holder = ChannelHolders.Holder

    private struct Contents: Hashable {
        var kind: Channel.Kind
        var hash: Int
    }

    private final class Found: Sendable {
        let first = Mutex<[Holder: Holder]>([:])
    }

    /// For each that is another one's, that other one. What cannot be told in time counts as apart.
    /// - Parameter patience: seconds that a process which becomes another program is waited for.
    static func find(_ processes: [ProcessChannels], patience: Double) -> [Holder: Holder] {
        var candidates: [Contents: [Holder]] = [:]
        for process in processes {
            for descriptor in process.descriptors {
                guard case .unnumbered(let thing) = descriptor.thing else { continue }
                candidates[Contents(kind: thing.kind, hash: thing.contents), default: []].append(
                    Holder(pid: process.pid, descriptor: descriptor.number))
            }
        }
        let groups = candidates.values.filter { $0.count > 1 }
        guard !groups.isEmpty else { return [:] }
        let found = Found()
        guard let thread = try? WatchedThread({ for group in groups { join(group, found) } }) else { return [:] }
        var known = -1
        while !thread.waitForEnd(seconds: patience) {
            // As long as it gets on it may.
            let count = found.first.withLock { $0.count }
            guard count != known || !thread.isAsleep else { break }
            known = count
        }
        return found.first.withLock { $0 }
    }

    private static func join(_ group: [Holder], _ found: Found) {
        // Whoever is gone meanwhile is equal to nobody.
        func order(_ one: Holder, _ two: Holder) -> Int {
            (try? OpenFile.order((one.pid, one.descriptor), (two.pid, two.descriptor))) ?? (one.pid < two.pid ? -1 : 1)
        }
        let sorted = group.sorted { order($0, $1) < 0 }
        var run = [sorted[0]]
        for holder in sorted.dropFirst() {
            if order(run[0], holder) != 0 {
                note(run, found)
                run = []
            }
            run.append(holder)
        }
        note(run, found)
    }

    private static func note(_ run: [Holder], _ found: Found) {
        let first = run.min { ($0.pid, $0.descriptor) < ($1.pid, $1.descriptor) }
        guard let first, run.count > 1 else { return }
        found.first.withLock { for holder in run { $0[holder] = first } }
    }
}
