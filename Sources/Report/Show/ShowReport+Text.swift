import Analysis
import Model

extension ShowReport {
    private struct Line {
        var label: String
        var texts: [String]
        /// What it means, and which file it is from.
        var meaning: String
    }

    /// - Parameters:
    ///   - explains: also say what each line means and where it is from.
    ///   - threads: also a line for each thread.
    package func text(_ style: TextStyle, explains: Bool = false, threads: Bool = false) -> String {
        var result = [style.strong(style.fit(headline)), ""]
        for line in lines {
            for (index, text) in line.texts.enumerated() {
                let label = TerminalText.padded(index == 0 ? line.label : "", to: 11)
                result.append(style.fit("  \(label)\(text)"))
            }
            guard explains else { continue }
            result += TextWrap.lines(line.meaning, width: TextStyle.columns - 15, indent: "").map {
                style.faint(style.fit("               \($0)"))
            }
        }
        if threads { result += portrait.threads.map { style.fit(thread($0)) } }
        for gap in portrait.gaps {
            result.append(style.fit("  not seen   \(gap.what)"))
            result.append(style.fit("             \(gap.reason)" + (gap.remedy.map { ": \($0)" } ?? "")))
        }
        result += ["", style.fit("This is what user space sees of the kernel's process control block (task_struct).")]
        if style.isTerminal { result.append(style.fit(next)) }
        return result.joined(separator: "\n") + "\n"
    }

    private var headline: String { said.headline }

    /// How much of the reason the first line has room for: the state's line has the rest.
    private enum Told { case all, allButCall, nothing }

    private var said: (headline: String, told: Told) {
        let name = "\(TerminalText.escaped(identity.commandBytes)) (\(identity.pid))"
        if chain.isDeadlock { return ("\(name) \(WaitText.deadlock(chain, of: identity.pid)).", .nothing) }
        guard let reason = chain.links.first else { return ("\(name) is there; why it waits cannot be told.", .all) }
        if case .descriptors = reason.cause, let call = reason.call {
            let asleep = "\(name) is asleep in \(call)"
            let normal = asleep + ", which is normal"
            return (ShowReport.fitting([normal + pace, asleep + pace, normal + briefPace, normal]) + ".", .nothing)
        }
        let whole = "\(name) \(WaitText.reason(reason))"
        let short = "\(name) \(WaitText.reason(reason, namesCall: false))"
        let choices: [(String, Told)] = [
            (whole + pace, .all), (short + pace, .allButCall), (whole, .all), (short, .allButCall),
        ]
        let fitting = choices.first { TerminalText.width($0.0) < TextStyle.columns } ?? choices[3]
        return (fitting.0 + ".", fitting.1)
    }

    /// The first that leaves room for a full stop, else the last.
    private static func fitting(_ texts: [String]) -> String {
        texts.first { TerminalText.width($0) < TextStyle.columns } ?? texts.last ?? ""
    }

    /// Where there is no room for the whole: "; 3 % of one core".
    private var briefPace: String { rates?.cores.map { "; \(Units.cores($0)) of one core" } ?? "" }

    /// ": woken 41 times a second, 3 % of one core"; of one that did nothing meanwhile since when it sleeps.
    private var pace: String {
        // Nothing to go on with by itself: since when is said with the state.
        if stat.isZombie || stat.isStopped { return "" }
        guard let rates else { return cpuShare.map { ", \($0) of one core since its start" } ?? "" }
        var parts: [String] = []
        if let woken = rates.voluntarySwitches, woken > 0 { parts.append("woken \(Units.rate(woken)) times a second") }
        if let cores = rates.cores, cores > 0 { parts.append("\(Units.cores(cores)) of one core") }
        if parts.isEmpty { return portrait.sleepsSeconds.map { ", since \(Units.span($0))" } ?? "" }
        // What all its threads did is not what the one did that the sentence is about.
        let count = chain.links.first?.threadCount ?? 1
        return (count > 1 ? "; its \(Units.grouped(count)) threads: " : ": ") + parts.joined(separator: ", ")
    }

    private var cpuShare: String? {
        guard let age, age > 0 else { return nil }
        return Units.cores(Double(stat.userTicks &+ stat.systemTicks) / Double(max(facts.ticksPerSecond, 1)) / age)
    }

    private var lines: [Line] {
        var lines = [family, started, runsAs, state]
        if !stat.isZombie { lines += [cpu, switches, scheduler] }
        if !stat.isZombie, !stat.isKernelThread { lines += [memory, threadNames, files, limits, signals] }
        lines += [stop, oom]
        if let groupsText {
            lines.append(
                Line(
                    label: "cgroup", texts: [groupsText],
                    meaning: "Who shares its limits of memory, processor and processes. cgroup"))
        }
        if portrait.record.namespaces?.inodes.isEmpty == false { lines.append(namespaces) }
        return lines
    }

    private var family: Line {
        let above = portrait.ancestors.prefix(4).reversed().map { ShowReport.name($0.identity) }
        let chain = (portrait.ancestors.count > 4 ? ["…"] : []) + above + [ShowReport.name(identity)]
        let zombies = portrait.children.count(where: \.isZombie)
        let living = portrait.children.filter { !$0.isZombie }
        let children = Units.counted(living.count, "child", plural: "children")
        let ending =
            (zombies == 0 ? "; no zombies" : "; \(Units.counted(zombies, "zombie")) that it must wait for")
            + "; session \(stat.session), group \(stat.processGroup)"
        let names = living.prefix(4).map { ShowReport.name($0.identity) }
        let texts = (1...4).reversed().map { count in
            "\(children): \(names.prefix(count).joined(separator: " "))\(living.count > count ? " …" : "")\(ending)"
        }
        let indent = TerminalText.padded("", to: 13)
        let text =
            living.isEmpty
            ? "no children" + ending : String(ShowReport.fitting(texts.map { indent + $0 }).dropFirst(indent.count))
        return Line(
            label: "family", texts: [chain.joined(separator: " > "), text],
            meaning:
                "Who started it, and whom it has started; its session and group. stat (ppid, session, pgrp), task/*/children"
        )
    }

    private var started: Line {
        var text = age.map { "\(Units.span($0)) ago" } ?? "not known when"
        if let startTime { text = "\(ClockText.format(startTime, "%a %e %b %H:%M:%S")), \(text)" }
        if let container = portrait.record.containerBytes {
            text += "; container \(TerminalText.escaped(Array(container.prefix(12))))"
        }
        if let inner = portrait.record.status?.namespacePids, inner.count > 1, let number = inner.last {
            text += "; number \(number) inside"
        }
        if let terminal = facts.terminalName(stat.terminal) { text += "; terminal \(terminal)" }
        return Line(
            label: "started", texts: [text],
            meaning: "When, in which container, on which terminal. stat (starttime, tty_nr), cgroup, status (NSpid)")
    }

    private var runsAs: Line {
        let user =
            portrait.record.owner.map { "\(TerminalText.escaped(facts.userName($0.user))) (\($0.user))" } ?? "not known"
        let status = portrait.record.status
        var text = user
        if let real = status?.user.real, let owner = portrait.record.owner, real != owner.user {
            text += ", started by \(TerminalText.escaped(facts.userName(real))) (\(real))"
        }
        text += "; " + CapabilityText.text(capabilities, last: portrait.lastCapability)
        switch status?.seccompMode {
        case nil: text += "; seccomp not known"
        case 0?: text += "; no seccomp filter"
        case 1?: text += "; seccomp strict"
        default: text += "; seccomp filter on"
        }
        if portrait.status["NoNewPrivs"] == "1" { text += "; can gain no rights" }
        if let tracer = status?.tracerPid { text += tracer > 0 ? "; traced by \(tracer)" : "; nobody traces it" }
        return Line(
            label: "runs as", texts: [text],
            meaning: "Whose rights it has, and which of root's (capabilities). status (Uid, CapEff, Seccomp, TracerPid)"
        )
    }

    private var state: Line {
        let names: [Character: String] = [
            "R": "running or ready", "S": "sleeping", "D": "in the kernel, at most a fatal signal wakes it",
            "T": "stopped",
            "t": "held by its tracer", "Z": "ended (zombie)", "X": "ended", "I": "idle kernel thread",
        ]
        // Of the look that also tells why.
        let letter = Character(UnicodeScalar(chain.links.first?.state ?? stat.state))
        var text = "\(letter) \(names[letter] ?? "")"
        if let seconds = portrait.sleepsSeconds { text += ", since \(Units.span(seconds))" }
        if stat.isZombie, let ending = SignalOutlookText.ending(stat.exitStatus) { text += ", \(ending)" }
        let told = said.told
        if told == .allButCall, let call = chain.links.first?.call { text += ", in \(call)" }
        if let channel = chain.links.first?.channel { text += ", in the kernel's \(TerminalText.escaped(channel))" }
        return Line(
            label: "state",
            texts: [text] + (told == .nothing ? chain.links.prefix(1).map { WaitText.reason($0) } : [])
                + WaitText.chain(chain, of: identity.pid),
            meaning:
                "Of the main thread; whom it waits for, and whom that one does; threads that wait in a circle. stat, wchan, syscall, fd, mem, maps, sockets (sock_diag), /proc/locks, sched"
        )
    }

    private var cpu: Line {
        let times = portrait.runTimes
        let ran = times.map { "ran \(Units.span(Double($0.ran) / 1e9))" } ?? "run time not known"
        let waited = times.map { "; ready but had to wait for a core \(Units.span(Double($0.waited) / 1e9))" } ?? ""
        let now = rates?.cores.map { "\(Units.cores($0)) of one core now; " } ?? ""
        let share = rates?.waiting.map { " (\(Units.cores($0)) now)" } ?? ""
        return Line(
            label: "cpu", texts: [now + ran + waited + share],
            meaning:
                "How long its threads had a core, and stood in line for one: between the two looks (--interval), and since they were started; of threads that live. task/*/schedstat"
        )
    }

    private var switches: Line {
        func text(_ count: UInt64?, _ rate: Double?, _ meaning: String) -> String {
            let count = count.map { Units.grouped(Int(clamping: $0)) } ?? "?"
            return rate.map { "\(Units.rate($0))/s \(meaning), \(count) in all" } ?? "\(count) \(meaning)"
        }
        let voluntary = text(portrait.voluntarySwitches, rates?.voluntarySwitches, "voluntary (it waited)")
        let involuntary = text(
            portrait.involuntarySwitches, rates?.involuntarySwitches, "involuntary (pushed off)")
        return Line(
            label: "switches",
            texts: [voluntary + "; " + involuntary],
            meaning:
                "How often its threads gave up a core, between the two looks (--interval) and since they were started. task/*/status (voluntary_ctxt_switches …)"
        )
    }

    private var scheduler: Line {
        var text = "\(ShowReport.policy(stat.policy)), nice \(stat.nice)"
        if stat.realTimePriority > 0 { text += ", real-time priority \(stat.realTimePriority)" }
        if let slice = portrait.sliceSeconds { text += ", slice \(Units.seconds(slice))" }
        if let cores = portrait.status["Cpus_allowed_list"] { text += ", may use cores \(cores)" }
        text += ", last on \(stat.processor)"
        if let group = portrait.record.autogroup { text += "; autogroup \(group.number), nice \(group.nice)" }
        return Line(
            label: "scheduler", texts: [text],
            meaning:
                "By which rule it gets a core. With autogroups nice counts only within the session. stat, sched, autogroup"
        )
    }

    private var memory: Line {
        let status = portrait.record.status
        func size(_ bytes: UInt64?) -> String { bytes.map(Units.bytes) ?? "?" }
        var text =
            "\(size(status?.residentBytes)) resident, \(size(status?.virtualBytes)) reserved, swap \(size(status?.swappedBytes))"
        if let limit = portrait.memoryLimitBytes, let used = portrait.memoryUsedBytes,
            let share = Units.share(used, of: limit)
        {
            text += "; its control group is at \(share) of \(Units.bytes(limit))"
        }
        return Line(
            label: "memory", texts: [text],
            meaning:
                "In memory now, and set aside in its address space. status (VmRSS, VmSize, VmSwap), memory.max of its cgroup"
        )
    }

    private var threadNames: Line {
        var counts: [(name: String, count: Int)] = []
        for thread in portrait.threads {
            let name = TerminalText.escaped(thread.nameBytes)
            if let index = counts.firstIndex(where: { $0.name == name }) {
                counts[index].count += 1
            } else {
                counts.append((name, 1))
            }
        }
        let names = counts.prefix(5).map { $0.count == 1 ? $0.name : "\(Units.grouped($0.count)) x \($0.name)" }.joined(
            separator: ", ")
        return Line(
            label: "threads",
            texts: ["\(Units.grouped(portrait.threads.count)): \(names)" + (counts.count > 5 ? ", …" : "")],
            meaning: "What the scheduler knows of it, one entry each; --threads lists them. task/*/stat")
    }

    private var files: Line {
        guard let kinds = portrait.descriptors else {
            return Line(label: "files", texts: ["may not be seen"], meaning: "Open descriptors. fd")
        }
        let open = kinds.values.reduce(0, +)
        let limit = limit?.soft.map { " of \(Units.grouped(Int(clamping: $0)))" } ?? ""
        let sorted = kinds.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
        let texts = sorted.prefix(5).map { Units.counted($0.value, TerminalText.escaped($0.key)) }
        return Line(
            label: "files", texts: ["\(Units.grouped(open))\(limit): \(texts.joined(separator: ", "))"],
            meaning: "Open descriptors by what they lead to, and how many it may have. fd, limits (Max open files)")
    }

    private var limits: Line {
        Line(
            label: "limits", texts: [limitsText],
            meaning:
                "What it uses of what it may use at most, the soft limits; --json has all, with the hard ones. limits, status (VmStk, VmLck, SigQ)"
        )
    }

    /// Named before what the processor finds wrong.
    private static let sentByPeople = ["TERM", "INT", "HUP", "QUIT", "USR1", "USR2"]

    private var signals: Line {
        func names(_ disposition: SignalOutlook.Disposition) -> [String] {
            portrait.signals.outlooks.filter { $0.disposition == disposition && $0.signal.number <= 31 }.map(
                \.signal.name)
        }
        var parts: [String] = []
        for (disposition, word) in [
            (SignalOutlook.Disposition.caught, "caught"), (.ignored, "ignored"), (.blocked, "blocked"),
        ] {
            let names = names(disposition)
            guard !names.isEmpty else { continue }
            let sent = ShowReport.sentByPeople
            let ordered = sent.filter(names.contains) + names.filter { !sent.contains($0) }
            parts.append(ordered.prefix(6).joined(separator: " ") + (names.count > 6 ? " …" : "") + " \(word)")
        }
        let pending = portrait.signals.outlooks.filter(\.isPending).map(\.signal.name)
        parts.append(pending.isEmpty ? "none pending" : pending.joined(separator: " ") + " pending")
        return Line(
            label: "signals", texts: [parts.joined(separator: "; ")],
            meaning:
                "What it has set for each; nusu signal \(stat.pid) says what each would do. task/*/status (SigCgt, SigIgn, SigBlk, SigPnd)"
        )
    }

    private var stop: Line {
        let outlooks = portrait.signals.outlooks
        let term = SignalOutlookText.effect(outlooks[Int(Signal.terminate) - 1])
        let kill = SignalOutlookText.effect(outlooks[Int(Signal.kill) - 1])
        let text = term == kill ? "TERM or KILL \(term)" : "TERM \(term); KILL \(kill)"
        return Line(label: "stop it", texts: [text], meaning: "What nusu kill would bring about. status, stat")
    }

    private var oom: Line {
        let score = portrait.record.oomScore.map { "score \($0)" } ?? "score not known"
        let order = portrait.record.oomScore == nil ? "" : "; when memory runs out the highest is ended first"
        let adjustment =
            switch portrait.record.oomAdjustment ?? 0 {
            case 0: order
            case -1000: ", adjusted by -1000: when memory runs out it is never ended"
            case let adjusted: ", adjusted by \(adjusted)\(order)"
            }
        return Line(
            label: "OOM", texts: [score + adjustment],
            meaning: "When memory runs out the kernel ends the one with the highest score. oom_score, oom_score_adj")
    }

    private var namespaces: Line {
        let inodes = portrait.record.namespaces?.inodes ?? [:]
        let text = ProcessRecord.Namespaces.Kind.allCases.compactMap { kind in
            inodes[kind].map { "\(kind.rawValue) \($0)" }
        }
        return Line(
            label: "namespaces",
            texts: [text.prefix(4), text.dropFirst(4)].map { $0.joined(separator: " ") }.filter { !$0.isEmpty },
            meaning: "Which parts of the system it sees; processes with the same number see the same. ns/*")
    }

    private func thread(_ thread: ProcessPortrait.Thread) -> String {
        let name = TerminalText.padded(TerminalText.escaped(thread.nameBytes), to: 16)
        let ran = TerminalText.padded(thread.runTimes.map { "ran \(Units.span(Double($0.ran) / 1e9))" } ?? "", to: 13)
        let reason = reason(ofThread: thread.number).map { WaitText.brief($0) }
        let call = reason ?? thread.call ?? thread.channel.map { TerminalText.escaped($0) } ?? ""
        return "  thread     \(TerminalText.padded("\(thread.number)", to: 8))\(name)\(UnicodeScalar(thread.state))  "
            + ran + call
    }

    private var next: String {
        if stat.isZombie { return "next: nusu show \(stat.parent)      its parent, which must wait for it" }
        if let other = chain.links.first(where: { $0.process.pid != stat.pid }) {
            return "next: nusu show \(other.process.pid)      for whom it waits"
        }
        return "next: nusu signal \(stat.pid)      what each signal would do (--explain: what each line means)"
    }
}
