import Kernel
import Model
import SystemPackage

/// Looks for the instructions of `Gadgets` in the target's code: every libc has them, the vdso at least the call.
enum GadgetSearch {
    /// At most so much code is looked through, the pages that are in memory first.
    private static let limitBytes: UInt64 = 256 << 20
    private static let windowBytes = 1 << 20

    /// nil when the target has no such instructions.
    static func find(mappings: [Mapping], memory: OpenMemory) -> Gadgets? {
        let code = mappings.filter {
            $0.permissions.isSuperset(of: [.read, .execute]) && !$0.permissions.contains(.write)
                && ($0.isFileBacked || $0.name == "[vdso]")
        }
        // libc has all that is looked for.
        let likely = code.filter { $0.name.contains("libc") || $0.name.contains("vdso") }
        let others = code.filter { $0.name != "[vsyscall]" && !likely.contains($0) }
        var search = Search()
        // Only pages that are in memory: to look must not make the target larger. Then, if need be, all of them.
        for onlyPresent in [true, false] {
            for mapping in likely + others {
                let ranges = onlyPresent ? memory.pages.pages(.populated, in: mapping.range) : [mapping.range]
                for range in ranges where search.bytes < limitBytes {
                    search.look(in: range, memory: memory)
                    if let gadgets = search.complete { return gadgets }
                }
            }
            if let gadgets = search.acceptable { return gadgets }
            search.bytes = 0
        }
        return nil
    }

    private struct Search {
        var bytes: UInt64 = 0
        private var call: UInt64?
        private var direct: UInt64?
        private var pop: UInt64?

        var complete: Gadgets? {
            guard let call, let direct else { return nil }
            return Gadgets(call: call, return: .direct(direct))
        }

        var acceptable: Gadgets? {
            guard let call, let pop else { return complete }
            return complete ?? Gadgets(call: call, return: .popped(pop))
        }

        mutating func look(in range: AddressRange, memory: OpenMemory) {
            var at = range.lower
            while at < range.upper, complete == nil {
                let count = Int(min(UInt64(GadgetSearch.windowBytes), range.upper - at))
                let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 16)
                defer { buffer.deallocate() }
                let got = memory.file.read(at: at, into: buffer)
                guard got > 0 else { return }
                let window = UnsafeRawBufferPointer(rebasing: buffer[..<got])
                func find(_ bytes: [UInt8]) -> UInt64? {
                    guard let base = window.baseAddress,
                        let place = ByteSearch.first(bytes, in: window)
                    else { return nil }
                    return at + UInt64(place - base)
                }
                call = call ?? find(Gadgets.callBytes)
                pop = pop ?? find(Gadgets.popBytes)
                for pattern in Gadgets.returnBytes where direct == nil { direct = find(pattern) }
                bytes += UInt64(got)
                // Overlap, so that no sequence is cut in two.
                guard got == count, UInt64(count) == UInt64(GadgetSearch.windowBytes) else { return }
                at += UInt64(count - 16)
            }
        }
    }
}

/// The memory file and page map of one process, shared by those who read.
final class OpenMemory: Sendable {
    let pid: Int32
    let file: MemoryFile
    let pages: PageMap

    /// - Parameter writable: for injecting.
    init(_ pid: Int32, writable: Bool = false, procFS: ProcFS) throws(Errno) {
        self.pid = pid
        file = try MemoryFile(pid, writable: writable, root: procFS.root)
        pages = try PageMap(pid, root: procFS.root)
    }
}
