import Model

/// The parts of one loaded module, from its headers.
struct ModuleParts {
    struct Part {
        var range: AddressRange
        let kind: Region.Kind
    }

    /// Ascending, without overlaps, page by page complete.
    let parts: [Part]

    private static let page: UInt64 = 4096

    init(_ headers: ModuleHeaders, bias: UInt64) {
        // Only whole pages become read-only; what the last one holds beside them stays writable (man 1 ld, -z relro).
        let relro = headers.relro.map { AddressRange($0.lower, $0.upper & ~(ModuleParts.page - 1)) }
        var parts: [Part] = []
        for segment in headers.segments.sorted(by: { $0.range.lower < $1.range.lower }) {
            var own = ModuleParts.parts(of: segment, headers, relro)
            guard !own.isEmpty else { continue }
            // The kernel maps whole pages: what lies around a segment in its pages belongs to its neighbour parts.
            let lower = segment.range.lower & ~(ModuleParts.page - 1)
            own[0].range = AddressRange(lower, own[0].range.upper)
            let last = own.count - 1
            let upper = (segment.range.upper &+ ModuleParts.page - 1) & ~(ModuleParts.page - 1)
            own[last].range = AddressRange(own[last].range.lower, max(upper, own[last].range.upper))
            parts += own
        }
        var result: [Part] = []
        for part in parts {
            let lower = part.range.lower &+ bias
            // A bias may carry a hostile file's ranges around the end of the address space.
            let upper = lower.addingReportingOverflow(part.range.count)
            guard !upper.overflow else { continue }
            let start = max(lower, result.last?.range.upper ?? 0)
            guard start < upper.partialValue else { continue }
            result.append(Part(range: AddressRange(start, upper.partialValue), kind: part.kind))
        }
        self.parts = result
    }

    private static func parts(
        of segment: ModuleHeaders.Segment, _ headers: ModuleHeaders, _ relro: AddressRange?
    ) -> [Part] {
        guard !segment.range.isEmpty else { return [] }
        // (first address, kind), ascending: each reaches to the next.
        var borders: [(UInt64, Region.Kind)] = []
        for section in headers.sections where segment.range.contains(section.range.lower) {
            let kind = kind(of: section, relro)
            borders.append((section.range.lower, kind))
            // The end of its last page stays writable.
            if kind == .relro, let relro, section.range.upper > relro.upper, segment.range.contains(relro.upper) {
                borders.append((relro.upper, .data))
            }
        }
        if borders.isEmpty { borders = self.borders(of: segment, relro) }
        borders[0].0 = segment.range.lower
        var result: [Part] = []
        for (number, border) in borders.enumerated() {
            let upper = number + 1 < borders.count ? borders[number + 1].0 : segment.range.upper
            guard upper > border.0 else { continue }
            if let last = result.last, last.kind == border.1 {
                result[result.count - 1].range = AddressRange(last.range.lower, upper)
            } else {
                result.append(Part(range: AddressRange(border.0, upper), kind: border.1))
            }
        }
        return result
    }

    private static func kind(of section: ModuleHeaders.Section, _ relro: AddressRange?) -> Region.Kind {
        if section.isCode { return .text }
        guard section.isWritable else { return .rodata }
        if let relro, relro.contains(section.range.lower) { return .relro }
        return section.isZeroed ? .bss : .data
    }

    private static func borders(
        of segment: ModuleHeaders.Segment, _ relro: AddressRange?
    ) -> [(UInt64, Region.Kind)] {
        if segment.permissions.contains(.execute) { return [(segment.range.lower, .text)] }
        guard segment.permissions.contains(.write) else { return [(segment.range.lower, .rodata)] }
        var borders: [(UInt64, Region.Kind)] = []
        var start = segment.range.lower
        if let relro = relro?.intersection(segment.range), !relro.isEmpty {
            borders.append((start, .relro))
            start = relro.upper
        }
        if start < segment.fileEnd { borders.append((start, .data)) }
        if max(start, segment.fileEnd) < segment.range.upper { borders.append((max(start, segment.fileEnd), .bss)) }
        return borders.isEmpty ? [(segment.range.lower, .data)] : borders
    }
}
