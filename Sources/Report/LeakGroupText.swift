import Analysis
import Model

/// One group of the report as lines: size, count, what it is in plain words, its name at the right; below, what hangs
/// from it and what to do.
struct LeakGroupText {
    let group: LeakGroup
    let number: Int
    let options: LeakReport.Options
    let style: TextStyle
    /// What the process has open; nil where that was not asked, or may not be seen.
    var descriptors: DescriptorTable?

    var lines: [String] {
        var details: [String] = []
        if !group.cycle.isEmpty { details.append(TerminalText.escaped(group.shortRingText)) }
        if group.held.blocks > 0 { details.append(held) }
        details.append(advice)
        if !group.descriptors.isEmpty { details.append(owned) }
        if let stackHeld = group.stackHeldText { details.append(stackHeld) }
        if options.addresses { details += addressLines }
        let tree = group.tree.map { HeldTreeText(tree: $0, group: group).lines } ?? []
        return [first] + (details.map { LeakGroupText.indent + $0 } + tree).map(style.fit)
    }

    private static let indent = String(repeating: " ", count: 15)

    private var first: String {
        let place = TerminalText.padded("\(number)", to: 3, right: true)
        let size = TerminalText.padded(Units.bytes(group.totalBytes), to: 10, right: true)
        let count = TerminalText.padded("\(Units.grouped(group.count)) x", to: 10, right: true)
        let line = "\(place) \(size) \(count)  \(what)"
        // The name stands at the right edge of the screen; a long line gives way to it, on a terminal only.
        let edge = min(style.width ?? TextStyle.columns, TextStyle.columns)
        let room = edge - group.signature.utf8.count - 2
        let cut = style.width == nil ? line : TerminalText.cut(line, to: room)
        return "\(TerminalText.padded(cut, to: room))  \(style.faint(group.signature))"
    }

    /// What it is in one line: the way around a ring, else its kind, type and size.
    var title: String { group.cycle.isEmpty ? what : "retain cycle " + TerminalText.escaped(group.shortRingText) }

    private var what: String {
        let bytes = Units.counted(Int(clamping: group.largestSize), "byte")
        let size = group.size == group.largestSize ? bytes : "\(Units.grouped(Int(clamping: group.size))) to \(bytes)"
        let type = group.type.map { TerminalText.escaped(TypeText.plain($0)) }
        switch group.kind {
        case .definite: return type.map { "lost \($0) of \(size)" } ?? "lost block of \(size), no type"
        case .cycle:
            if group.certainty == .certain { return "retain cycle, certain" }
            if type != nil, !group.cycle.isEmpty { return "retain cycle" }
            return type.map { "cycle of \($0), \(size)" } ?? "cycle of blocks, first of \(size), no type"
        case .overRetained:
            let name = type ?? "object of \(size)"
            guard let references = group.references else { return "\(name), over-retained" }
            return "\(name), over-retained: \(Units.counted(references.counted, "reference")) counted, "
                + "\(references.found) \(references.found == 1 ? "exists" : "exist")"
        case .possible: return type.map { "perhaps lost \($0) of \(size)" } ?? "perhaps lost block of \(size), no type"
        }
    }

    private var held: String {
        // Leaders of a group mostly hold the same: then what one holds says more than the sum.
        let divisor = group.heldKinds.allSatisfy { $0.blocks % group.count == 0 } ? group.count : 1
        let amount =
            "\(Units.bytes(group.held.bytes / UInt64(divisor))) in "
            + Units.counted(group.held.blocks / divisor, "block")
        let kinds = group.heldKinds.map { kind in
            let name = TerminalText.escaped(group.withoutModule(TypeText.plain(kind.name)))
            let blocks = kind.blocks / divisor
            return blocks == 1 ? name : "\(Units.grouped(blocks)) x \(name)"
        }
        let whose = group.count == 1 ? "holds" : divisor == 1 ? "together they hold" : "each holds"
        return "\(whose) \(amount): \(kinds.joined(separator: ", "))"
    }

    private var advice: String {
        let points = group.pointsTo.map { "points to: \(TerminalText.escaped($0)). " } ?? ""
        switch group.kind {
        case .definite: return points + "Overwritten or never freed."
        case .cycle:
            if let place = group.breakAt { return "break it: " + TerminalText.escaped(group.withoutModule(place)) }
            return points + "They hold only each other: make one of the references weak, or clear it."
        case .overRetained: return "An unbalanced passRetained, or a release that C code forgot."
        case .possible: return points + "Only pointers into the middle of it are left."
        }
    }

    private var owned: String {
        let all = group.descriptors
        func what(_ numbers: [Int32]) -> String {
            DescriptorText.summary(numbers, in: descriptors, isCounted: numbers.count < all.count)
        }
        var parts = group.owners.map { "\(what($0.numbers)), by \(TerminalText.escaped($0.text))" }
        if !group.streams.isEmpty {
            parts.append("\(what(group.streams)), through \(group.streams.count == 1 ? "a FILE" : "FILEs")")
        }
        let left = parts.count - LeakGroupText.ownersShown
        let shown = parts.prefix(LeakGroupText.ownersShown).joined(separator: "; ") + (left > 0 ? "; …" : "")
        return all.count == 1
            ? "owns descriptor \(all[0]): \(shown)" : "owns \(Units.grouped(all.count)) descriptors: \(shown)"
    }

    private static let ownersShown = 2

    /// As many to a line as fit, for pasting into a debugger.
    private var addressLines: [String] {
        var lines: [String] = []
        var line = ""
        for address in group.addresses.map({ Address($0).description }) {
            if line.utf8.count + address.utf8.count + 1 > TextStyle.columns - LeakGroupText.indent.utf8.count {
                lines.append(line)
                line = ""
            }
            line += line.isEmpty ? address : " " + address
        }
        let rest = group.count - group.addresses.count
        if rest > 0 { line += " and \(Units.grouped(rest)) more" }
        return line.isEmpty ? lines : lines + [line]
    }
}

extension LeakGroup {
    /// What else may be lost: "1 more is held only by words on stacks or in registers"; nil where nothing is.
    var stackHeldText: String? {
        guard stackHeld > 0 else { return nil }
        let verb = stackHeld == 1 ? "is" : "are"
        return "\(Units.grouped(stackHeld)) more \(verb) held only by words on stacks or in registers"
    }
}
