package import Analysis
import Model

/// What `nusu maps` says of a whole address space.
package struct MapsReport: Sendable {
    package var space: AddressSpace
    /// What grew since an earlier look; nil where there was none.
    package var growth: AddressSpaceGrowth?
    let groups: [RegionGroup]

    package init(space: AddressSpace, growth: AddressSpaceGrowth? = nil) {
        self.space = space
        self.growth = growth
        groups = RegionGroup.all(of: space)
    }

    var process: ProcessIdentity { space.facts.process }
    var writableCode: [Region] { space.regions.filter(\.isWritableCode) }
    /// What names it in a command.
    var subject: String { space.facts.source.path.map(TerminalText.shellWord) ?? "\(process.pid)" }

    /// The document of schema nusu.maps/1.
    package func json() -> String {
        var fields = MapsReport.head(space)
        fields["regions"] = .array(space.regions.map { MapsReport.json($0, in: space) })
        fields["kinds"] = .array(groups.map(json))
        fields["writableAndExecutable"] = .array(writableCode.map { .string(Address($0.range.lower).description) })
        fields["growth"] = growth.map(json) ?? .null
        return JSONValue.object(fields).document()
    }

    static func head(_ space: AddressSpace) -> [String: JSONValue] {
        let total = space.total
        var target: [String: JSONValue] = [
            "pid": JSONValue(
                space.facts.source.isCore && space.facts.process.pid == 0 ? nil : space.facts.process.pid),
            "residentBytes": JSONValue(total?.resident),
            "core": JSONValue(space.facts.source.isCore ? space.facts.source.path : nil),
            "saved": JSONValue(space.facts.source.isSaved ? space.facts.source.path : nil),
        ]
        target.set("command", bytes: space.facts.process.commandBytes)
        return [
            "schema": "nusu.maps/1", "target": .object(target),
            "total": .object([
                "reservedBytes": JSONValue(space.reservedBytes), "residentBytes": JSONValue(total?.resident),
                "proportionalBytes": JSONValue(total?.proportional), "dirtyBytes": JSONValue(total?.dirty),
                "swappedBytes": JSONValue(total?.swapped), "anonymousBytes": JSONValue(total?.anonymous),
                "hugePageBytes": JSONValue(total?.hugePages), "lockedBytes": JSONValue(total?.locked),
                "changedWhileReadingBytes": total == nil ? .null : .integer(space.changedBytes),
            ]),
            "gaps": .array(space.gaps.map(JSONValue.init(gap:))),
        ]
    }

    static func json(_ region: Region, in space: AddressSpace) -> JSONValue {
        let mapping = space.facts.mappings[region.mapping].mapping
        var fields: [String: JSONValue] = [
            "start": .string(Address(region.range.lower).description),
            "end": .string(Address(region.range.upper).description), "kind": .string(region.kind.rawValue),
            "reservedBytes": JSONValue(region.range.count),
            "readable": JSONValue(mapping.permissions.contains(.read)),
            "writable": JSONValue(mapping.permissions.contains(.write)),
            "executable": JSONValue(mapping.permissions.contains(.execute)),
            "shared": JSONValue(mapping.permissions.contains(.shared)), "thread": JSONValue(region.thread),
            "residentBytes": JSONValue(region.use?.resident), "proportionalBytes": JSONValue(region.use?.proportional),
            "dirtyBytes": JSONValue(region.use?.dirty), "swappedBytes": JSONValue(region.use?.swapped),
            "anonymousBytes": JSONValue(region.use?.anonymous),
            "apportioned": region.use.map { JSONValue($0.isApportioned) } ?? .null,
            "module": .null,
        ]
        if let module = region.module { fields.set("module", bytes: space.facts.modules[module].pathBytes) }
        fields.set("name", bytes: mapping.nameBytes)
        if let file = mapping.file, let sharers = space.facts.sharers[file] {
            fields["sharedWith"] = .array(sharers.processes.map { JSONValue($0.pid) })
        }
        return .object(fields)
    }

    private func json(_ group: RegionGroup) -> JSONValue {
        .object([
            "what": .string(RegionText.name(group, in: space)), "kind": .string(group.kind.rawValue),
            "regions": JSONValue(group.regions.count), "reservedBytes": JSONValue(group.reserved),
            "residentBytes": JSONValue(group.use?.resident), "proportionalBytes": JSONValue(group.use?.proportional),
            "dirtyBytes": JSONValue(group.use?.dirty), "swappedBytes": JSONValue(group.use?.swapped),
        ])
    }

    private func json(_ growth: AddressSpaceGrowth) -> JSONValue {
        .object([
            "seconds": JSONValue(seconds: growth.seconds), "residentBytesBefore": JSONValue(growth.residentBefore),
            "grown": .array(
                growth.grown.map {
                    .object([
                        "what": .string(RegionText.name($0.group, in: space)), "kind": .string($0.group.kind.rawValue),
                        "residentBytes": .integer($0.residentBytes), "reservedBytes": .integer($0.reservedBytes),
                    ])
                }),
        ])
    }
}
