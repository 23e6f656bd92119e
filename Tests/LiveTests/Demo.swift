import Glibc

/// A demo that is ready to be looked at, and what is true of its blocks.
final class Demo {
    struct Truth {
        var definite: Set<UInt64> = []
        var indirect: Set<UInt64> = []
        var possible: Set<UInt64> = []
        var reachable: Set<UInt64> = []
        /// Members of each lost ring.
        var rings: [String: Set<UInt64>] = [:]
        /// The type that nusu is to name, by address.
        var types: [UInt64: String] = [:]

        var ringMembers: Set<UInt64> { rings.values.reduce(into: []) { $0.formUnion($1) } }
    }

    private let child: Child
    private(set) var truth = Truth()
    /// The process that the demo said something of (`pid N`).
    var otherPid: pid_t? { otherPids.last }
    /// All of them.
    private(set) var otherPids: [pid_t] = []
    /// Channels that it has made: the kind, then each end as PID:DESCRIPTOR:ROLE.
    private(set) var channels: [[String]] = []

    /// Descriptors that only lost objects know ("owned"), and others.
    private(set) var descriptors: [String: Set<Int32>] = [:]

    var pid: pid_t { child.pid }
    var view: ProcessView { ProcessView(pid: pid) }

    /// Starts a demo and waits until it is ready.
    /// - Parameter program: a product's name, or a path.
    init(_ program: String, _ arguments: [String], environment: [String: String] = [:]) throws {
        child = try Child([Demo.path(of: program)] + arguments, environment: environment)
        while true {
            guard let line = try child.readLine() else {
                throw HarnessError("\(program) \(arguments) ended before it was ready")
            }
            if line == "ready" { break }
            try take(line)
        }
        try child.settle()
    }

    /// `NUSU_TEST_DEMO` names the demo in C of another C library (`make glibc`).
    private static func path(of program: String) -> String {
        if program == "nusu-demo", let other = getenv("NUSU_TEST_DEMO") { return String(cString: other) }
        return program.contains("/") ? program : "\(Surroundings.products)/\(program)"
    }

    func end() { child.end() }

    /// The exit status, or 128 + n; nil while it runs.
    func poll() -> Int32? { child.poll() }

    func hasEnded(withinSeconds seconds: Double = 60) -> Bool {
        comesTrue(withinSeconds: seconds) { child.poll() != nil }
    }

    /// Reads on until it prints a line that begins with `word`.
    func awaitLine(_ word: String) throws {
        while let line = try child.readLine() {
            if line.split(separator: " ").first.map({ $0 == word }) == true { return }
        }
        throw HarnessError("the demo ended before it printed \(word)")
    }

    /// Reads what it prints within the next seconds.
    func takeLaterLines(forSeconds seconds: Double) throws {
        let end = Clock.now + seconds
        while Clock.now < end {
            if let line = try? child.readLine(withinSeconds: end - Clock.now) { try take(line) }
        }
    }

    private func take(_ line: String) throws {
        let words = line.split(separator: " ")
        guard words.count >= 2 else { throw HarnessError("a demo printed \(line)") }
        if words[0] == "pid" {
            otherPids += pid_t(words[1]).map { [$0] } ?? []
            return
        }
        if words[0] == "owned" || words[0] == "held" {
            if let number = Int32(words[1]) { descriptors[String(words[0]), default: []].insert(number) }
            return
        }
        if words[0] == "channel" {
            channels.append(words.dropFirst().map(String.init))
            return
        }
        guard let address = UInt64(words[1].dropFirst(2), radix: 16) else {
            throw HarnessError("a demo printed \(line)")
        }
        switch words[0] {
        case "definite": truth.definite.insert(address)
        case "indirect": truth.indirect.insert(address)
        case "possible": truth.possible.insert(address)
        case "reachable": truth.reachable.insert(address)
        case "cycle" where words.count > 2: truth.rings[String(words[2]), default: []].insert(address)
        default: throw HarnessError("a demo printed \(line)")
        }
        for word in words.dropFirst(2) where word.hasPrefix("type=") {
            truth.types[address] = String(word.dropFirst(5))
        }
    }
}

/// How nusu's answer differs from the truth, in words; empty when it does not.
///
/// - Parameter doubtful: number of truly lost blocks that may be called possible or reachable: what a target at work
///   keeps stale words of. Nothing may ever be falsely lost.
/// - Parameter morePossible: whether blocks that the demo knows nothing of may be called possible: those of a run-time
///   that keeps tagged pointers, or pointers behind a header of its own.
func differences(
    _ document: LeakDocument, from truth: Demo.Truth, doubtful: Int = 0, morePossible: Bool = false
) -> [String] {
    var result: [String] = []
    func check(_ wrong: Set<UInt64>, _ what: String) {
        guard !wrong.isEmpty else { return }
        let shown = wrong.sorted().prefix(5).map { "0x" + String($0, radix: 16) }
        result.append("\(wrong.count) \(what): \(shown.joined(separator: " "))")
    }
    let definite = document.leaders("definite")
    let cycles = document.leaders("cycle")
    let possible = Set(document.leaders("possible").keys)
    let found = Set(definite.keys).union(cycles.keys)

    check(found.intersection(truth.reachable), "in use and called lost")
    check(found.intersection(truth.indirect), "below a lost block and called its own leader")
    check(found.intersection(truth.possible), "reached through the middle and called lost")
    check(
        found.subtracting(truth.definite).subtracting(truth.ringMembers)
            .subtracting(truth.reachable).subtracting(truth.indirect).subtracting(truth.possible),
        "unknown to the demo and called lost")
    let missed = truth.definite.subtracting(found)
    if missed.count > doubtful { check(missed, "lost and not found") }
    check(Set(cycles.keys).intersection(truth.definite), "called a ring and none")
    for (ring, members) in truth.rings {
        let leaders = members.intersection(found).count
        if leaders > 1 || (leaders == 0 && doubtful == 0) { result.append("\(ring) has \(leaders) leaders") }
        // A ring of one block may go as a plain lost block.
        if members.count > 1 { check(members.intersection(definite.keys), "leader of \(ring), not called a ring") }
    }
    if doubtful == 0 {
        check(truth.possible.subtracting(possible), "reached through the middle and not called possible")
        if !morePossible { check(possible.subtracting(truth.possible), "called possible and not") }
        let indirect = truth.indirect.count + truth.ringMembers.count - truth.rings.count
        if document.summary.indirect.blocks != indirect {
            result.append("\(document.summary.indirect.blocks) blocks called indirect, \(indirect) are")
        }
    }
    for (address, type) in truth.types where found.contains(address) {
        let named = (definite[address] ?? cycles[address]) ?? nil
        // Swift's names may carry their module.
        if named != type, named?.hasSuffix("." + type) != true {
            result.append("0x\(String(address, radix: 16)) is a \(type), called \(named ?? "nothing")")
            break
        }
    }
    if !document.isSound { result.append("the verdicts do not add up to the live blocks") }
    return result
}
