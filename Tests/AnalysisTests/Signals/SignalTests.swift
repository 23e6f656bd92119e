import Testing

@testable import Analysis

@Suite("Table of signals") struct SignalTests {
    @Test("Numbers run from 1 to 64, names are unique") func complete() {
        #expect(Signal.all.map(\.number) == Array(1...64))
        let names = Signal.all.flatMap { [$0.name] + $0.aliases }
        #expect(Set(names).count == names.count)
    }

    @Test(
        "Names of every form",
        arguments: [
            ("TERM", 15), ("SIGTERM", 15), ("sigterm", 15), ("kill", 9), ("RTMIN", 34), ("RTMIN+0", 34),
            ("SIGRTMIN+3", 37), ("RTMIN+20", 54), ("RTMAX", 64), ("RTMAX-14", 50), ("RTMAX-1", 63), ("IOT", 6),
            ("CLD", 17), ("POLL", 29),
        ])
    func names(text: String, number: Int32) { #expect(Signal.named(text)?.number == number) }

    @Test(
        "What is no name",
        arguments: [
            "", "SIG", "TERMS", "15", "32", "33", "SIG33", "RTMIN+31", "RTMIN-1", "RTMAX+1", "RTMAX-31", "RTMIN+",
        ])
    func none(text: String) { #expect(Signal.named(text) == nil) }

    @Test("Exit statuses") func statuses() {
        #expect(Signal.ofExitStatus(143)?.name == "TERM")
        #expect(Signal.ofExitStatus(139)?.name == "SEGV")
        #expect(Signal.ofExitStatus(128) == nil)
        #expect(Signal.ofExitStatus(255) == nil)
        #expect(Signal.ofExitStatus(1) == nil)
    }
}
