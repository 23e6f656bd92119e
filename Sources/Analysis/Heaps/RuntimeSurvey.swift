package import Model

/// What a program is made of, as far as its files tell: its allocator, its languages, and how much of that nusu can read.
package struct RuntimeFacts: Hashable, Sendable {
    package enum Reading: String, Hashable, Sendable {
        /// All blocks.
        case full
        /// The blocks of glibc's malloc; another allocator has a part.
        case partly
        /// Objects of Swift alone.
        case swiftOnly
        case none
    }

    /// "glibc 2.36", "jemalloc"; what is used first.
    package var allocators: [String]
    /// "Swift", "C++", "Python".
    package var languages: [String]
    package var reading: Reading
    /// glibc is of a version that nusu was tried with; nil without glibc.
    package var isTriedVersion: Bool?

    package init(allocators: [String], languages: [String], reading: Reading, isTriedVersion: Bool?) {
        self.allocators = allocators
        self.languages = languages
        self.reading = reading
        self.isTriedVersion = isTriedVersion
    }
}

/// Looks at the files that a process has mapped: at their names, and for words that runtimes leave in a program when they are
/// linked into it. Reads constants only.
package struct RuntimeSurvey {
    private let image: MemoryImage

    /// - Parameter reader: of the process's constants; its memory is not asked for.
    package init(_ process: ProcessIdentity, mappings: [Mapping], reader: any MemoryReader) {
        image = MemoryImage(process: process, mappings: mappings, threads: [], reader: reader)
    }

    private static let libraries: [(prefix: String, name: String)] = [
        ("libswiftCore.", "Swift"), ("libstdc++.", "C++"), ("libc++.", "C++"), ("libpython", "Python"),
        ("libperl.", "Perl"), ("libruby", "Ruby"), ("libjvm.", "Java"), ("libnode.", "JavaScript"),
        ("libmono", "C#"), ("libcoreclr.", "C#"), ("libstd-", "Rust"), ("libphp", "PHP"), ("liblua", "Lua"),
    ]

    /// Names of programs that are runtimes by themselves.
    private static let programs: [(prefix: String, name: String)] = [
        ("python", "Python"), ("perl", "Perl"), ("ruby", "Ruby"), ("node", "JavaScript"), ("php", "PHP"),
        ("lua", "Lua"),
    ]

    private static let traces: [AllocatorSurvey.Trace] = [
        (["SWIFT_DETERMINISTIC_HASHING"], "Swift"), (["terminate called after throwing"], "C++"),
        ([AllocatorSurvey.goText.0, AllocatorSurvey.goText.1], "Go"), (["/rus", "tc/"], "Rust"),
    ]

    package func facts() -> RuntimeFacts {
        let survey = AllocatorSurvey(image: image)
        let foreign = survey.foreign()
        let version = libc.flatMap { LibcVersion(image: image).find(in: $0) }
        let languages = languages(survey)
        var allocators = foreign.map(\.name)
        if libc != nil { allocators.append(version.map { "glibc \($0)" } ?? "glibc") }
        let reading: RuntimeFacts.Reading
        if foreign.contains(where: { AllocatorSurvey.instruments.contains($0.name) }) {
            reading = .none
        } else if foreign.isEmpty {
            reading = libc == nil ? .none : .full
        } else if languages.contains("Swift") {
            // Whoever links another allocator uses it in place of glibc's.
            reading = .swiftOnly
        } else {
            reading = libc == nil || foreign.contains { $0.name == AllocatorSurvey.go } ? .none : .partly
        }
        return RuntimeFacts(
            allocators: allocators, languages: languages, reading: reading,
            isTriedVersion: version.map(TargetCheck.triedVersions.contains))
    }

    /// The module that has glibc's malloc: the shared library, or the program itself where it is static.
    private var libc: Mapping? {
        let code = image.mappings.filter { $0.isFileBacked && $0.permissions.contains(.execute) }
        if let library = code.first(where: { $0.fileName == "libc.so.6" || $0.fileName.hasPrefix("libc-2.") }) {
            return library
        }
        guard let program = code.first, LibcVersion(image: image).find(in: program) != nil else { return nil }
        return program
    }

    private func languages(_ survey: AllocatorSurvey) -> [String] {
        var result: [String] = []
        let code = image.mappings.filter { $0.isFileBacked && $0.permissions.contains(.execute) }
        for (index, mapping) in code.enumerated() {
            let file = mapping.fileName
            if let known = RuntimeSurvey.libraries.first(where: { file.hasPrefix($0.prefix) }) {
                result.append(known.name)
            } else if index == 0, let known = RuntimeSurvey.programs.first(where: { file.hasPrefix($0.prefix) }) {
                result.append(known.name)
            }
        }
        result += survey.tracesInProgram(RuntimeSurvey.traces)
        var seen: Set<String> = []
        return result.filter { seen.insert($0).inserted }
    }
}
