import Glibc
import Model
import Testing

@testable import Capture

@Suite("Symbols of ELF files") struct ImageSymbolTests {
    private static let local: UInt8 = 0
    private static let global: UInt8 = 0x10
    private static let weak: UInt8 = 0x20

    private static func table() throws -> ElfSymbolTable {
        let file = ImageFixture.elf([
            .init(name: "alias_weak", address: 0x11000, size: 64, info: weak | 2),
            .init(name: "function", address: 0x11000, size: 64, info: global | 2),
            .init(name: "inner", address: 0x11010, size: 8, info: local | 1),
            .init(name: "unsized", address: 0x11100, size: 0, info: global | 2),
            .init(name: "variable", address: 0x12000, size: 16, info: global | 1),
            .init(name: "thread_local", address: 0x12000, size: 16, info: global | 6),
            .init(name: "elsewhere", address: 0x13000, size: 16, info: global | 2, section: 0),
            .init(name: "huge", address: 0x14000, size: .max, info: local | 1),
        ])
        let image = try #require(ElfImage(file))
        return ElfSymbolTable(try #require(image.symbols), of: file)
    }

    private static let cases: [(UInt64, String?)] = [
        (0x10fff, nil), (0x11000, "function+0"), (0x1100f, "function+15"), (0x11010, "inner+0"), (0x11017, "inner+7"),
        (0x11018, "function+24"), (0x11040, nil), (0x11100, "unsized+0"), (0x11fff, "unsized+3839"),
        (0x1200f, "variable+15"), (0x12010, nil), (0x13000, nil), (0x14001, "huge+1"), (0, nil),
    ]

    @Test("The symbol that an address lies in", arguments: cases)
    func match(_ address: UInt64, _ expected: String?) throws {
        let match = try Self.table().match(address)
        #expect(match.map { "\(String(decoding: $0.name, as: UTF8.self))+\($0.offset)" } == expected)
    }

    @Test("Functions and variables are told apart") func kinds() throws {
        let table = try Self.table()
        #expect(table.match(0x11000)?.isFunction == true)
        #expect(table.match(0x12000)?.isFunction == false)
    }

    @Test("The load bias comes from the segment that a mapping shows") func bias() throws {
        let image = try #require(ElfImage(ImageFixture.elf([])))
        #expect(
            image.bias(of: Mapping(range: AddressRange(0x7f00_0000_0000, 0x7f00_0000_8000), permissions: .read))
                == 0x7f00_0000_0000 - 0x10000)
        let beyond = Mapping(range: AddressRange(0x1000, 0x2000), permissions: .read, fileOffset: 0x9000)
        #expect(image.bias(of: beyond) == nil)
        #expect(image.isLoaded(0x1ffff))
        #expect(!image.isLoaded(0x20000))
    }
}

/// Names of a real program, compiled here.
@Suite("Symbols of running programs", .serialized, .enabled(if: access("/usr/bin/cc", X_OK) == 0, "there is no cc"))
struct ImageProgramTests {
    private static let source = """
        #include <stdio.h>
        #include <stdlib.h>
        #include <sys/prctl.h>
        #include <unistd.h>
        static int hidden_counter = 3;
        int shared_counter = 7;
        static char hidden_bss[1 << 17];
        char shared_bss[1 << 17];
        static int hidden_function(int x) { return x + hidden_counter + hidden_bss[x]; }
        int shared_function(int x) { return hidden_function(x) + shared_bss[x]; }
        int main(void) {
            prctl(1, 9, 0, 0, 0);
            void *(*allocate)(size_t) = malloc;
            printf("%d\\n%p\\n%p\\n%p\\n%p\\n%p\\n%p\\n%p\\n", getpid(), (void *)&hidden_counter,
                (char *)&shared_counter + 2, hidden_bss + 100000, shared_bss + 100000, (void *)hidden_function,
                (char *)shared_function + 1, (void *)allocate);
            fflush(stdout);
            for (;;) pause();
        }
        """

    private static let hidden = ["hidden_counter+0", "hidden_bss+100000", "hidden_function+0"]
    private static let shared = ["shared_counter+2", "shared_bss+100000", "shared_function+1"]

    @Test("Static and global names", arguments: ["-pie -fPIE", "-no-pie", "-static", "-static-pie -fPIE"])
    func unstripped(_ flags: String) throws {
        let names = try names(flags, strip: false)
        for name in Self.hidden + Self.shared { #expect(names.contains("program \(name)"), "\(name): \(names)") }
        #expect(names.last?.contains("malloc+0") == true, "\(names)")
        #expect(names.last?.hasPrefix(flags.contains("static") ? "program" : "libc.so.6") == true)
    }

    @Test("A stripped program has its dynamic names only") func stripped() throws {
        let names = try names("-pie -fPIE -rdynamic", strip: true)
        for name in Self.shared { #expect(names.contains("program \(name)"), "\(name): \(names)") }
        #expect(!names.contains { $0.contains("hidden") })
    }

    @Test("A deleted file still has its names", .enabled(if: geteuid() == 0, "needs CAP_CHECKPOINT_RESTORE"))
    func deleted() throws {
        let names = try names("-pie -fPIE", strip: false, delete: true)
        for name in Self.hidden + Self.shared { #expect(names.contains("program \(name)"), "\(name): \(names)") }
    }

    /// "module name+offset" of each address that the program prints.
    private func names(_ flags: String, strip: Bool, delete: Bool = false) throws -> [String] {
        var template = Array("/tmp/nusu-image-XXXXXX".utf8CString)
        let folder = String(cString: try #require(mkdtemp(&template)))
        let (program, code) = (folder + "/program", folder + "/program.c")
        defer {
            for path in [program, code] { unlink(path) }
            rmdir(folder)
        }
        let file = try #require(fopen(code, "w"))
        fputs(Self.source, file)
        fclose(file)
        let compile = try #require(popen("cc -O1 -w \(flags) -o \(program) \(code) 2>&1", "r"))
        let complaints = lines(compile, limit: 20)
        try #require(pclose(compile) == 0, "\(complaints)")
        if strip { try #require(popen("strip \(program)", "r").map { pclose($0) } == 0) }

        let running = try #require(popen("exec \(program)", "r"))
        let said = lines(running, limit: 8)
        let pid = try #require(said.first.flatMap { Int32($0) })
        defer {
            kill(pid, SIGKILL)
            pclose(running)
        }
        try #require(said.count == 8)
        if delete { unlink(program) }
        let symbols = ModuleSymbols(of: pid, mappings: try ProcFS().mappings(of: pid), procFS: ProcFS())
        return said.dropFirst().compactMap { text in
            UInt64(text.dropFirst(2), radix: 16).flatMap { symbols.symbol(at: $0) }.map {
                "\($0.module) \($0.name)+\($0.offset)"
            }
        }
    }

    private func lines(_ stream: UnsafeMutablePointer<FILE>, limit: Int) -> [String] {
        var result: [String] = []
        var buffer = [CChar](repeating: 0, count: 4096)
        while result.count < limit, fgets(&buffer, Int32(buffer.count), stream) != nil {
            let bytes = buffer.prefix { $0 != 0 && $0 != 10 }.map { UInt8(bitPattern: $0) }
            result.append(String(decoding: bytes, as: UTF8.self))
        }
        return result
    }
}
