import Model

/// Whether this is a process whose heap can be read, and in which words it is refused when not.
struct TargetCheck {
    let image: MemoryImage

    /// The glibc releases on which the methods here were tried (`make glibc`).
    static let triedVersions = ["2.27", "2.31", "2.35", "2.36", "2.39", "2.41", "2.42", "2.43", "2.44"]

    /// A refusal that needs no look at the heap.
    func refusal() -> Failure? {
        guard let program = image.mappings.first(where: { $0.isFileBacked && $0.fileOffset == 0 }),
            let identification = image.reader.bytes(at: program.range.lower, count: 20),
            identification.starts(with: [0x7f, 0x45, 0x4c, 0x46])
        else { return nil }
        // e_ident[EI_CLASS] and e_machine (System V ABI, ELF header).
        if identification[4] == 1 {
            return failure(
                "is a 32-bit program", remedy: "nusu reads 64-bit x86-64 programs; valgrind can run this one")
        }
        let machine = UInt16(identification[18]) | UInt16(identification[19]) << 8
        if machine != 62 {
            return failure(
                "is a program for another processor (ELF machine \(machine))",
                remedy: "nusu reads x86-64 programs only")
        }
        return nil
    }

    /// Why a process without a readable glibc heap is refused.
    func failure(for refusal: GlibcHeap.Refusal, foreign: [AllocatorSurvey.Foreign]) -> Failure {
        if case .tooLarge(let bytes) = refusal {
            return failure(
                "has \(bytes >> 30) GiB of heap; this nusu can number the blocks of "
                    + "\(BlockIndexBuilder.denseLimitBytes >> 30) GiB",
                remedy: "take a core with gcore and read it with a tool for cores")
        }
        guard let allocator = foreign.first else {
            return failure(
                "has no heap of glibc's malloc that nusu recognises: it brings its own allocator, or has allocated nothing",
                remedy: "nusu reads glibc's malloc; see the README for what it cannot see")
        }
        switch allocator.name {
        case "valgrind":
            return failure(
                "runs under valgrind, which has replaced its allocator",
                remedy: "ask valgrind itself: vgdb --pid=\(image.process.pid) leak_check full")
        case "AddressSanitizer", "LeakSanitizer", "ThreadSanitizer", "HWAddressSanitizer":
            return failure(
                "runs with \(allocator.name), which has replaced its allocator",
                remedy: "end the program normally: the sanitizer reports leaks at exit (ASAN_OPTIONS=detect_leaks=1)")
        case "jemalloc":
            return failure(
                "allocates with jemalloc (\(allocator.place)), whose heap nusu cannot read yet",
                remedy:
                    "run it on glibc's malloc (without \(allocator.place) or its preload), or profile with MALLOC_CONF=prof:true"
            )
        case AllocatorSurvey.go:
            return failure(
                "is a Go program, whose garbage-collected heap nusu cannot read",
                remedy: "ask Go itself: a heap profile of runtime/pprof or net/http/pprof, read with go tool pprof")
        default:
            return failure(
                "allocates with \(allocator.name) (\(allocator.place)), whose heap nusu cannot read",
                remedy: "run it on glibc's malloc to look for leaks")
        }
    }

    private func failure(_ what: String, remedy: String) -> Failure {
        Failure(.unsupported, what: "\(image.process) \(what)", subject: image.process.description, remedy: remedy)
    }
}
