import Analysis
import Model

extension MemoryReport {
    private static let lineLimit = 25
    private static let labelWidth = 24
    private static let sizeWidth = 11
    private static let barWidth = 25
    private static let ownersShown = 2
    /// Smaller parts are told together: of this many to one.
    private static let smallestShown: UInt64 = 400

    /// A line of the table: one part, or parts that people do not tell apart.
    private struct Row {
        var label: String
        var bytes: UInt64
        var note = ""
        var details: [String] = []
        /// Shown however small it is.
        var isKept = false
    }

    /// The report for people: the answer in line 1, at most 25 lines.
    package func text(_ style: TextStyle) -> String {
        var closing: [String] = []
        if let changed { closing.append(changed) }
        closing.append(String(repeating: " ", count: MemoryReport.labelWidth + 2) + String(repeating: "-", count: 13))
        closing.append(total)
        if let line = group?.line { closing.append(line) }
        let reasons = sentences(style)
        if !reasons.isEmpty { closing += [""] + reasons }
        closing =
            closing.map(style.fit) + [""]
            + facts.flatMap { TextWrap.remark($0, style).map { style.faint(style.fit($0)) } }
        if style.isTerminal { closing.append(style.fit(next)) }
        let lines = [style.strong(style.fit(headline)), ""]
        let table = table(fitting: MemoryReport.lineLimit - lines.count - closing.count).map(style.fit)
        return (lines + table + closing).joined(separator: "\n") + "\n"
    }

    // MARK: - The table

    private var rows: [Row] {
        let bytes = findings.bytes
        var rows = [
            Row(label: "in use by the program", bytes: bytes(.heapInUse), details: ownerDetails),
            Row(label: "free, kept by malloc", bytes: bytes(.heapFree), details: freeDetails),
            Row(label: "lost", bytes: bytes(.heapLost), note: "nusu leaks \(subject)", isKept: true),
            Row(label: "malloc's bookkeeping", bytes: bytes(.heapBookkeeping)),
            Row(label: "heap, not looked into", bytes: bytes(.heapUnread)),
            Row(label: "code", bytes: bytes(.programCode) + bytes(.libraryCode) + bytes(.kernel), note: codeNote),
            Row(label: "program, library data", bytes: bytes(.programData) + bytes(.libraryData)),
            Row(label: "thread stacks", bytes: bytes(.stacks), note: stackNote),
            Row(label: "code made at run time", bytes: bytes(.generatedCode)),
            Row(label: "other anonymous", bytes: bytes(.anonymous)),
            Row(label: "shared memory", bytes: bytes(.shared), note: with.map { "with \($0)" } ?? ""),
            Row(label: "mapped files", bytes: bytes(.filesClean) + bytes(.filesDirty), note: filesNote),
        ]
        rows.removeAll { $0.bytes == 0 }
        return rows.sorted { $0.bytes > $1.bytes }
    }

    /// The rows with what belongs to them; those that are small, or that do not fit, as one.
    private func table(fitting: Int) -> [String] {
        let rows = rows
        var shown = rows.filter { $0.isKept || $0.bytes >= findings.kernelBytes / MemoryReport.smallestShown }
        if rows.count - shown.count < 2 { shown = rows }
        func lineCount() -> Int {
            shown.reduce(shown.count < rows.count ? 1 : 0) { $0 + 1 + $1.details.count }
        }
        while shown.count > 1, lineCount() > fitting { shown.removeLast() }
        var lines: [String] = []
        for row in shown {
            lines.append(line(row))
            for (number, detail) in row.details.enumerated() {
                lines.append((number == 0 ? "     of it: " : "            ") + detail)
            }
        }
        if shown.count < rows.count {
            let bytes = rows.reduce(0) { $0 + $1.bytes } - shown.reduce(0) { $0 + $1.bytes }
            lines.append(
                line(Row(label: Units.counted(rows.count - shown.count, "smaller part"), bytes: bytes, note: "--json")))
        }
        return lines
    }

    private func line(_ row: Row) -> String {
        let share = Units.percent(row.bytes, of: findings.kernelBytes)
        let bar = String(repeating: "#", count: MemoryReport.marks(row.bytes, of: findings.kernelBytes))
        let note = row.note.isEmpty ? "" : TerminalText.padded(bar, to: 6) + "  " + row.note
        let line = column(row.label, row.bytes) + " " + TerminalText.padded(share, to: 5, right: true) + "  "
        let end = note.isEmpty ? bar : note
        return end.isEmpty ? String(line.trimmingBlanks) : line + end
    }

    private static func marks(_ part: UInt64, of whole: UInt64) -> Int {
        whole == 0 ? 0 : Int((Double(part) / Double(whole) * Double(barWidth)).rounded())
    }

    private func column(_ label: String, _ bytes: UInt64) -> String {
        "  " + TerminalText.padded(label, to: MemoryReport.labelWidth)
            + TerminalText.padded(
                Units.fixed(bytes, like: findings.kernelBytes), to: MemoryReport.sizeWidth, right: true)
    }

    private var ownerDetails: [String] {
        guard findings.bytes(.heapInUse) >= findings.kernelBytes / 50 else { return [] }
        let least = findings.bytes(.heapInUse) / 20
        return findings.owners.filter { ($0.residentBytes ?? $0.retained.bytes) > least }
            .prefix(MemoryReport.ownersShown).map { owner in
                let size = Units.bytes(owner.residentBytes ?? owner.retained.bytes)
                let name = paths.root(owner.path) ?? "a block of no name"
                return "\(size) in \(Units.counted(owner.retained.blocks, "block")) kept by \(name)"
            }
    }

    private var freeDetails: [String] {
        guard let heap = findings.heap, findings.bytes(.heapFree) >= findings.kernelBytes / 50 else { return [] }
        let total = heap.total
        var parts: [String] = []
        if heap.pinning.blocks > 0, heap.pinnedBytes > 0 {
            parts.append("pinned by \(Units.counted(heap.pinning.blocks, "block")) \(Units.bytes(heap.pinnedBytes))")
        }
        let trimmed = heap.trimmableBytes
        parts.append("malloc_trim would return \(trimmed == 0 ? "nothing" : Units.bytes(trimmed))")
        if total.threadCaches > total.free / 100 { parts.append("threads' caches \(Units.bytes(total.threadCaches))") }
        return [parts.joined(separator: "; ")]
    }

    private var codeNote: String {
        let program = findings.bytes(.programCode)
        return program == 0 ? "" : "program \(Units.bytes(program)), libraries the rest"
    }

    private var stackNote: String {
        "\(Units.counted(findings.stacks.threads, "thread")), \(Units.bytes(findings.stacks.reservedBytes)) reserved"
    }

    private var filesNote: String {
        let dirty = findings.bytes(.filesDirty)
        return dirty == 0 ? "clean" : "\(Units.bytes(dirty)) of it dirty"
    }

    /// Only where the process was at work between the readings.
    private var changed: String? {
        guard let part = findings.parts.first(where: { $0.kind == .changed }), part.bytes != 0 else { return nil }
        let size = Units.fixed(part.bytes.magnitude, like: findings.kernelBytes)
        let sign = part.bytes < 0 ? "-" : ""
        return "  " + TerminalText.padded("changed while reading", to: MemoryReport.labelWidth)
            + TerminalText.padded(sign + size, to: MemoryReport.sizeWidth, right: true)
    }

    private var total: String {
        var notes = ["= smaps", "PSS \(Units.bytes(findings.proportionalBytes))"]
        notes.append("swap \(findings.swapBytes == 0 ? "0" : Units.bytes(findings.swapBytes))")
        if let tables = pageTableBytes { notes.append("page tables \(Units.bytes(tables))") }
        if findings.hugePageBytes > 0 {
            let waste = findings.hugePageWasteBytes.map { ", \(Units.bytes($0)) of it never written" } ?? ""
            notes.append("huge pages \(Units.bytes(findings.hugePageBytes))\(waste)")
        }
        return column("resident", findings.kernelBytes) + "  " + notes.joined(separator: "; ")
    }

    // MARK: - Around it

    private func sentences(_ style: TextStyle) -> [String] {
        let columns = min(style.width ?? TextStyle.columns, TextStyle.columns)
        return [("  Why: ", evidence), ("  Helps: ", helps)].flatMap { label, sentences in
            sentences.flatMap { TextWrap.lines($0, width: columns - label.count) }.enumerated().map { number, line in
                (number == 0 ? label : String(repeating: " ", count: label.count)) + line
            }
        }
    }

    private var facts: [String] {
        if let look { return look.facts(exact: !findings.isTorn, findings.gaps) }
        return findings.gaps.map { gap in
            let remedy = gap.remedy.map { "; \(TerminalText.escaped($0))" } ?? ""
            return "not seen: \(TerminalText.escaped(gap.what)): \(TerminalText.escaped(gap.reason))\(remedy)"
        }
    }

    /// One command to go on with.
    private var next: String {
        switch verdict.kind {
        case .leak: "next: nusu leaks \(subject)      what is lost, in groups"
        case .cache where !grew && growth == nil: "next: nusu memory \(subject) --over 60s      does it keep growing"
        case .cache: "next: nusu heap \(subject) --over 60s      which types grow, and who holds them"
        case .fragmentation, .arenas: "next: nusu memory \(subject) --over 60s      does what malloc keeps grow"
        case .stacks, .files, .shared: "next: nusu maps \(subject)      every region, and what may be done in it"
        case .nothing: "next: nusu heap \(subject)      what is alive, by type, and who keeps it"
        }
    }
}

extension String {
    /// Without blanks at its end.
    fileprivate var trimmingBlanks: Substring {
        self[..<(lastIndex { $0 != " " }.map { index(after: $0) } ?? startIndex)]
    }
}
