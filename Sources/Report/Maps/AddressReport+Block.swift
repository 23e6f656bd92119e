import Analysis
import Model

/// What is said of the block at an address.
extension AddressReport {
    /// Goes on after "0x… is".
    func placeHeadline(_ place: HeapPlace) -> String {
        let inside = address &- place.start
        let at = inside == 0 ? "the start of" : "\(Units.counted(Int(clamping: inside), "byte")) into"
        if place.freeList == .top { return "free: the end of an arena, from which nothing is in use" }
        let size = Units.counted(Int(clamping: place.bytes), "byte")
        guard place.fate != .free else { return "\(at) a free block of \(size)" }
        let type = place.type.map { " (\(TerminalText.escaped(TypeText.plain($0))))" } ?? ""
        let fate =
            switch place.fate {
            case .lost: space.facts.source.isCore ? "to which nothing in the core leads" : "which is lost"
            case .possible: "which is perhaps lost"
            case .reachable, .free: "which is in use"
            }
        return "\(at) a block of \(size)\(type), \(fate)"
    }

    /// nil where there is nothing to say.
    func blockText(_ region: Region) -> String? {
        guard let heap else {
            return region.kind == .mappedBlock
                ? "one block of malloc, \(Units.bytes(address &- region.range.lower)) behind its header's start" : nil
        }
        guard let place = heap.place else { return "none: malloc's own records, or memory that it does not hand out" }
        let range = "\(String(place.start, radix: 16))-\(String(place.start &+ place.bytes, radix: 16))"
        switch place.fate {
        case .reachable: return "\(range); variables, stacks or registers lead to it"
        case .possible: return "\(range); only pointers into the middle of a block lead to it"
        case .lost: return "\(range); never freed, and nothing reachable points to it"
        case .free: return "\(range); \(place.freeList.map(AddressReport.keeps) ?? "free")"
        }
    }

    private static func keeps(_ list: HeapPlace.FreeList) -> String {
        switch list {
        case .bin: "freed; malloc keeps it in a bin, for whoever asks for that much"
        case .fastbin: "freed; malloc keeps it in a fast bin, for the next block of that size"
        case .threadCache: "freed; malloc keeps it in a thread's cache (tcache), for the next block of that size"
        case .top: "not handed out, or all given back"
        }
    }

    func lookText(_ snapshot: SnapshotFacts) -> String {
        guard !space.facts.source.isSaved else { return "a saved snapshot" }
        let threads = Units.counted(snapshot.threads, "thread")
        return "paused \(Units.seconds(snapshot.pauseSeconds)) (\(snapshot.method.rawValue), \(threads))"
    }
}
