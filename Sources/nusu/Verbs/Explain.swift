import ArgumentParser
import Capture
import Glibc
import Kernel
import Model
import Report
import SystemPackage

/// `nusu explain [TOPIC] [TARGET]`: a notion, its live value here or of a process, the command that shows more, and a small demonstration.
struct Explain: ParsableCommand, Verb {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "How an operating system works: a notion, its live value, a demonstration.",
        discussion: """
              nusu explain                 all topics
              nusu explain fork            one of them, with its live value on this machine
              nusu explain stack 1234      with that of a process (PID, name, :PORT, container:ID)
              nusu explain fork --demo     and a small program that shows it, and ends by itself
              nusu explain fork --lang ko  in Korean; without it the language is that of LC_ALL or LANG
            """)

    @Argument(help: "What to explain; without it all topics are listed.")
    var topic: String?

    @Argument(help: "Whose live values to show; without it the machine's and nusu's own.")
    var target: String?

    @OptionGroup var choice: TargetChoice

    @Flag(help: "Also show it happen, on processes of nusu's own; takes a few seconds at most.")
    var demo = false

    @Option(help: ArgumentHelp("en or ko.", valueName: "language"))
    var lang: String?

    @OptionGroup var output: OutputOptions

    func validate() throws {
        if let lang, ExplainTongue(rawValue: lang) == nil { throw ValidationError("--lang takes en or ko") }
        if let topic, ExplainTopic.named(topic) == nil {
            let known = ExplainTopic.allCases.map(\.rawValue).joined(separator: ", ")
            throw ValidationError("there is no explanation of '\(topic)'; there is: \(known)")
        }
        if demo, topic == nil { throw ValidationError("--demo needs a topic") }
    }

    func run(_ output: Output) throws -> Int32 {
        var output = output
        output.isJSON = self.output.json
        output.color = self.output.color
        guard let topic = topic.flatMap(ExplainTopic.named) else {
            try Output.print(
                self.output.json ? ExplainReport.listJSON(tongue) : ExplainReport.list(tongue, output.style))
            return ExitStatus.done
        }
        // Before anything may start a thread: the demonstrations fork.
        let demonstration = demo ? Explain.show(topic.demonstration) : nil
        let procfs = ProcFS()
        let identity = try target.map {
            try choice.identity(of: $0 == "self" ? "\(getpid())" : $0, procfs, verb: "explain \(topic.rawValue)")
        }
        let wanted = Set(topic.facts + (identity == nil ? [] : topic.processFacts))
        let facts = procfs.explainFacts(wanted, own: identity?.pid ?? getpid()) { Pause.sleep(seconds: $0) }
        var report = ExplainReport(topic: topic, tongue: tongue, facts: facts)
        report.target = identity
        if let identity { report.gaps = procfs.explainGaps(topic.processFacts, of: identity, topic: topic.rawValue) }
        report.demonstration = demonstration
        try Output.print(self.output.json ? report.json() : report.text(output.style))
        return ExitStatus.done
    }

    private var tongue: ExplainTongue {
        if let lang, let tongue = ExplainTongue(rawValue: lang) { return tongue }
        let names = ["LC_ALL", "LC_MESSAGES", "LANG"]
        let set = names.lazy.compactMap { getenv($0).map { String(cString: $0) } }.first { !$0.isEmpty }
        return ExplainTongue(locale: set ?? "")
    }

    private static func show(_ demonstration: ExplainTopic.Demonstration) -> [DemonstrationLine] {
        do throws(Errno) {
            switch demonstration {
            case .fork: return try Demonstrations.fork()
            case .zombie: return try Demonstrations.zombie()
            case .orphan: return try Demonstrations.orphan()
            case .leak: return try Demonstrations.leak()
            case .pingPong: return try Demonstrations.pingPong()
            case .signal: return try Demonstrations.signal()
            case .priority: return try Demonstrations.priority()
            case .turns: return try Demonstrations.turns()
            case .addresses: return Demonstrations.addresses()
            }
        } catch {
            return [DemonstrationLine(.impossible, .text("\(error)"))]
        }
    }
}
