package import Analysis
package import Model

/// Fields as the live screen shows them: narrower than in ps, with a unit at every size.
extension ProcessField {
    /// It belongs to the whole process: of one of several threads it is not known.
    package var isOfProcess: Bool { ProcessField.ofProcess.contains(key) }

    /// How long something was waited for, which the kernel counts only where it was told to.
    package var isOfDelays: Bool { key == "iodelay" || key == "swapdelay" }

    private static let ofProcess: Set<String> = [
        "vsz", "rss", "pmem", "sz", "pss", "swap", "locked", "oom", "oomadj", "nlwp", "rssrate",
    ]

    /// What is sorted, compared, and written to JSON.
    package func liveValue(_ row: ProcessRow) -> ProcessValue {
        row.isThread && isOfProcess ? .unknown : value(row)
    }

    /// What its column shows. Of a thread the number of its process is left out for its own, as it stands in the first column.
    package func liveText(_ row: ProcessRow) -> String {
        if row.isThread {
            if isOfProcess { return "" }
            if key == "pid" { return "\(row.number)" }
        }
        return switch (unit, value(row)) {
        // More than its column has room for.
        case (_, .integer(let count)) where key == "nlwp" && count >= 10_000: "\(count / 1000)k"
        case (.bytes, .integer(let bytes)): Units.short(Double(bytes))
        case (.bytesPerSecond, .number(let rate)): Units.short(rate)
        default: text(row)
        }
    }

    /// Cells of its column.
    package func liveWidth(_ context: ProcessContext) -> Int {
        let own: Int
        switch unit {
        case .bytes: own = 5
        case .bytesPerSecond: own = 7
        default: own = isProcessNumber ? max(5, context.numberWidth) : width
        }
        return max(own, TerminalText.width(title))
    }

    /// Numbers stand on the right of their columns.
    package var isRight: Bool { alignment == .right }

    /// As long as it likes in the last column.
    package var isOpen: Bool { alignment == .open }

    package var columnTitle: String { title }

    /// What it is, where it is looked at again and again.
    package var explanation: String {
        switch key {
        case "pcpu": return "share of one processor, in the time from look to look"
        case "c": return "share of one processor without decimals, at most 99"
        default: break
        }
        let end = ProcessField.needsInterval
        return meaning.hasSuffix(end) ? String(meaning.dropLast(end.count)) : meaning
    }

    /// What must be read for it in a look that is repeated all the time. `stat` has the sizes of memory too, if not to the page:
    /// `status` would be the dearest file of all.
    package var liveSources: ProcessSources {
        ["vsz", "rss", "pmem", "sz", "stat"].contains(key) ? [] : sources
    }
}
