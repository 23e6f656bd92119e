import Model

/// Which allocators a process carries, by the modules it has mapped and by words that they leave in a program's
/// read-only data when linked statically.
struct AllocatorSurvey {
    /// An allocator, or a tool that puts its own in place, other than glibc's.
    struct Foreign: Hashable {
        /// "jemalloc"
        let name: String
        /// Where it was recognised: "libjemalloc.so.2", "the program itself".
        let place: String
    }

    let image: MemoryImage

    /// Tools that put an allocator of their own in place to watch the program.
    static let instruments: Set<String> = [
        "valgrind", "AddressSanitizer", "LeakSanitizer", "ThreadSanitizer", "HWAddressSanitizer",
    ]

    static let go = "Go's allocator"

    private static let libraries: [(prefix: String, name: String)] = [
        ("libjemalloc", "jemalloc"), ("libtcmalloc", "tcmalloc"), ("libmimalloc", "mimalloc"),
        ("libsnmalloc", "snmalloc"), ("libhoard", "Hoard"), ("librpmalloc", "rpmalloc"), ("libscudo", "Scudo"),
        ("libtbbmalloc", "TBB malloc"), ("libasan", "AddressSanitizer"), ("libclang_rt.asan", "AddressSanitizer"),
        ("liblsan", "LeakSanitizer"), ("libtsan", "ThreadSanitizer"), ("libhwasan", "HWAddressSanitizer"),
        ("vgpreload_", "valgrind"), ("memcheck-amd64-linux", "valgrind"), ("libc.musl-", "musl's malloc"),
        ("ld-musl-", "musl's malloc"), ("libefence", "Electric Fence"),
    ]

    /// Text that each leaves in a program's read-only data. In two pieces: nusu may be looked at itself, and is none of these for
    /// knowing them.
    typealias Trace = (text: [String], name: String)

    private static let traces: [Trace] = [
        (["<jemal", "loc>: "], "jemalloc"), (["mimal", "loc: "], "mimalloc"), (["TCMAL", "LOC_"], "tcmalloc"),
        (["AddressSani", "tizer: "], "AddressSanitizer"), ([goText.0, goText.1], go),
        (["LeakSani", "tizer: "], "LeakSanitizer"),
    ]

    /// CPython since 3.13 carries mimalloc, and without PYTHONMALLOC only its free-threaded builds use it; to malloc it is a pool
    /// then, as pymalloc is.
    private static let python: Trace = (["PYTHONMAL", "LOC"], "CPython")
    private static let freeThreadedPython: Trace = ([" free-threading", " build ("], "CPython without its lock")

    static let goText = ("Go build", "inf:")

    private static let searchLimit: UInt64 = 64 << 20

    func foreign() -> [Foreign] {
        var found: [Foreign] = []
        for mapping in image.mappings where mapping.isFileBacked && mapping.permissions.contains(.execute) {
            let file = mapping.fileName
            // musl's loader is its library; Debian maps it under the library's plain name.
            let isMusl = file == "libc.so"
            if let match = isMusl
                ? ("", "musl's malloc") : AllocatorSurvey.libraries.first(where: { file.hasPrefix($0.prefix) }),
                !found.contains(where: { $0.name == match.name })
            {
                found.append(Foreign(name: match.name, place: file))
            }
        }
        let pythons = [AllocatorSurvey.python, AllocatorSurvey.freeThreadedPython]
        let names = tracesInProgram(AllocatorSurvey.traces + pythons)
        let isPython = names.contains(pythons[0].name) && !names.contains(pythons[1].name)
        for (_, name) in AllocatorSurvey.traces
        where names.contains(name) && !found.contains(where: { $0.name == name }) {
            if isPython, name == "mimalloc" { continue }
            found.append(Foreign(name: name, place: "the program itself"))
        }
        return found
    }

    /// The program's own file is the one mapped lowest, but for programs at high addresses, whose libraries lie higher
    /// still: the first file mapping in either case.
    func tracesInProgram(_ wanted: [Trace]) -> [String] {
        guard let program = image.mappings.first(where: { $0.isFileBacked && $0.permissions.contains(.execute) }) else {
            return []
        }
        var names: [String] = []
        var budget = AllocatorSurvey.searchLimit
        for mapping in image.mappings
        where mapping.inode == program.inode && mapping.deviceMinor == program.deviceMinor
            && mapping.permissions.contains(.read) && budget > 0
        {
            let count = Int(min(mapping.range.count, budget))
            budget -= UInt64(count)
            var bytes = [UInt8](repeating: 0, count: count)
            let got = bytes.withUnsafeMutableBytes { image.reader.read(at: mapping.range.lower, into: $0) }
            for trace in wanted
            where !names.contains(trace.name)
                && ByteSearch.first(Array(trace.text.joined().utf8), in: bytes[..<got]) != nil
            {
                names.append(trace.name)
            }
        }
        return names
    }
}

extension Mapping {
    /// The last component of the backing file's path, without the kernel's " (deleted)".
    var fileName: String {
        let path = name.hasSuffix(" (deleted)") ? String(name.dropLast(10)) : name
        return path.split(separator: "/").last.map(String.init) ?? path
    }
}
