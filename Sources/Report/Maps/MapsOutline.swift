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

    private var fileBytes: UInt64? {
        guard let resident = status.residentBytes, let anonymous = status.anonymousResidentBytes,
            let shared = status.sharedResidentBytes, resident >= anonymous &+ shared
        else { return nil }
        return resident - anonymous - shared
    }

    package func text(_ style: TextStyle) -> String {
        func size(_ bytes: UInt64?) -> String {
            TerminalText.padded(bytes.map(Units.bytes) ?? "not known", to: 10, right: true)
        }
        let resident = status.residentBytes.map(Units.bytes) ?? "An unknown part"
        let reserved = status.virtualBytes.map(Units.bytes) ?? "its addresses"
        let lines = [
            style.strong(style.fit("\(resident) of \(reserved) in memory; which regions they are may not be seen.")),
            "",
            style.fit("  \(size(status.anonymousResidentBytes))  anonymous: heap, stacks, what was written of files"),
            style.fit("  \(size(fileBytes))  files: programs, libraries, mapped files"),
            style.fit("  \(size(status.sharedResidentBytes))  shared memory"),
            style.fit("  \(size(status.swappedBytes))  swapped out"),
            style.fit("  \(size(status.pageTableBytes))  page tables, beside it"), "",
            style.fit("  not seen   \(TerminalText.escaped("\(gap.what): \(gap.reason)"))"),
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
                "anonymousBytes": JSONValue(status.anonymousResidentBytes), "fileBytes": JSONValue(fileBytes),
                "sharedMemoryBytes": JSONValue(status.sharedResidentBytes),
                "swappedBytes": JSONValue(status.swappedBytes), "pageTableBytes": JSONValue(status.pageTableBytes),
                "proportionalBytes": .null, "dirtyBytes": .null,
            ]),
            "gaps": .array([JSONValue(gap: gap)]),
        ]).document()
    }
}
