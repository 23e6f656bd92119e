package import Model

/// Reads a workload file: a line for each thread (the README here has the format).
package enum WorkloadParser {
    /// Larger files are no workloads that somebody wrote.
    package static let maximumBytes = 16 << 20
    private static let maximumWords = 10_000

    /// - Parameter file: its name, for messages.
    /// - Throws: `Failure` with the line's number.
    package static func parse(_ bytes: [UInt8], file: String) throws(Failure) -> Workload {
        var threads: [Workload.Thread] = []
        var total = 0
        var number = 0
        for line in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
            number += 1
            do throws(Problem) {
                guard let text = String(validating: line, as: UTF8.self) else { throw Problem("it is no UTF-8") }
                let words = text.prefix { $0 != "#" }.split(maxSplits: maximumWords, whereSeparator: \.isWhitespace)
                guard !words.isEmpty else { continue }
                guard words.count <= maximumWords else {
                    throw Problem("it has over \(Units.grouped(maximumWords)) words")
                }
                guard threads.count < Workload.maximumThreads else {
                    throw Problem("there are over \(Units.grouped(Workload.maximumThreads)) threads")
                }
                let thread = try thread(words)
                total = try added(thread, to: total)
                threads.append(thread)
            } catch {
                throw failure("\(file), line \(number): \(error.what)", file)
            }
        }
        guard !threads.isEmpty else { throw failure("\(file) has no threads", file) }
        return Workload(threads: threads)
    }

    /// A time with its unit, in nanoseconds: `5ms`, `1.5ms`, `20us`, `700ns`, `2s`, or a plain 0.
    package static func nanoseconds(_ word: some StringProtocol) -> Int? {
        if word == "0" { return 0 }
        let units: [(suffix: String, factor: Double)] = [("ns", 1), ("us", 1e3), ("ms", 1e6), ("s", 1e9)]
        guard let unit = units.first(where: { word.hasSuffix($0.suffix) }) else { return nil }
        let digits = word.dropLast(unit.suffix.count)
        // Double also takes "inf", "0x10" and "1e3", which nobody means here.
        guard !digits.isEmpty, digits.allSatisfy({ $0 == "." || ($0.isASCII && $0.isNumber) }),
            let value = Double(digits), value * unit.factor <= Double(Workload.maximumTotal)
        else { return nil }
        return Int((value * unit.factor).rounded())
    }

    /// What is wrong with a line.
    private struct Problem: Error {
        let what: String
        init(_ what: String) { self.what = what }
    }

    private static func failure(_ what: String, _ file: String) -> Failure {
        Failure(
            .usage, what: what, subject: file,
            remedy: "write a line for each thread: NAME ARRIVAL run TIME [block TIME run TIME ...] [nice N]")
    }

    private static func thread(_ words: [Substring]) throws(Problem) -> Workload.Thread {
        guard words.count >= 2 else { throw Problem("after the name comes the time of arrival: '0ms'") }
        guard words[0].unicodeScalars.count <= 64 else { throw Problem("the name has over 64 characters") }
        var thread = Workload.Thread(String(words[0]), arrival: try time(words[1], after: "the name"), phases: [])
        var seen: Set<Substring> = []
        var isRunning = false
        var index = 2
        while index < words.count {
            let key = words[index]
            guard index + 1 < words.count else { throw Problem("after '\(shown(key))' something is missing") }
            let value = words[index + 1]
            index += 2
            switch key {
            case "run":
                guard !isRunning else { throw Problem("a run follows a run; write their sum, or a block between") }
                let run = try time(value, after: "run")
                guard run > 0 else { throw Problem("a run must be longer than 0") }
                thread.phases.append(Workload.Phase(run: run))
                isRunning = true
            case "block":
                guard isRunning else { throw Problem("a block must follow a run") }
                thread.phases[thread.phases.count - 1].block = try time(value, after: "block")
                isRunning = false
            case "nice", "repeat", "slice":
                guard seen.insert(key).inserted else { throw Problem("'\(key)' stands there twice") }
                switch key {
                case "nice": thread.nice = try integer(value, in: -20...19, key)
                case "repeat": thread.rounds = try integer(value, in: 1...1_000_000_000, key)
                default:
                    let slice = try time(value, after: "slice")
                    // What sched_setattr clamps to (kernel/sched/syscalls.c, 6.12).
                    guard (100_000...100_000_000).contains(slice) else {
                        throw Problem("a slice is from 0.1ms to 100ms")
                    }
                    thread.slice = slice
                }
            default: throw Problem("'\(shown(key))' is none of run, block, nice, repeat, slice")
            }
        }
        guard !thread.phases.isEmpty else { throw Problem("the thread never runs: 'run 5ms'") }
        guard thread.rounds == 1 || !isRunning else { throw Problem("what is repeated must end with a block") }
        return thread
    }

    private static func time(_ word: Substring, after what: String) throws(Problem) -> Int {
        guard let value = nanoseconds(word) else {
            throw Problem("'\(shown(word))' after \(what) is no time with a unit, like 5ms, 20us, 1.5s")
        }
        return value
    }

    private static func integer(
        _ word: Substring, in range: ClosedRange<Int>, _ key: Substring
    ) throws(Problem) -> Int {
        guard let value = Int(word), range.contains(value) else {
            throw Problem("'\(shown(word))' after \(key) is no number from \(range.lowerBound) to \(range.upperBound)")
        }
        return value
    }

    private static func added(_ thread: Workload.Thread, to total: Int) throws(Problem) -> Int {
        // At most 5,000 phases of two times of 1e15 each: below 2^63, but not when it is repeated.
        let once = thread.phases.reduce(into: 0) { sum, phase in
            sum = min(sum + phase.run + phase.block, Workload.maximumTotal + 1)
        }
        let (all, overflows) = once.multipliedReportingOverflow(by: thread.rounds)
        guard !overflows, all <= Workload.maximumTotal, total + all + thread.arrival <= Workload.maximumTotal else {
            throw Problem("all times up to here are over 1,000,000 s together")
        }
        return total + all + thread.arrival
    }

    private static func shown(_ word: Substring) -> String { word.count > 40 ? word.prefix(40) + "…" : String(word) }
}
