import CLinux
import Glibc
import Kernel
import Model
import SystemPackage
import Testing

/// On threads of the tests' own, which are as they were afterwards.
@Suite struct PriorityTests {
    @Test func ioPrioritiesAreAsTheKernelWritesThem() {
        for priority in IOPriority.all { #expect(IOPriority(rawValue: priority.rawValue) == priority) }
        #expect(IOPriority.all.count == 18 && Set(IOPriority.all).count == 18)
        #expect(IOPriority(rawValue: 2 << 13 | 4) == IOPriority(.bestEffort, level: 4))
        // Hints of newer kernels stand above the level.
        #expect(IOPriority(rawValue: 2 << 13 | 5 << 3 | 4) == IOPriority(.bestEffort, level: 4))
        #expect(IOPriority(rawValue: 4 << 13) == nil && IOPriority(rawValue: -1) == nil)
        #expect(IOPriority(.bestEffort, level: 99).level == 7 && IOPriority(.idle, level: 3).level == 0)
    }

    @Test func ioPrioritiesOfAThread() throws {
        let thread = clinux_gettid()
        let before = try IOPriority.ofThread(thread)
        for priority in [IOPriority(.bestEffort, level: 6), IOPriority(.idle), before] {
            try priority.set(ofThread: thread)
            #expect(try IOPriority.ofThread(thread) == priority)
        }
        #expect(throws: Errno.noSuchProcess) { try IOPriority.ofThread(.max) }
        #expect(throws: Errno.noSuchProcess) { try before.set(ofThread: .max) }
    }

    @Test func policiesOfAThread() throws {
        let thread = clinux_gettid()
        try ThreadPolicy(.batch).set(ofThread: thread)
        #expect(sched_getscheduler(thread) == ThreadPolicy.Kind.batch.rawValue)
        try ThreadPolicy(.normal).set(ofThread: thread)
        #expect(sched_getscheduler(thread) == ThreadPolicy.Kind.normal.rawValue)
        #expect(throws: Errno.noSuchProcess) { try ThreadPolicy(.batch).set(ofThread: .max) }
        #expect(
            ThreadPolicy(.fifo, priority: 0).priority == 1 && ThreadPolicy(.roundRobin, priority: 100).priority == 99)
        #expect(ThreadPolicy(.batch, priority: 5).priority == 0)
    }
}
