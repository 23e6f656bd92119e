package import Analysis
package import Model

/// What `nusu maps TARGET ADDRESS` says: what lies there, down to the symbol and the page.
package struct AddressReport: Sendable {
    package var space: AddressSpace
    package var address: UInt64
    /// nil where no file has a name for it.
    package var symbol: Symbol?
    /// nil where the kernel does not tell.
    package var page: PageFacts?

    package init(space: AddressSpace, address: UInt64, symbol: Symbol?, page: PageFacts?) {
        self.space = space
        self.address = address
        self.symbol = symbol
        self.page = page
    }

    private var region: Region? { space.index(at: address).map { space.regions[$0] } }
    private var subject: String { space.facts.corePath.map(TerminalText.shellWord) ?? "\(space.facts.process.pid)" }

    // MARK: - JSON

    /// The document of schema nusu.maps/1 with `address` in place of all regions.
    package func json() -> String {
        var fields = MapsReport.head(space)
        var answer: [String: JSONValue] = [
            "value": .string(Address(address).description), "mapped": JSONValue(region != nil), "region": .null,
            "section": .null, "symbol": .null, "symbolOffset": .null, "page": .null, "fileOffset": .null,
        ]
        if let region {
            answer["region"] = MapsReport.json(region, in: space)
            answer["section"] = JSONValue(space.section(at: address, in: region)?.name)
            let mapping = space.facts.mappings[region.mapping].mapping
            if mapping.isFileBacked {
                answer["fileOffset"] = JSONValue(mapping.fileOffset &+ (address - mapping.range.lower))
            }
        }
        if let symbol {
            answer["symbol"] = .string(symbol.name)
            answer["symbolOffset"] = JSONValue(symbol.offset)
        }
        if let page {
            answer["page"] = .object([
                "state": .string(AddressReport.state(page)), "frame": JSONValue(page.frame),
                "timesMapped": JSONValue(page.timesMapped),
            ])
        }
        fields["address"] = .object(answer)
        return JSONValue.object(fields).document()
    }

    private static func state(_ page: PageFacts) -> String {
        if page.state.contains(.zero) { return "zero" }
        if page.state.contains(.present) { return "resident" }
        return page.state.contains(.swapped) ? "swapped" : "untouched"
    }

    // MARK: - Text

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
        if let use = region.use {
            let swapped = use.swapped > 0 ? ", \(Units.bytes(use.swapped)) swapped out" : ""
            lines.append(
                (
                    "",
                    use.resident == 0 && use.swapped == 0
                        ? "nothing of it in memory"
                        : "\(Units.bytes(use.resident)) of it in memory, \(Units.bytes(use.dirty)) dirty\(swapped)"
                ))
        }
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
        if region.kind == .mappedBlock {
            lines.append(
                ("block", "one block of malloc, \(address &- region.range.lower) bytes behind its header's start"))
        }
        lines.append(("page", pageText(mapping)))
        lines += space.gaps.prefix(2).map { ("not seen", TerminalText.escaped("\($0.what): \($0.reason)")) }
        var result = [style.strong(style.fit("\(Address(address)): \(headline(region)).")), ""]
        result += lines.map { style.fit("  \(TerminalText.padded($0.0, to: 10)) \($0.1)") }
        result += [""] + TextWrap.lines(sentence(region, mapping), width: TextStyle.columns, indent: "").map(style.fit)
        if style.isTerminal { result.append(style.fit(next(region))) }
        return result.joined(separator: "\n") + "\n"
    }

    private func headline(_ region: Region) -> String {
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
        let isHeap = [.mainHeap, .threadArena, .mappedBlock].contains(region.kind)
        guard isHeap, space.facts.corePath == nil else {
            return "next: nusu maps \(subject)      all of the address space"
        }
        return "next: nusu why \(subject) \(Address(address))      which block it is, and who keeps it"
    }
}
