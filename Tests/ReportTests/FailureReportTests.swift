import Model
import Testing

@testable import Report

@Suite("Report of failures") struct FailureReportTests {
    private let failure = Failure(
        .notPermitted, what: "may not read the memory of a\u{1b}pi (1): ptrace_scope=1 asks for CAP_SYS_PTRACE",
        subject: "a\u{1b}pi (1)", remedy: "sudo nusu leaks 1")

    @Test("Two lines, escaped") func text() {
        let text = FailureReport(failure: failure, status: 77).text(width: 80)
        #expect(
            text == """
                nusu: may not read the memory of a\\x1bpi (1): ptrace_scope=1 asks for CAP_SYS_PTRACE
                do: sudo nusu leaks 1

                """)
    }

    @Test("The document of a failure") func json() {
        expectSnapshot(FailureReport(failure: failure, status: 77).json(), "failure.json")
    }

    @Test("An ambiguous name lists what it may mean") func candidates() {
        let failure = Failure(.usage, what: "17 processes are called api", subject: "api", remedy: "nusu leaks PID")
        let candidates = (0..<17).map { index in
            FailureReport.Candidate(
                pid: 1234 + index, user: index == 1 ? "70000" : "vapor", ageSeconds: Double(index * 40_000),
                arguments: index == 2 ? [] : [Array("api".utf8), Array("serve\n".utf8), [0xff]],
                commandBytes: Array("api".utf8))
        }
        let report = FailureReport(failure: failure, status: 64, candidates: candidates)
        expectSnapshot(report.text(width: 80), "ambiguous.txt")
        expectSnapshot(
            FailureReport(failure: failure, status: 64, candidates: [candidates[0]]).json(), "ambiguous.json")
    }
}
