import Model

/// Names the type of a block by its first word: a C++ virtual table or Swift metadata. Everything is read from the
/// target's memory (no symbols, no debug information), checked before it is believed, and remembered by first word.
final class LeadingTypes {
    /// 0 is "no type"; other values index `names`.
    typealias TypeID = UInt32

    private(set) var names: [String] = [""]
    private var ids: [String: TypeID] = [:]
    private var byFirstWord: [UInt64: Candidate] = [:]
    private let image: MemoryImage
    private let pages: PageCache
    private let cxx: CxxTypes
    private let swift: SwiftTypes

    /// What a first word means; Swift metadata also asks for a plausible reference count in the second word.
    private struct Candidate {
        let type: TypeID
        let needsReferenceCount: Bool
    }

    /// A bound on what is remembered: hostile memory could hold any number of different first words.
    private static let cacheLimit = 1 << 18

    init(image: MemoryImage) {
        self.image = image
        pages = PageCache(image.reader)
        cxx = CxxTypes(image: image, pages: pages)
        swift = SwiftTypes(image: image, pages: pages)
    }

    func name(_ id: TypeID) -> String? { id == 0 ? nil : names[Int(id)] }

    /// The type of a block that begins with these two words.
    func type(first: UInt64, second: UInt64) -> TypeID {
        guard first > 1 << 16, first & 7 == 0, first < 1 << 47 else { return 0 }
        let candidate: Candidate
        if let known = byFirstWord[first] {
            candidate = known
        } else {
            candidate = resolve(first)
            if byFirstWord.count >= LeadingTypes.cacheLimit { byFirstWord.removeAll() }
            byFirstWord[first] = candidate
        }
        if candidate.needsReferenceCount, !SwiftTypes.isPlausibleCount(second) { return 0 }
        return candidate.type
    }

    private func resolve(_ word: UInt64) -> Candidate {
        guard image.mapping(at: word)?.permissions.contains(.read) == true else {
            return Candidate(type: 0, needsReferenceCount: false)
        }
        if let name = cxx.name(ofTable: word) { return Candidate(type: id(of: name), needsReferenceCount: false) }
        if let name = swift.name(ofHeapMetadata: word) {
            return Candidate(type: id(of: name), needsReferenceCount: true)
        }
        return Candidate(type: 0, needsReferenceCount: false)
    }

    private func id(of name: String) -> TypeID {
        if let id = ids[name] { return id }
        let id = TypeID(names.count)
        names.append(name)
        ids[name] = id
        return id
    }
}
