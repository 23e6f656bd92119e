package import Model

/// What the kernel tells everybody of a process's memory, where its mappings may not be seen.
package struct MapsOutline: Sendable {
    package var process: ProcessIdentity
    package var status: ProcessStatus
    /// What is missing, and the right that would show it.
    package var gap: Gap

    package init(process: ProcessIdentity, status: ProcessStatus, gap: Gap) {
        self.process = process
        self.status = status
        self.gap = gap
    }

    package func text(_ style: TextStyle) -> String {
        let resident = status.residentBytes.map(Units.bytes) ?? "An unknown part"
        let reserved = status.virtualBytes.map(Units.bytes) ?? "its addresses"
        let headline = "\(resident) of \(reserved) in memory; which regions they are may not be seen."
        var lines = [style.strong(style.fit(headline)), ""] + status.memoryLines.map(style.fit)
        lines += [
            "", style.fit("  not seen   \(TerminalText.escaped("\(gap.what): \(gap.reason)"))"),
            style.fit("             \(TerminalText.escaped(gap.remedy ?? ""))"),
        ]
        return lines.joined(separator: "\n") + "\n"
    }

    /// The document of schema nusu.maps/1 without regions.
    package func json() -> String {
        var target: [String: JSONValue] = [
            "pid": JSONValue(process.pid), "residentBytes": JSONValue(status.residentBytes), "core": .null,
        ]
        target.set("command", bytes: process.commandBytes)
        return JSONValue.object([
            "schema": "nusu.maps/1", "target": .object(target), "regions": .null, "kinds": .null,
            "writableAndExecutable": .null, "growth": .null,
            "total": .object([
                "reservedBytes": JSONValue(status.virtualBytes), "residentBytes": JSONValue(status.residentBytes),
                "anonymousBytes": JSONValue(status.anonymousResidentBytes),
                "fileBytes": JSONValue(status.fileResidentBytes),
                "sharedMemoryBytes": JSONValue(status.sharedResidentBytes),
                "swappedBytes": JSONValue(status.swappedBytes), "pageTableBytes": JSONValue(status.pageTableBytes),
                "proportionalBytes": .null, "dirtyBytes": .null,
            ]),
            "gaps": .array([JSONValue(gap: gap)]),
        ]).document()
    }
}

extension ProcessStatus {
    /// RssFile: what is neither anonymous nor shared memory; nil where the kernel does not say.
    var fileResidentBytes: UInt64? {
        guard let residentBytes, let anonymousResidentBytes, let sharedResidentBytes,
            residentBytes >= anonymousResidentBytes &+ sharedResidentBytes
        else { return nil }
        return residentBytes - anonymousResidentBytes - sharedResidentBytes
    }

    /// The kinds of memory that anybody may know of, a line each.
    var memoryLines: [String] {
        func line(_ bytes: UInt64?, _ what: String) -> String {
            "  " + TerminalText.padded(bytes.map(Units.bytes) ?? "not known", to: 10, right: true) + "  " + what
        }
        return [
            line(anonymousResidentBytes, "anonymous: heap, stacks, what was written of files"),
            line(fileResidentBytes, "files: programs, libraries, mapped files"),
            line(sharedResidentBytes, "shared memory"), line(swappedBytes, "swapped out"),
            line(pageTableBytes, "page tables, beside it"),
        ]
    }
}
