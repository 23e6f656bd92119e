import Analysis
import Model

extension OverviewReport {
    package func text(_ style: TextStyle) -> String {
        var result = [style.strong(style.fit(headline)), ""]
        let notSeen = gaps.prefix(3).map { gap in
            let remedy = gap.remedy.map { ": \(TerminalText.escaped($0))" } ?? ""
            return ("not seen", "\(TerminalText.escaped(gap.what)): \(TerminalText.escaped(gap.reason))\(remedy)")
        }
        let columns = min(style.width ?? TextStyle.columns, TextStyle.columns)
        for (label, text) in lines + notSeen {
            let width = columns - OverviewReport.labelColumns
            for (number, part) in TextWrap.lines(text, width: width, indent: "").enumerated() {
                let lead = TerminalText.padded(number == 0 ? "  " + label : "", to: OverviewReport.labelColumns)
                result.append(style.fit(lead + part))
            }
        }
        if style.isTerminal { result += ["", style.fit("next: \(next.command)      \(next.why)")] }
        return result.joined(separator: "\n") + "\n"
    }

    private static let labelColumns = 12

    private var name: String { "\(TerminalText.escaped(show.identity.commandBytes)) (\(stat.pid))" }

    /// What a person would be told first.
    private var headline: String {
        if stat.isZombie {
            return "\(name) has ended: a zombie, of which \(stat.parent) has not taken the exit status."
        }
        if stat.isKernelThread { return "\(name) is a thread of the kernel: it has no memory of its own." }
        if show.chain.isDeadlock { return "\(name) is in a deadlock, and uses \(amount)." }
        if isNearMemoryLimit, let share = group?.share {
            let percent = "\(Int((share * 100).rounded())) %"
            return "\(name) is at \(percent) of its memory limit\(growth.map { " and \($0)" } ?? "")."
        }
        if let growth { return "\(name) uses \(amount) and \(growth)." }
        if isNearDescriptorLimit, let descriptors, let limit = descriptorLimit {
            return "\(name) has \(Units.grouped(Int(clamping: descriptors))) of at most "
                + "\(Units.grouped(Int(clamping: limit))) descriptors open."
        }
        if let trend = trends[.descriptors], trend.course == .grows {
            return "\(name) opens and does not close: descriptors \(TrendText.words(trend, .descriptors))."
        }
        let steady = watchedSeconds > 0 ? ", steady for \(Units.span(watchedSeconds))" : ""
        return "\(name) uses \(amount)\(steady)\(limitWords.map { "; \($0)" } ?? "")."
    }

    private var amount: String { resident.map { "\(Units.bytes($0)) of memory" } ?? "an unknown amount of memory" }

    /// "grows 3.1 MiB/min (2.8–3.5)"; nil where it does not.
    private var growth: String? {
        guard let (figure, trend) = memoryTrend, trend.course == .grows else { return nil }
        return TrendText.words(trend, figure)
    }

    /// "at 12 % of its limit"; nil without a limit.
    private var limitWords: String? {
        group?.share.map { "at \(Int(($0 * 100).rounded())) % of its memory limit" }
    }

    private var lines: [(String, String)] {
        guard !stat.isZombie, !stat.isKernelThread else { return [("doing", doing)] }
        var result = [("memory", memory)]
        if let limit { result.append(("limit", limit)) }
        result += [("files", files), ("threads", threads), ("doing", doing)]
        if let runtime { result.append(("alloc", alloc(runtime))) }
        return result + permissionLines
    }

    private var memory: String {
        var text = resident.map { "\(Units.bytes($0)) resident" } ?? "resident size not known"
        if let swapped = history.last(.swapped), swapped > 0 { text += ", \(Units.bytes(swapped)) swapped out" }
        if let trend = memoryTrend?.trend, trend.course != .unknown, let figure = memoryTrend?.figure {
            text += ", \(TrendText.words(trend, figure, of: history.series(of: figure)))"
        }
        return group == nil ? text + "; no limit" : text
    }

    /// What its control group has of its limit, and when that is reached; nil without a limit.
    private var limit: String? {
        guard let last = group?.last, let usage = last.usageBytes, let limit = last.limitBytes else { return nil }
        var text = "its control group has \(Units.bytes(usage)) of \(Units.bytes(limit))"
        if let cache = last.cacheBytes { text += ", \(Units.bytes(cache)) of it page cache" }
        if let kills = last.outOfMemoryKills, kills > 0 {
            text += "; OOM kills: \(Units.grouped(Int(clamping: kills)))"
        }
        return text + (forecast.map { "; \($0)" } ?? "")
    }

    /// nil where none can be made.
    private var forecast: String? {
        guard let last = group?.last, let limit = last.limitBytes else { return nil }
        let forecast =
            group?.forecast
            ?? memoryTrend.flatMap {
                Forecast($0.trend, level: last.heldBytes.map { Double($0) }, limit: Double(limit))
            }
        return forecast.map { "reached \(TrendText.forecast($0)), if it goes on like this" }
    }

    private var files: String {
        let open = descriptors.map { Units.grouped(Int(clamping: $0)) } ?? "not known how many"
        let limit = descriptorLimit.map { " of \(Units.grouped(Int(clamping: $0)))" } ?? ""
        let trend = trends[.descriptors].flatMap { trend in
            trend.course == .unknown ? nil : ", " + TrendText.words(trend, .descriptors)
        }
        return "\(open)\(limit) descriptors\(trend ?? "")"
    }

    private var threads: String {
        let count = Units.grouped(max(stat.threadCount, 0))
        let trend = trends[.threads].flatMap { trend in
            trend.course == .unknown ? nil : ", " + TrendText.words(trend, .threads)
        }
        return count + (trend ?? "")
    }

    private var doing: String {
        var text = show.chain.links.first.map { WaitText.reason($0) } ?? "why it waits cannot be told"
        if let cores = show.rates?.cores {
            text += cores < 0.005 ? "; under 1 % of one core" : "; \(Int((cores * 100).rounded())) % of one core"
        }
        return text
    }

    private func alloc(_ runtime: RuntimeFacts) -> String {
        let allocators =
            runtime.allocators.isEmpty ? "allocator not recognised" : runtime.allocators.joined(separator: ", ")
        let languages = runtime.languages.isEmpty ? "" : "; \(runtime.languages.joined(separator: ", "))"
        let reading =
            switch runtime.reading {
            case .full where runtime.isTriedVersion == false: "readable, but this version was never tried"
            case .full: "malloc's blocks are fully readable"
            case .partly: "blocks of another allocator than glibc's cannot be read"
            case .swiftOnly: "readable in part: Swift's retain cycles"
            case .none: "its blocks cannot be read"
            }
        return "\(allocators)\(languages): \(reading)"
    }

    private var permissionLines: [(String, String)] {
        switch permission {
        case .granted(let plan):
            let needs =
                plan.neededBytes == 0
                ? ""
                : plan.headroomBytes.map { "; needs \(Units.bytes(plan.neededBytes)) of \(Units.bytes($0)) headroom" }
                    ?? "; needs \(Units.bytes(plan.neededBytes)), no limit stands against it"
            return [
                ("may I", "look into its memory: yes (\(TerminalText.escaped(plan.right)))"),
                ("cost", "a pause of about \(Units.seconds(plan.pauseSeconds)) (\(plan.method.rawValue))\(needs)"),
            ]
        case .refused(let failure):
            return [
                ("may I", "look into its memory: no. \(TerminalText.escaped(failure.what))"),
                ("do", TerminalText.escaped(failure.remedy)),
            ]
        }
    }

    /// The command to go on with, and why.
    var next: (command: String, why: String) {
        if stat.isZombie { return ("nusu show \(stat.parent)", "its parent, which must wait for it") }
        if stat.isKernelThread { return ("nusu show \(stat.pid)", "what the kernel says of it") }
        if show.chain.isDeadlock { return ("nusu show \(stat.pid)", "who waits for whom") }
        if isNearDescriptorLimit || (growth == nil && trends[.descriptors]?.course == .grows) {
            return ("nusu fds \(stat.pid)", "what is open, and what is not closed")
        }
        guard case .granted = permission else {
            return ("nusu show \(stat.pid)", "what the kernel says of it")
        }
        let isReadable = runtime.map { $0.reading == .full || $0.reading == .swiftOnly } ?? true
        if growth != nil || isNearMemoryLimit || !isReadable {
            return ("nusu memory \(stat.pid)", "leak, cache, or kept by malloc?")
        }
        return ("nusu leaks \(stat.pid)", "what it has lost (nusu memory \(stat.pid): where its memory goes)")
    }
}
