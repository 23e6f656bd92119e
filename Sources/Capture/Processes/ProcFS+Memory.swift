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
