import Analysis
import Model

extension WhyReport {
    private static let lineLimit = 25
    private static let holdersShown = 6
    private static let indent = String(repeating: " ", count: 15)

    /// The report for people: the answer in line 1. `isLimited`: at most 25 lines, else every way that was found.
    package func text(isLimited: Bool, _ style: TextStyle) -> String {
        var lines = [style.strong(style.fit(headline))]
        let closing = facts.map { style.faint(style.fit("  " + $0)) } + next(style)
        let details = holderLines + holdLines
        let room = WhyReport.lineLimit - closing.count - details.count - 5
        let ways = wayLines(fitting: isLimited ? max(2, room) : .max)
        if !ways.isEmpty { lines += [""] + ways.map(style.fit) }
        if !details.isEmpty { lines += [""] + details.map { style.fit("  " + $0) } }
        return (lines + [""] + closing).joined(separator: "\n") + "\n"
    }

    private var paths: WhyPathText { WhyPathText(symbols: look.symbols, fields: look.fields) }

    private var headline: String {
        switch findings.question {
        case .address(let address): headline(address)
        case .type(let name): headline(TerminalText.escaped(WhyPathText.typeName(name)))
        }
    }

    private func headline(_ address: UInt64) -> String {
        guard let block = findings.block, block.fate != .none else {
            return "\(Address(address)): no block in use lies there (free memory, another mapping, or nothing)."
        }
        let inside = block.asked == block.start ? "" : "+\(block.asked - block.start)"
        let named = findings.blockType.map { TerminalText.escaped(TypeText.plain($0)) + ", " }
        let what =
            "\(Address(block.start))\(inside): \(named ?? "a block, ")\(Units.counted(Int(clamping: block.size), "byte"))"
        if findings.lost.blocks > 0 {
            return block.holders.isEmpty
                ? "\(what), lost: nothing points to it." : "\(what), lost together with what points to it."
        }
        let root = findings.paths.first.flatMap { paths.root($0.example) }
        let perhaps = block.fate == .possible ? "perhaps lost: only pointers into its middle lead to it" : "alive"
        return "\(what), \(perhaps)" + (root.map { " through \($0)." } ?? ".")
    }

    private func headline(_ name: String) -> String {
        let alive = findings.alive
        let lost = findings.lost
        guard found else {
            let seen = sawEverything ? "There is no block" : "Found no block, as far as could be seen,"
            return "\(seen) of a type called \(name)."
        }
        func amount(_ tally: Tally) -> String {
            "\(Units.grouped(tally.blocks)) x \(name), \(Units.bytes(tally.bytes))"
        }
        if alive.blocks == 0 { return "Lost: \(amount(lost)). Nothing reaches them any more." }
        let root = findings.paths.first.flatMap { paths.root($0.example) }
        let first = findings.paths.first?.count ?? 0
        let most =
            alive.blocks == 1
            ? ""
            : first == alive.blocks
                ? "all of them " : first > alive.blocks / 2 ? "most of them " : "in many ways, most often "
        let andLost = lost.blocks > 0 ? "; \(Units.grouped(lost.blocks)) more are lost" : ""
        return "Alive: \(amount(alive))\(root.map { ", \(most)through \($0)" } ?? "")\(andLost)."
    }

    /// Each way in two lines: how many are reached by it and from where; through what.
    private func wayLines(fitting: Int) -> [String] {
        if isOne, let path = findings.paths.first?.example {
            let root = paths.root(path) ?? "a place that is not known"
            return ["  \(root)"] + (path.steps.isEmpty ? [] : ["    -> " + paths.steps(path)])
        }
        var lines: [String] = []
        var shown = 0
        for (number, path) in findings.paths.enumerated() {
            if shown > 0, lines.count + 2 > fitting { break }
            let place = TerminalText.padded("\(number + 1)", to: 3, right: true)
            let about = findings.sampledEvery > 1 ? "~" : ""
            let count = TerminalText.padded("\(about)\(Units.grouped(path.count)) x", to: 10, right: true)
            lines.append("\(place)\(count)  \(paths.root(path.example) ?? "a place that is not known")")
            if !path.example.steps.isEmpty { lines.append(WhyReport.indent + "-> " + paths.steps(path.example)) }
            shown += 1
        }
        let left = findings.paths.count - shown
        if left > 0 { lines.append("     and \(Units.counted(left, "other way")) (--limit 0 shows all)") }
        return lines
    }

    /// For an address: every word that points to it; for what is lost, what can be said of who held it.
    private var holderLines: [String] {
        var lines: [String] = []
        if let block = findings.block, block.fate != .none, !block.holders.isEmpty {
            lines.append("points to it:")
            lines += block.holders.prefix(WhyReport.holdersShown).map { "  " + text($0) }
            let left = block.holders.count - WhyReport.holdersShown
            if left > 0 {
                let atLeast = block.holders.count == AskedBlock.holderLimit ? "at least " : ""
                lines.append("  and \(atLeast)\(Units.counted(left, "other word"))")
            }
        }
        if findings.lost.blocks > 0, findings.block?.holders.isEmpty ?? true {
            let whom = isOne ? "it" : findings.alive.blocks > 0 ? "the lost ones" : "them"
            lines.append("who held \(whom) last is not known: that pointer is gone, and nothing recorded it")
        }
        if !findings.weakHolders.isEmpty {
            lines.append("weak references to it, which do not keep it alive:")
            lines += findings.weakHolders.prefix(WhyReport.holdersShown).map { "  " + text($0) }
        } else if findings.hasWeakReferences {
            lines.append("weak references to it exist; they do not keep it alive")
        }
        return lines
    }

    private func text(_ holder: Holder) -> String {
        let target = holder.offset == 0 ? "" : " (into it, at byte \(holder.offset))"
        if let block = holder.block {
            let at = holder.address.map { "+\($0 &- block)" } ?? ""
            return "block \(Address(block))\(at)\(target)"
        }
        // The way from a root says more of the root than the word alone.
        let known = findings.paths.compactMap(\.example.root).first {
            $0.address != nil && $0.address == holder.address
        }
        return paths.root(known ?? RootPlace(kind: holder.root ?? .anonymous, address: holder.address)) + target
    }

    private var isOne: Bool { findings.alive.blocks + findings.lost.blocks == 1 }

    private var holdLines: [String] {
        var lines: [String] = []
        if findings.holds.blocks > 0 {
            let kinds = findings.holdsKinds.map { kind in
                let name = TerminalText.escaped(TypeText.plain(kind.name))
                return kind.blocks == 1 ? name : "\(Units.grouped(kind.blocks)) x \(name)"
            }
            let whose = isOne ? "it leads to" : findings.lost.blocks > 0 ? "the lost ones lead to" : "they lead to"
            lines.append(
                "\(whose) \(Units.bytes(findings.holds.bytes)) in \(Units.counted(findings.holds.blocks, "block")): "
                    + kinds.joined(separator: ", "))
        }
        if !findings.similar.isEmpty {
            lines.append("types whose names contain it:")
            lines += findings.similar.map { "  " + TerminalText.escaped($0) }
        }
        return lines
    }

    private var facts: [String] { look.facts(exact: findings.exact, findings.gaps) }

    /// One command to go on with, for whoever sits at a terminal.
    private func next(_ style: TextStyle) -> [String] {
        guard style.isTerminal else { return [] }
        let pid = look.subject
        let line: String
        if case .type = findings.question, let address = findings.paths.first?.example.steps.last?.address {
            line = "next: nusu why \(pid) \(Address(address))      one of them: every word that points to it"
        } else if let type = findings.similar.first {
            line = "next: nusu why \(pid) \(WhyPathText.argument(type))"
        } else if findings.lost.blocks > 0 {
            line = "next: nusu leaks \(pid)      everything that is lost"
        } else {
            line = "next: nusu heap \(pid)      what else is alive, and who keeps most"
        }
        return [style.fit(line)]
    }
}
