import Model

/// Says what the words of an untyped block point to: the modules whose code or data it refers to are often the best hint at
/// who made it.
struct PointerTargets {
    let image: MemoryImage

    /// Blocks are looked at up to here.
    static let byteLimit: UInt64 = 1024

    /// "libpq.so.5 (3 functions, 1 variable)"; nil when no word points into a module.
    func describe(_ address: UInt64?, _ size: UInt64) -> String? {
        guard let address,
            let words = image.reader.words(at: address, count: Int(min(size, PointerTargets.byteLimit) / 8))
        else { return nil }
        var counts: [String: (functions: Int, variables: Int)] = [:]
        for word in Set(words) {
            guard let mapping = image.mapping(at: word), mapping.isFileBacked, !mapping.fileName.isEmpty else {
                continue
            }
            if mapping.permissions.contains(.execute) {
                counts[mapping.fileName, default: (0, 0)].functions += 1
            } else {
                counts[mapping.fileName, default: (0, 0)].variables += 1
            }
        }
        let modules = counts.sorted {
            ($0.value.functions + $0.value.variables, $1.key) > ($1.value.functions + $1.value.variables, $0.key)
        }
        guard let most = modules.first else { return nil }
        let parts = [
            PointerTargets.count(most.value.functions, "function"),
            PointerTargets.count(most.value.variables, "variable"),
        ].compactMap { $0 }
        return "\(most.key) (\(parts.joined(separator: ", ")))"
    }

    private static func count(_ number: Int, _ noun: String) -> String? {
        number == 0 ? nil : "\(number) \(noun)\(number == 1 ? "" : "s")"
    }
}
