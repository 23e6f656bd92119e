package import Model

/// What `madvise` said of a mapping and what matters to a snapshot (`VmFlags` in smaps, man 5 proc_pid_smaps).
package struct MemoryAdvice: Hashable, Sendable {
    package let range: AddressRange
    /// `dc`: MADV_DONTFORK, a forked child does not have it.
    package let isLeftOutOfForks: Bool
    /// `wf`: MADV_WIPEONFORK, a forked child finds zeros there.
    package let isWipedOnFork: Bool
}

/// How the machine promises memory (man 5 proc: overcommit_memory).
package struct Overcommit: Hashable, Sendable {
    /// 0 heuristic, 1 always, 2 never beyond CommitLimit.
    package let mode: Int
    package let commitLimitBytes: UInt64?
    package let committedBytes: UInt64?
    /// MemAvailable: what can be had without swapping.
    package let availableBytes: UInt64?
}

extension ProcFS {
    /// The mappings that a fork would not copy as they are. Reading smaps walks all page tables: about as dear as
    /// a fork, so only for those who need it.
    package func advice(of pid: Int32) throws(Failure) -> [MemoryAdvice] {
        let bytes = try read("smaps", of: pid, limit: 4 * Limit.maps)
        var result: [MemoryAdvice] = []
        bytes.withUnsafeBufferPointer { buffer in
            var scanner = ByteScanner(buffer)
            var range: AddressRange?
            while var line = scanner.line() {
                if line.skip("VmFlags:") {
                    guard let range else { continue }
                    if let advice = ProcFS.advice(range, flags: &line) { result.append(advice) }
                } else if let first = line.peek, first < UInt8(ascii: "A") || first > UInt8(ascii: "Z") {
                    // Only a mapping's own line starts with a digit or a small letter; it resets what came before.
                    range = AddressRange(scanning: &line)
                }
            }
        }
        return result
    }

    private static func advice(_ range: AddressRange, flags: inout ByteScanner) -> MemoryAdvice? {
        var isLeftOut = false
        var isWiped = false
        while let flag = flags.word() {
            if flag.elementsEqual("dc".utf8) { isLeftOut = true }
            if flag.elementsEqual("wf".utf8) { isWiped = true }
        }
        guard isLeftOut || isWiped else { return nil }
        return MemoryAdvice(range: range, isLeftOutOfForks: isLeftOut, isWipedOnFork: isWiped)
    }

    /// How the machine promises memory; mode 0 where the kernel does not say.
    package func overcommit() -> Overcommit {
        var fields: [String: UInt64] = [:]
        let bytes = (try? ProcFile.read(root + "/meminfo", limit: Limit.small)) ?? []
        bytes.withUnsafeBufferPointer { buffer in
            var scanner = ByteScanner(buffer)
            while var line = scanner.line() {
                guard let key = line.upTo(UInt8(ascii: ":")), let value = line.blankThenKilobytes() else { continue }
                fields[String(decoding: key, as: UTF8.self)] = value
            }
        }
        let mode = number(inFile: root + "/sys/vm/overcommit_memory").flatMap { Int(exactly: $0) }
        return Overcommit(
            mode: mode ?? 0, commitLimitBytes: fields["CommitLimit"], committedBytes: fields["Committed_AS"],
            availableBytes: fields["MemAvailable"])
    }
}
