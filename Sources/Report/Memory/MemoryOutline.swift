package import Model

/// What the kernel tells everybody of where a process's memory goes, where its mappings may not be seen.
package struct MemoryOutline: Sendable {
    package var process: ProcessIdentity
    package var status: ProcessStatus
    /// nil where the process is in no memory control group.
    package var group: GroupMemory?
    /// What is missing, and the right that would show it.
    package var gap: Gap

    package init(process: ProcessIdentity, status: ProcessStatus, group: GroupMemory?, gap: Gap) {
        self.process = process
        self.status = status
        self.group = group
        self.gap = gap
    }

    private var headline: String {
        let resident = status.residentBytes.map { "\(Units.bytes($0)) resident" } ?? "what is resident"
        guard let anonymous = status.anonymousResidentBytes else { return "Not divided: \(resident)." }
        return "Not divided: \(Units.bytes(anonymous)) of \(resident) may be the heap, which may not be seen."
    }

    package func text(_ style: TextStyle) -> String {
        var lines = [style.strong(style.fit(headline)), ""] + status.memoryLines.map(style.fit)
        if let line = group?.line { lines += ["", style.fit(line)] }
        let remedy = gap.remedy.map { "; \($0)" } ?? ""
        let notSeen = TerminalText.escaped("not seen: \(gap.what): \(gap.reason)\(remedy)")
        lines += [""] + TextWrap.remark(notSeen, style).map { style.faint(style.fit($0)) }
        if style.isTerminal { lines.append(style.fit("next: nusu watch \(process.pid)      does it grow")) }
        return lines.joined(separator: "\n") + "\n"
    }

    /// The document of schema nusu.memory/1 without a heap.
    package func json() -> String {
        var target: [String: JSONValue] = [
            "pid": JSONValue(process.pid), "residentBytes": JSONValue(status.residentBytes),
        ]
        target.set("command", bytes: process.commandBytes)
        return JSONValue.object([
            "schema": "nusu.memory/1", "target": .object(target), "snapshot": .null,
            "resident": .object([
                "kernelBytes": JSONValue(status.residentBytes), "parts": parts,
                "swapBytes": JSONValue(status.swappedBytes),
                "pageTableBytes": JSONValue(status.pageTableBytes), "proportionalBytes": .null, "hugePageBytes": .null,
                "hugePageWasteBytes": .null,
            ]),
            "verdict": .object([
                "kind": .null, "text": .string(headline), "bytes": .null, "grownBytes": .null, "helps": .array([]),
            ]),
            "trimmableBytes": .null, "heap": .null, "owners": .null, "lost": .null, "stacks": .null, "shared": .null,
            "controlGroup": group.map(\.json) ?? .null, "growth": .null, "gaps": .array([JSONValue(gap: gap)]),
        ]).document()
    }

    /// Add up to the kernel's figure. `anonymous` is the heap too here, and `files` programs and libraries.
    private var parts: JSONValue {
        guard let anonymous = status.anonymousResidentBytes, let shared = status.sharedResidentBytes,
            let files = status.fileResidentBytes
        else { return .null }
        return .array(
            [("anonymous", anonymous), ("files", files), ("shared", shared)].map { kind, bytes in
                .object(["kind": .string(kind), "bytes": JSONValue(bytes)])
            })
    }
}
