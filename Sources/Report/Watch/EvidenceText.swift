import Analysis
package import Model

extension WatchReport {
    /// The report that is kept beside a snapshot: what was seen up to then, and where the memory lies.
    /// - Parameters:
    ///   - date: when, as text.
    ///   - reason: "at 91 % of its limit".
    package func evidenceText(_ facts: EvidenceFacts, date: String, reason: String) -> String {
        var lines = ["nusu watch, \(date): kept \(reason)", ""]
        lines.append(text(TextStyle(isTerminal: false, width: nil, color: false)))
        for group in groups.compactMap(\.last) {
            let figures = [
                group.usageBytes.map { "\(Units.bytes($0)) used" },
                group.cacheBytes.map { "\(Units.bytes($0)) of it page cache" },
                group.limitBytes.map { "limit \(Units.bytes($0))" } ?? "no limit",
                group.outOfMemoryKills.map {
                    "\(Units.grouped(Int(clamping: $0))) ended by the kernel since it was made"
                },
            ]
            lines.append(
                "control group \(TerminalText.escaped(group.path)): \(figures.compactMap { $0 }.joined(separator: ", "))"
            )
        }
        lines += ["", "Memory by what is mapped (resident, reserved, mappings)"]
        lines +=
            facts.mapped.map { mapped in
                mapped.map { item in
                    let name = item.nameBytes.isEmpty ? "anonymous" : TerminalText.escaped(item.nameBytes)
                    return "  \(cell(Units.bytes(item.residentBytes)))\(cell(Units.bytes(item.reservedBytes)))"
                        + "\(TerminalText.padded(Units.grouped(item.count), to: 7, right: true))  \(name)"
                }
            } ?? ["  may not be read: that needs the process's own user, or CAP_SYS_PTRACE"]
        lines += ["", "Open descriptors"]
        lines +=
            facts.opened.map { opened in
                opened.map {
                    "  \(TerminalText.padded(Units.grouped($0.count), to: 9, right: true))  \(TerminalText.escaped($0.kindBytes))"
                }
            } ?? ["  may not be read: that needs the process's own user, or CAP_SYS_PTRACE"]
        return lines.joined(separator: "\n") + "\n"
    }

    private func cell(_ text: String) -> String { TerminalText.padded(text, to: 11, right: true) }
}
