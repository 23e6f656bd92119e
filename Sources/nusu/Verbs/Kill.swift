import Analysis
import ArgumentParser
import Capture
import Glibc
import Model
import Report

/// `nusu kill [-SIGNAL] TARGET…`: sends a signal, and says what came of it.
struct Kill: ParsableCommand, Verb {
    static let configuration = CommandConfiguration(
        commandName: "kill",
        abstract: "Send a signal to processes and say what came of it. A PID that is another's by now is never hit.",
        discussion: """
              nusu kill 1234                 TERM: please end
              nusu kill -9 1234              or -KILL, -s KILL, --signal KILL
              nusu kill --ladder 1234        TERM, and after 5 s KILL for what is left
              nusu kill --tree 1234          and all that it has started, parents first
              nusu kill --dry-run worker     what would be done, and what it would do
              nusu kill -0 1234              only asks whether it may be sent signals

            Each target is held by a pidfd from the moment that its name was looked up. By a name, a port or a container, \
            neither nusu nor what it runs in is ever meant.

            EXIT STATUS
              0   sent
              1   no such process
              2   with --ladder: something is still there
              64  the command line is wrong, or a name fits several
              77  not permitted, at least for one
            """)

    @Argument(help: ArgumentHelp("Processes: PIDs, names, :PORT or container:ID.", valueName: "target"))
    var targets: [String]

    @Option(
        name: [.customShort("s"), .long],
        help: ArgumentHelp("The signal, by name or number; also -TERM or -15 before the targets.", valueName: "signal"))
    var signal = SignalArgument(signal: Signal.number(Signal.terminate))

    @Flag(help: "TERM, wait, then KILL for what is still there.")
    var ladder = false

    @Option(help: ArgumentHelp("How long the ladder waits after TERM.", valueName: "seconds"))
    var ladderWait = Seconds(5)

    @Flag(
        help:
            "Also all processes below it. For KILL the tree is stopped first, so that none escapes, and ends from below."
    )
    var tree = false

    @Flag(help: "All processes of its process group.")
    var group = false

    @Flag(help: "All processes of its session.")
    var session = false

    @Flag(help: "Say what would be done, and what each process would make of the signal; send nothing.")
    var dryRun = false

    @Flag(help: "Wait until all have ended.")
    var wait = false

    @Flag(help: "All processes that a name fits.")
    var all = false

    @OptionGroup var choice: TargetChoice
    @OptionGroup var output: OutputOptions

    func validate() throws {
        if targets.isEmpty { throw ValidationError("kill needs a target") }
        if [tree, group, session].count(where: { $0 }) > 1 {
            throw ValidationError("--tree, --group and --session exclude each other")
        }
        if all, choice.newest || choice.oldest { throw ValidationError("--all excludes --newest and --oldest") }
        if ladder, signal.signal?.number != Signal.terminate {
            throw ValidationError("--ladder sends TERM and KILL: no other signal can be asked for")
        }
    }

    /// `-TERM` and `-15` as kill(1) has them, made an option that the parser knows. Only the first, and not behind `--`.
    /// - Throws: `.usage` for what kill(1) knows and nusu has another way for.
    static func rewritten(_ arguments: [String]) throws(Failure) -> [String] {
        guard arguments.first == configuration.commandName else { return arguments }
        var result = arguments
        var takesSignal = true
        for index in arguments.indices.dropFirst() {
            let word = arguments[index]
            if word == "--" { takesSignal = false }
            guard word.hasPrefix("-"), !word.hasPrefix("--"), word.count > 1 else { continue }
            if takesSignal, SignalArgument(argument: String(word.dropFirst())) != nil {
                result[index] = "--signal=" + word.dropFirst()
                takesSignal = false
            } else if let failure = otherMeaning(of: word) {
                throw failure
            }
        }
        return result
    }

    private static func otherMeaning(of word: String) -> Failure? {
        let rest = word.dropFirst()
        if ["l", "L"].contains(rest) {
            return Failure(.usage, what: "nusu kill lists no signals", subject: word, remedy: "nusu signal")
        }
        if rest == "1" {
            return Failure(
                .usage, what: "to kill(1) -1 means every process there is; nusu kill has no word for that",
                subject: word,
                remedy: "name them; to see who would be meant: nusu kill --dry-run --all NAME")
        }
        if rest.utf8.allSatisfy((UInt8(ascii: "0")...UInt8(ascii: "9")).contains) {
            return Failure(
                .usage, what: "to kill(1) \(word) means the process group \(rest)", subject: word,
                remedy: "nusu kill --group \(rest)")
        }
        guard rest.utf8.allSatisfy((UInt8(ascii: "A")...UInt8(ascii: "Z")).contains) else { return nil }
        return Failure(
            .usage, what: "there is no signal \(rest)", subject: word, remedy: "for all there are: nusu signal")
    }

    func run(_ output: Output) throws -> Int32 {
        var output = output
        output.isJSON = self.output.json
        output.color = self.output.color
        let procfs = ProcFS()
        let ancestors = try ProcessRelatives(procfs).ancestors(of: getpid())
        let isByPID = targets.allSatisfy { $0.utf8.allSatisfy((UInt8(ascii: "0")...UInt8(ascii: "9")).contains) }
        var run = KillRun(
            procfs: procfs, scope: tree ? .tree : group ? .group : session ? .session : .process,
            excluded: Set([getpid()] + (isByPID ? [] : ancestors)), signal: signal.signal)
        try run.hold(try identities(procfs, ancestors: Set(ancestors), &run))
        if dryRun {
            run.plan(signal.signal)
        } else {
            try send(&run)
        }
        let report = run.report
        try Output.print(self.output.json ? report.json() : report.text(output.style))
        return report.status(endsAll: ladder || wait)
    }

    private func send(_ run: inout KillRun) throws(Failure) {
        try run.send(signal.signal)
        let progress = Progress("waiting for the end")
        defer { progress.end() }
        var haveEnded = false
        if ladder {
            haveEnded = run.wait(seconds: ladderWait.value)
            if !haveEnded {
                try run.send(Signal.number(Signal.kill))
                haveEnded = run.wait(seconds: Kill.certainEnd)
            }
        } else if signal.signal != nil, run.expectsEnd {
            haveEnded = run.wait(seconds: run.isEndCertain ? Kill.certainEnd : Kill.usualEnd)
        }
        while wait, signal.signal != nil, !haveEnded { haveEnded = run.wait(seconds: 3600) }
        run.finish()
    }

    /// The kernel needs time to take a large process apart: 0.1 s for each GiB, and on a busy machine ten times as long.
    static let certainEnd = 10.0
    /// Most that catch the signal end within this; who does not is said to run on.
    static let usualEnd = 0.1

    /// A target that does not exist is remarked; the others go on.
    private func identities(
        _ procfs: ProcFS, ancestors: Set<Int32>, _ run: inout KillRun
    ) throws -> [ProcessIdentity] {
        let resolver = TargetResolver(procfs: procfs, own: getpid(), ancestors: ancestors)
        var result: [ProcessIdentity] = []
        for target in targets {
            do {
                if all, case .several(let candidates, _) = try resolver.resolve(target) {
                    result += candidates.map(\.identity)
                } else {
                    result.append(try choice.identity(of: target, resolver, verb: "kill"))
                }
            } catch let failure as Failure where failure.kind == .noTarget {
                run.remark(failure.what)
            }
        }
        return result
    }
}

/// A signal's name or number; 0 sends none.
struct SignalArgument: ExpressibleByArgument {
    /// nil for 0.
    let signal: Signal?

    init(signal: Signal?) { self.signal = signal }

    init?(argument: String) {
        if let number = Int32(argument), argument.utf8.first != UInt8(ascii: "-") {
            guard number == 0 || Signal.number(number) != nil else { return nil }
            signal = Signal.number(number)
        } else {
            guard let named = Signal.named(argument) else { return nil }
            signal = named
        }
    }

    var defaultValueDescription: String { signal?.name ?? "0" }
}
