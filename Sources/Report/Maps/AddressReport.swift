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
    /// nil where the address is not in malloc's memory, and where that was not looked into (then that is a gap).
    package var heap: HeapAnswer?
    /// What could not be seen besides the gaps of the address space.
    package var gaps: [Gap] = []

    /// What a snapshot says of malloc's memory at an address.
    package struct HeapAnswer: Sendable {
        /// nil for what is no block's, in use or free.
        package var place: HeapPlace?
        /// nil of a core.
        package var snapshot: SnapshotFacts?

        package init(place: HeapPlace?, snapshot: SnapshotFacts?) {
            self.place = place
            self.snapshot = snapshot
        }
    }

    package init(space: AddressSpace, address: UInt64, symbol: Symbol?, page: PageFacts?) {
        self.space = space
        self.address = address
        self.symbol = symbol
        self.page = page
    }

    /// nil where nothing is mapped.
    package var region: Region? { space.index(at: address).map { space.regions[$0] } }
    var subject: String { space.facts.source.path.map(TerminalText.shellWord) ?? "\(space.facts.process.pid)" }

    // MARK: - JSON

    /// The document of schema nusu.maps/1 with `address` in place of all regions.
    package func json() -> String {
        var fields = MapsReport.head(space)
        fields["snapshot"] = .null
        var answer: [String: JSONValue] = [
            "value": .string(Address(address).description), "mapped": JSONValue(region != nil), "region": .null,
            "section": .null, "symbol": .null, "symbolOffset": .null, "page": .null, "fileOffset": .null,
            "block": .null,
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
        if let heap {
            answer["block"] = heap.place.map(AddressReport.json) ?? .null
            fields["snapshot"] =
                heap.snapshot.map {
                    .object([
                        "method": .string($0.method.rawValue), "pauseSeconds": JSONValue(seconds: $0.pauseSeconds),
                        "threads": JSONValue($0.threads),
                    ])
                } ?? .null
        }
        fields["gaps"] = .array((gaps + space.gaps).map(JSONValue.init(gap:)))
        fields["address"] = .object(answer)
        return JSONValue.object(fields).document()
    }

    private static func json(_ place: HeapPlace) -> JSONValue {
        .object([
            "start": .string(Address(place.start).description), "bytes": JSONValue(place.bytes),
            "type": JSONValue(place.type.map(TypeText.plain)), "fate": .string(place.fate.rawValue),
            "freeList": JSONValue(place.freeList?.rawValue),
        ])
    }

    private static func state(_ page: PageFacts) -> String {
        if page.state.contains(.guarded) { return "guard" }
        if page.state.contains(.zero) { return "zero" }
        if page.state.contains(.present) { return "resident" }
        return page.state.contains(.swapped) ? "swapped" : "untouched"
    }
}
