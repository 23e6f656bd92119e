import Analysis
import Model

/// A line for each thread, with as many columns as there is room for.
struct TraceTable {
    private struct Column {
        let title: String
        let width: Int
        /// The least important goes first where there is no room.
        let rank: Int
        let text: (ThreadSchedule) -> String
    }

    let lines: [String]

    init(_ threads: [ThreadSchedule], letters: [Character], columns: Int) {
        let nameWidth = 22
        func time(_ value: Int?) -> String { value.map { ScheduleText.time($0) } ?? "?" }
        func count(_ value: Int?) -> String { value.map { Units.grouped($0) } ?? "?" }
        let all = [
            Column(title: "ran", width: 8, rank: 0) { time($0.run) },
            Column(title: "waited", width: 9, rank: 0) { thread in
                thread.wait.map { ScheduleText.time($0) }
                    ?? (thread.waitAtLeast > 0 ? "> " + ScheduleText.time(thread.waitAtLeast) : "?")
            },
            Column(title: "mean", width: 8, rank: 2) { $0.waits.map { ScheduleText.time($0.mean) } ?? "?" },
            Column(title: "p99", width: 8, rank: 3) { time($0.waits?.p99) },
            Column(title: "worst", width: 8, rank: 1) { time($0.waits?.worst) },
            Column(title: "at", width: 8, rank: 4) { time($0.worstWaitAt) },
            Column(title: "blocked", width: 9, rank: 5) { thread in
                thread.blocked.map { ScheduleText.time($0) }
                    ?? thread.blockedAtMost.map { $0 > 0 ? "< " + ScheduleText.time($0) : "0" } ?? "?"
            },
            Column(title: "gave up", width: 9, rank: 1) { count($0.voluntary) },
            Column(title: "pushed", width: 8, rank: 1) { count($0.involuntary) },
            Column(title: "moved", width: 7, rank: 6) { count($0.migrations) },
            Column(title: "slice", width: 8, rank: 7) { $0.meanSlice.map { ScheduleText.time($0) } ?? "?" },
            Column(title: "longest", width: 8, rank: 8) { time($0.longestSlice) },
        ]
        // A column without a single figure says nothing.
        var shown = all.filter { column in threads.contains { column.text($0) != "?" } || column.rank == 0 }
        while nameWidth + 2 + shown.reduce(0, { $0 + $1.width }) > columns,
            let least = shown.map(\.rank).max(), least > 0
        {
            shown.removeAll { $0.rank == least }
        }
        func line(_ name: String, _ cells: [String]) -> String {
            "  " + TerminalText.padded(name, to: nameWidth)
                + zip(cells, shown).map { TerminalText.padded($0, to: $1.width, right: true) }.joined()
        }
        lines =
            [line("thread", shown.map(\.title))]
            + zip(threads, letters).map { thread, letter in
                line(TraceLanes.label(thread, letter, width: nameWidth), shown.map { $0.text(thread) })
            }
    }
}
