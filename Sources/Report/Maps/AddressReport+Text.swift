import Analysis
import Model

extension AddressReport {
    package func text(_ style: TextStyle) -> String {
        guard let region else { return nothing(style) }
        let mapping = space.facts.mappings[region.mapping].mapping
        var lines: [(String, String)] = []
        let range = "\(String(region.range.lower, radix: 16))-\(String(region.range.upper, radix: 16))"
        lines.append(
            (
                "region",
                "\(range), \(Units.bytes(region.range.count)); the program may \(RegionText.mayDo(region.permissions))"
            ))
        // Where the first line names something smaller.
        let whole = heap?.place == nil && symbol == nil ? [] : [RegionText.name(region, in: space)]
        let figures = (whole + [useText(region)].compactMap { $0 }).joined(separator: "; ")
        if !figures.isEmpty { lines.append(("", figures)) }
        if region.isWritableCode {
            lines.append(("", "! writable and executable: what overflows into it can become code"))
        }
        if !mapping.nameBytes.isEmpty { lines.append(("mapping", mappingText(mapping))) }
        if let section = space.section(at: address, in: region), let module = region.module {
            let offset = address &- space.facts.modules[module].bias &- section.range.lower
            lines.append(
                ("section", "\(TerminalText.escaped(section.name))+\(offset), of \(Units.bytes(section.range.count))"))
        }
        if let symbol { lines.append(("symbol", SymbolText.place(symbol))) }
        if let stack = stackText(region) { lines.append(("stack", stack)) }
        if let block = blockText(region) { lines.append(("block", block)) }
        lines.append(("page", pageText(mapping)))
        if let snapshot = heap?.snapshot { lines.append(("look", lookText(snapshot))) }
        for gap in (gaps + space.gaps).prefix(2) {
            let remedy = gap.remedy.map { "; \($0)" } ?? ""
            lines.append(("not seen", TerminalText.escaped("\(gap.what): \(gap.reason)\(remedy)")))
        }
        var result = [style.strong(style.fit(headline(region))), ""]
        let columns = min(style.width ?? TextStyle.columns, TextStyle.columns)
        result += lines.flatMap { AddressReport.wrapped($0.0, $0.1, columns) }.map(style.fit)
        result += [""] + TextWrap.lines(sentence(region, mapping), width: columns).map(style.fit)
        if style.isTerminal { result.append(style.fit(next(region))) }
        return result.joined(separator: "\n") + "\n"
    }

    private static func wrapped(_ label: String, _ text: String, _ columns: Int) -> [String] {
        let head = "  \(TerminalText.padded(label, to: 10)) "
        // A path stays as it is.
        guard TerminalText.width(head + text) > columns, label != "mapping" else { return [head + text] }
        let indent = String(repeating: " ", count: TerminalText.width(head))
        let lines = TextWrap.lines(text, width: columns, indent: indent)
        return lines.enumerated().map { $0 == 0 ? head + $1.dropFirst(indent.count) : $1 }
    }

    private func useText(_ region: Region) -> String? {
        guard let use = region.use else { return nil }
        if use.resident == 0, use.swapped == 0 { return "nothing of it in memory" }
        let swapped = use.swapped > 0 ? ", \(Units.bytes(use.swapped)) swapped out" : ""
        return "\(Units.bytes(use.resident)) of it in memory, \(Units.bytes(use.dirty)) dirty\(swapped)"
    }

    private func headline(_ region: Region) -> String {
        if let place = heap?.place { return "\(Address(address)) is \(placeHeadline(place))." }
        return "\(Address(address)): \(place(region))."
    }

    private func place(_ region: Region) -> String {
        if let symbol {
            let what = symbol.isFunction ? "function" : "variable"
            return "\(what) \(SymbolText.place(symbol)), \(RegionText.short(region.kind))"
        }
        return RegionText.name(region, in: space)
    }

    private func nothing(_ style: TextStyle) -> String {
        let (below, above) = space.neighbours(of: address)
        var lines = [
            style.strong(
                style.fit("\(Address(address)): nothing is mapped there; touching it ends the program (SIGSEGV).")), "",
        ]
        if let above {
            lines.append(
                "  above      \(RegionText.name(above, in: space)), \(Units.bytes(above.range.lower - address)) away")
        }
        if let below {
            lines.append(
                "  below      \(RegionText.name(below, in: space)), \(Units.bytes(address - below.range.upper)) away")
        }
        if style.isTerminal { lines += ["", "next: nusu maps \(subject)      what is mapped, and where"] }
        return lines.map(style.fit).joined(separator: "\n") + "\n"
    }

    private func mappingText(_ mapping: Mapping) -> String {
        var text = TerminalText.escaped(mapping.nameBytes)
        if mapping.isFileBacked {
            text +=
                ", byte \(Units.grouped(Int(clamping: mapping.fileOffset &+ (address - mapping.range.lower)))) of it"
        }
        return text + (mapping.permissions.contains(.shared) ? ", shared" : "")
    }

    private func stackText(_ region: Region) -> String? {
        let tid = region.kind == .mainStack ? space.facts.process.pid : region.thread
        guard region.kind == .mainStack || region.kind == .threadStack, let tid,
            let pointer = space.thread(tid)?.stackPointer, region.range.contains(pointer)
        else { return nil }
        let distance = address >= pointer ? address - pointer : pointer - address
        return address >= pointer
            ? "in use: \(Units.bytes(distance)) above the thread's stack pointer"
            : "not in use: \(Units.bytes(distance)) below the thread's stack pointer"
    }

    private func pageText(_ mapping: Mapping) -> String {
        guard let page else { return "not known" }
        if mapping.isKernelProvided, !page.state.contains(.present) {
            return "the kernel's own, which it counts for nobody"
        }
        if mapping.permissions.isDisjoint(with: [.read, .write, .execute]), page.state.isEmpty {
            return "none: nobody may touch it"
        }
        if page.state.contains(.guarded) { return "a guard, whatever the mapping allows: who touches it gets SIGSEGV" }
        if page.state.contains(.zero) { return "the page of zeros, which all share until they write" }
        if page.state.contains(.swapped), !page.state.contains(.present) {
            return "swapped out; the next touch brings it in"
        }
        guard page.state.contains(.present) else {
            return mapping.isFileBacked
                ? "not in this process's page table; the next touch takes it from the file"
                : "never touched, or given back"
        }
        var text = "in memory, " + origin(page, mapping)
        if let frame = page.frame {
            text += "; frame 0x\(String(frame, radix: 16))"
            if let times = page.timesMapped {
                text += times == 1 ? ", mapped once" : ", mapped \(Units.grouped(Int(clamping: times))) times"
            }
        } else {
            text += "; which frame the kernel tells only with CAP_SYS_ADMIN"
        }
        return text
    }

    private func origin(_ page: PageFacts, _ mapping: Mapping) -> String {
        guard page.state.contains(.file) else { return "its own, no file's" }
        return mapping.permissions.contains(.shared) ? "a page of the shared object" : "a page of the file"
    }

    /// Why the same address elsewhere is, or is not, the same memory.
    private func sentence(_ region: Region, _ mapping: Mapping) -> String {
        if mapping.permissions.contains(.shared) {
            return "Shared: whoever has this object mapped sees the same frames, at whatever address it has them."
        }
        if page?.state.contains(.file) == true
            || (page == nil && mapping.isFileBacked && !mapping.permissions.contains(.write))
        {
            return "All that map this file read this very frame, at addresses of their own; who writes gets a copy."
        }
        return "The same address in another process goes through that process's own page table, to another frame."
    }

    private func next(_ region: Region) -> String {
        let isHeap = Region.Kind.ofMalloc.contains(region.kind)
        guard isHeap || heap?.place != nil, !space.facts.source.isCore, heap?.place?.fate != .free,
            heap != nil || gaps.isEmpty
        else {
            return "next: nusu maps \(subject)      all of the address space"
        }
        let question = heap?.place?.fate == .lost ? "what it took with it, and what points to it" : "who keeps it"
        return "next: nusu why \(subject) \(Address(heap?.place?.start ?? address))      \(question)"
    }
}
