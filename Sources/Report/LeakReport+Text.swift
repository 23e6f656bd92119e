import Analysis
import Model

extension LeakReport {
    /// The report for people: the answer in line 1, at most 25 lines unless the options ask for more.
    package func text(_ options: Options, _ style: TextStyle) -> String {
        let groups = groups(options)
        let closing = facts(options, style) + next(options, style)
        var lines = [style.strong(style.fit(headline))]
        var shown = 0
        var body: [String] = []
        for (index, group) in groups.enumerated() {
            let more = LeakGroupText(
                group: group, number: index + 1, options: options, style: style, descriptors: descriptors
            ).lines
            if let limit = options.limit, limit > 0, shown >= limit { break }
            // Two lines are blank, one says what is left out.
            let used = lines.count + body.count + more.count + closing.count + 3
            if options.limit == nil, shown > 0, used > LeakReport.lineLimit { break }
            body += more
            shown += 1
        }
        if let rest = leftOut(groups, shown, options) { body.append(style.fit(rest)) }
        if !body.isEmpty { lines += [""] + body }
        lines += [""] + closing
        return lines.joined(separator: "\n") + "\n"
    }

    private static let lineLimit = 25

    /// What matters most stands first, since a narrow terminal cuts the end.
    private var headline: String {
        let lost = findings.lost
        if lost.blocks > 0 {
            let amount = "\(Units.bytes(lost.bytes)) in \(Units.counted(lost.blocks, "block"))"
            let share = Units.share(lost.bytes, of: residentBytes)
            let part = share.flatMap { share in residentBytes.map { "\(share) of \(Units.bytes($0)) resident" } }
            if sawEverything {
                return "Leaking: \(amount) that nothing can reach." + (part.map { " That is \($0)." } ?? "")
            }
            if findings.heap.isSwiftOnly {
                let cycles = Units.counted(findings.cycleCount, "Swift retain cycle")
                return "Leaking: at least \(Units.bytes(lost.bytes)) in \(cycles). C blocks not searched (\(heapName))."
            }
            let bound = findings.exact ? "" : "at least "
            return "Leaking: \(bound)\(amount), as far as could be seen" + (part.map { ": \($0)." } ?? ".")
        }
        if sawEverything, let excludedAmount {
            return "Nothing lost beyond what was left out: \(excludedAmount)."
        }
        if sawEverything {
            let rest = residentBytes.map { "The \(Units.bytes($0)) are" } ?? "What it holds is"
            return "No lost memory (saw everything). \(rest) in use or kept by malloc."
        }
        let unseen = findings.gaps.first.map { TerminalText.escaped($0.what) } ?? "a part of the heap"
        let excluded = findings.excluded.total
        let beyond = excluded.blocks > 0 ? " beyond \(Units.bytes(excluded.bytes)) left out" : ""
        let others = findings.gaps.count - 1
        let more = others > 0 ? " and \(Units.counted(others, "other thing"))" : ""
        return "Found nothing lost\(beyond), but this is a lower bound: could not look into \(unseen)\(more)."
    }

    /// What the limits left out of the list, and how to see it.
    private func leftOut(_ groups: [LeakGroup], _ shown: Int, _ options: Options) -> String? {
        let rest = groups.dropFirst(shown)
        let small = findings.groups.filter { group in
            (options.possible || group.kind != .possible) && group.totalBytes < options.minBytes
        }
        let bytes = (Array(rest) + small).reduce(UInt64(0)) { $0 + $1.totalBytes }
        guard !rest.isEmpty || !small.isEmpty else { return nil }
        let how = rest.isEmpty ? "below --min-bytes" : "--limit 0 shows all"
        return "     and \(Units.counted(rest.count + small.count, "more group")), \(Units.bytes(bytes)) (\(how))"
    }

    /// What the look cost and saw, and where the rest of the memory is.
    private func facts(_ options: Options, _ style: TextStyle) -> [String] {
        var lines = [pauses, seen]
        if findings.possible.blocks > 0 {
            let once = confirmation == nil ? 0 : findings.unconfirmed
            let reason = once > 0 ? ", \(Units.grouped(once)) of them lost in one snapshot only" : ""
            let amount =
                "\(Units.bytes(findings.possible.bytes)) in \(Units.counted(findings.possible.blocks, "block"))"
            let how = options.possible ? "" : " (--possible)"
            lines.append("set aside as possibly lost: \(amount)\(reason)\(how)")
        }
        let owned = ownedDescriptors.count
        if owned > 0 {
            let whose = descriptors.map { " (nusu fds \($0.process.pid) --lost)" } ?? ""
            lines.append("lost memory owns \(Units.counted(owned, "descriptor"))\(whose)")
        }
        lines += excludedLines
        for gap in findings.gaps.prefix(LeakReport.gapLimit) {
            lines.append("not seen: \(TerminalText.escaped(gap.what)): \(TerminalText.escaped(gap.reason))")
        }
        let others = findings.gaps.count - LeakReport.gapLimit
        if others > 0 { lines.append("not seen: \(Units.counted(others, "other thing")) (--json)") }
        lines.append(rest)
        return lines.map { style.faint(style.fit("  " + $0)) }
    }

    private static let gapLimit = 3

    private var pauses: String {
        let when = saved.map { "saved \($0.time): " } ?? ""
        let first = Units.seconds(snapshot.pauseSeconds)
        let threads = Units.counted(snapshot.threads, "thread")
        let again = attempts > 1 ? "; took \(attempts) (malloc was at work)" : ""
        if let ended {
            return "looked at its exit (status \(ended.status), \(threads)), which waited \(first) for that"
        }
        guard let confirmation else {
            return "\(when)paused \(first) (\(snapshot.method.rawValue), \(threads)); one snapshot\(again)"
        }
        let second = Units.seconds(confirmation.facts.pauseSeconds)
        let verdict = findings.unconfirmed == 0 ? " agree" : ""
        return "paused \(first) + \(second) (\(snapshot.method.rawValue), \(threads)); two snapshots "
            + "\(Units.seconds(confirmation.afterSeconds)) apart\(verdict)\(again)"
    }

    private var heapName: String { TerminalText.escaped(findings.heap.allocator) }

    private var seen: String {
        let heap = findings.heap
        if heap.isSwiftOnly {
            return
                "saw \(Units.counted(heap.live.blocks, "Swift object")) by their metadata and counts, no allocator needed, in "
                + Units.seconds(totalSeconds)
        }
        let version = heap.version.map { " " + TerminalText.escaped($0) } ?? ""
        let which =
            findings.exact
            ? "saw all of \(heap.allocator)\(version)'s heap" : "saw a part of \(heap.allocator)\(version)'s heap"
        let amount = "\(Units.counted(heap.arenas, "arena")), \(Units.counted(heap.live.blocks, "block"))"
        return "\(which): \(amount), \(Units.bytes(heap.live.bytes)), in \(Units.seconds(totalSeconds))"
    }

    /// Most growth is not lost memory: where the rest is.
    private var rest: String {
        let lost = findings.lost.bytes + findings.excluded.total.bytes
        if findings.heap.isSwiftOnly {
            guard let residentBytes, residentBytes > lost else { return "not seen: all that is no Swift object" }
            return "of the other \(Units.bytes(residentBytes - lost)) resident nothing is said"
        }
        let heap =
            "of the heap \(Units.bytes(findings.reachable.bytes + findings.possible.bytes)) is in use, "
            + "\(Units.bytes(findings.heap.freeBytes)) free but kept by malloc"
        guard let residentBytes, residentBytes > lost, lost > 0 else { return heap }
        return "not a leak: the other \(Units.bytes(residentBytes - lost)); \(heap)"
    }

    /// The first type that the list names, if it is one of the program's own.
    private func shownType(_ options: Options) -> String? {
        groups(options).filter { $0.kind != .possible }.lazy.compactMap(\.type).first { !WhyPathText.isOfLibrary($0) }
    }

    /// Quoted where a shell would read it in another way.
    private static func shellWord(_ word: String) -> String {
        let isPlain = word.allSatisfy { ($0.isASCII && ($0.isLetter || $0.isNumber)) || "._:/-=,+".contains($0) }
        if isPlain, !word.isEmpty { return word }
        let quoted = word.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''")
        return "'\(TerminalText.escaped(quoted))'"
    }

    /// One command to go on with, for whoever sits at a terminal.
    private func next(_ options: Options, _ style: TextStyle) -> [String] {
        guard style.isTerminal else { return [] }
        if let ended {
            let command = ended.command.map(LeakReport.shellWord).joined(separator: " ")
            return [style.fit("next: nusu leaks --tree -- \(command)      what hangs below one block of each group")]
        }
        let base = "next: nusu leaks \(subject)"
        if let type = shownType(options) {
            return [
                style.fit(
                    "next: nusu why \(subject) \(WhyPathText.argument(type))      who holds them, what they hold")
            ]
        }
        if findings.lost.blocks > 0, !options.addresses {
            return [style.fit("\(base) --addresses      where the lost blocks lie, for a debugger")]
        }
        if findings.possible.blocks > 0, !options.possible {
            return [style.fit("\(base) --possible      what only pointers into the middle of a block reach")]
        }
        return [style.fit("\(base) --json      the same with every number, for a script")]
    }
}
