import Analysis
import Model

extension MapsReport {
    private static let lineLimit = 25
    private static let gapBytes: UInt64 = 64 << 30

    /// The report for people. `isAll`: a line for each region instead of one for each kind.
    package func text(isAll: Bool, _ style: TextStyle) -> String {
        let layout = MapsLayout(style, hasFigures: space.total != nil)
        var lines = [style.strong(style.fit(headline(isShort: layout.isNarrow))), ""]
        if let growth { lines += growthLines(growth).map(style.fit) + [""] }
        let closing = closingLines.flatMap { TextWrap.remark($0, style) }
        let next = style.isTerminal ? [style.fit(self.next)] : []
        lines.append(style.faint(style.fit(layout.head(isAll: isAll))))
        if isAll {
            lines += space.regions.indices.reversed().map { style.fit(line(space.regions[$0], layout)) }
        } else {
            let room = MapsReport.lineLimit - lines.count - closing.count - next.count - 3
            lines += rows(fitting: room, layout).map(style.fit)
        }
        lines.append(style.faint(style.fit(totalLine(isAll: isAll, layout))))
        lines += closing.map { style.faint(style.fit($0)) }
        lines += ["", style.fit(sentence(isShort: layout.isNarrow))]
        return (lines + next).joined(separator: "\n") + "\n"
    }

    // MARK: - Line 1

    private func headline(isShort: Bool) -> String {
        let count = Units.counted(space.regions.count, "region")
        let guardWord =
            writableCode.isEmpty
            ? "None is" : "\(Units.grouped(writableCode.count)) \(writableCode.count == 1 ? "is" : "are")"
        // Where there is little room, what is as it should be is not said.
        let warning =
            switch (isShort, writableCode.isEmpty) {
            case (true, true): ""
            case (true, false):
                " \(Units.counted(writableCode.count, "region")) \(writableCode.count == 1 ? "is" : "are") write + run!"
            case (false, let isNone): " \(guardWord) both writable and executable\(isNone ? "." : " (!).")"
            }
        guard let total = space.total else {
            let most = largest { $0.reserved }.map { ", most of it \($0.0)" } ?? ""
            return "\(Units.bytes(space.reservedBytes)) of addresses in \(count)\(most).\(warning)"
        }
        let resident =
            "\(Units.bytes(total.resident)) of \(Units.bytes(space.reservedBytes)) in memory\(isShort ? "" : ", \(count)")"
        guard let (name, bytes) = largest({ $0.use?.resident ?? 0 }), let share = Units.share(bytes, of: total.resident)
        else { return "\(resident).\(warning)" }
        return "\(resident): \(share) is \(name).\(warning)"
    }

    /// The broadest answer to where it is.
    private func largest(_ bytes: (RegionGroup) -> UInt64) -> (String, UInt64)? {
        var sums: [String: UInt64] = [:]
        for group in groups { sums[MapsReport.theme(group), default: 0] &+= bytes(group) }
        let most = sums.max { ($0.value, $1.key) < ($1.value, $0.key) }
        return most.flatMap { $0.value > 0 ? ($0.key, $0.value) : nil }
    }

    private static func theme(_ group: RegionGroup) -> String {
        switch group.subject {
        case .program: "the program"
        case .libraryCode, .libraryData: "libraries"
        case .threadStacks, .threadLocal: "thread stacks"
        case .other(let kind, _):
            switch kind {
            case .mainHeap, .threadArena, .mappedBlock: "heap"
            case .mainStack: "the stack of main"
            case .sharedMemory: "shared memory"
            case .mappedFile: "mapped files"
            case .generatedCode: "code made at run time"
            case .kernel: "the kernel's"
            case .device: "devices"
            case .reserved: "kept free"
            default: "other anonymous memory"
            }
        }
    }

    // MARK: - Rows

    /// Groups from high to low, the smallest folded where they do not fit, with the great gaps between.
    private func rows(fitting limit: Int, _ layout: MapsLayout) -> [String] {
        let gaps = self.gaps
        let room = max(6, limit - gaps.count)
        var shown = groups
        var folded: [RegionGroup] = []
        if shown.count > room {
            let order = shown.sorted { (weight($0), $0.highest) > (weight($1), $1.highest) }
            let kept = Set(order.prefix(room - 1).map(\.subject))
            folded = shown.filter { !kept.contains($0.subject) }
            shown.removeAll { !kept.contains($0.subject) }
        }
        let scale = groups.map { $0.use?.resident ?? 0 }.max() ?? 0
        var result: [String] = []
        var pending = gaps[...]
        for group in shown {
            while let gap = pending.first, group.highest <= gap.lower {
                result.append("      .  .  .  gap of \(Units.bytes(gap.count))  .  .  .")
                pending = pending.dropFirst()
            }
            result.append(row(group, scale, layout))
        }
        if !folded.isEmpty {
            let use = folded.reduce(UInt64(0)) { $0 &+ ($1.use?.resident ?? 0) }
            let reserved = folded.reduce(UInt64(0)) { $0 &+ $1.reserved }
            result.append(
                "  " + layout.address("") + "  " + layout.sizes(use, reserved) + "  " + layout.bar(nil, of: scale)
                    + layout.may("") + "\(Units.counted(folded.count, "smaller kind")) (--all)")
        }
        return result
    }

    /// The program's own parts stay, however small: that is what one looks for.
    private func weight(_ group: RegionGroup) -> UInt64 {
        switch group.subject {
        case .program: .max
        case .threadStacks, .other(.mainStack, _), .other(.mainHeap, _): .max
        default: max(group.use?.resident ?? group.reserved, group.permissions.contains([.write, .execute]) ? .max : 0)
        }
    }

    private func row(_ group: RegionGroup, _ scale: UInt64, _ layout: MapsLayout) -> String {
        // An address of one region; of several there is none to go to.
        let isOne = group.regions.count == 1 || [.mainHeap, .kernel].contains(group.kind)
        return "  " + (isOne ? layout.address(group.lowest) : layout.address("")) + "  "
            + layout.sizes(group.use?.resident, group.reserved) + "  " + layout.bar(group.use?.resident, of: scale)
            + layout.may(group.permissions) + RegionText.name(group, in: space) + swapped(group.use)
    }

    private func line(_ region: Region, _ layout: MapsLayout) -> String {
        "  " + layout.address(region.range.lower) + " " + layout.address(region.range.upper) + "  "
            + layout.sizes(region.use?.resident, region.range.count) + "  " + layout.may(region.permissions)
            + RegionText.name(region, in: space) + swapped(region.use)
    }

    private func swapped(_ use: Region.Use?) -> String {
        guard let use, use.swapped > 0 else { return "" }
        return "; \(Units.bytes(use.swapped)) swapped out"
    }

    /// Great stretches with nothing mapped, from high to low; what the kernel has far above belongs to no process.
    private var gaps: [AddressRange] {
        zip(space.regions, space.regions.dropFirst())
            .map { AddressRange($0.range.upper, $1.range.lower) }
            .filter { $0.count >= MapsReport.gapBytes && $0.upper <= RegionGroup.userSpaceEnd }
            .reversed().map { $0 }
    }

    private func totalLine(isAll: Bool, _ layout: MapsLayout) -> String {
        let label = isAll ? layout.address("") + " " + layout.address("") + "  " : "low addresses "
        var line = "  " + label + layout.sizes(space.total?.resident, space.reservedBytes)
        if let total = space.total {
            line +=
                "  \(layout.isNarrow ? "PSS" : "proportional") \(Units.bytes(total.proportional)), "
                + "dirty \(Units.bytes(total.dirty)), swapped \(MapsLayout.size(total.swapped))"
        }
        return line
    }

    // MARK: - The end

    private var closingLines: [String] {
        var lines: [String] = []
        if space.changedBytes != 0 {
            let bytes = Units.bytes(space.changedBytes.magnitude)
            lines.append(
                "\(bytes) \(space.changedBytes > 0 ? "went" : "came") while it was read: the rows add up to that much \(space.changedBytes > 0 ? "less" : "more")"
            )
        }
        for region in writableCode.prefix(2) {
            lines.append(
                "! \(Address(region.range.lower)) may be written and run: what overflows into it can become code "
                    + "(\(RegionText.name(region, in: space)))")
        }
        for gap in space.gaps.prefix(3) {
            let remedy = gap.remedy.map { "; \($0)" } ?? ""
            lines.append("not seen: \(TerminalText.escaped("\(gap.what): \(gap.reason)\(remedy)"))")
        }
        if space.gaps.count > 3 {
            lines.append("not seen: \(Units.counted(space.gaps.count - 3, "other thing")) (--json)")
        }
        return lines
    }

    private func growthLines(_ growth: AddressSpaceGrowth) -> [String] {
        let span = Units.span(growth.seconds)
        guard !growth.grown.isEmpty else {
            return ["  in \(span) nothing grew by \(Units.bytes(AddressSpaceGrowth.leastBytes)) or more"]
        }
        var lines = ["  grew in \(span):"]
        for grown in growth.grown.prefix(5) {
            let bytes = TerminalText.padded("+" + Units.bytes(UInt64(grown.residentBytes)), to: 11, right: true)
            lines.append("  \(bytes)  \(RegionText.name(grown.group, in: space))")
        }
        if growth.grown.count > 5 {
            lines.append("               and \(Units.grouped(growth.grown.count - 5)) more (--json)")
        }
        return lines
    }

    private func sentence(isShort: Bool) -> String {
        (isShort ? "" : "Virtual addresses: every process has its own. ")
            + "nusu maps \(subject) ADDRESS: what lies there."
    }

    private var next: String {
        if let region = writableCode.first {
            return "next: nusu maps \(subject) \(Address(region.range.lower))      what is writable and executable"
        }
        if space.facts.source.path != nil { return "next: nusu maps \(subject) --all      a line for each region" }
        return "next: nusu heap \(subject)      what is alive in the heap, and who keeps it"
    }
}
