package import Model

extension ProcFS {
    /// Where a process's memory lies, by the names of its mappings, and what it has open.
    /// - Parameter limit: of each list.
    package func evidence(of pid: Int32, limit: Int = 20) -> EvidenceFacts {
        var facts = EvidenceFacts()
        if let bytes = try? ProcFile.read(path(of: pid) + "/smaps", limit: 4 * Limit.maps) {
            facts.mapped = Array(ProcFS.mapped(parsing: bytes).prefix(limit))
        }
        facts.opened = opened(of: pid).map { Array($0.prefix(limit)) }
        return facts
    }

    /// man 5 proc_pid_smaps: a line as in maps, then `Name:  12 kB` lines.
    static func mapped(parsing bytes: [UInt8]) -> [EvidenceFacts.Mapped] {
        var result: [[UInt8]: EvidenceFacts.Mapped] = [:]
        bytes.withUnsafeBufferPointer { buffer in
            var scanner = ByteScanner(buffer)
            var name: [UInt8] = []
            while var line = scanner.line() {
                if line.skip("Rss:") {
                    result[name]?.residentBytes &+= line.blankThenKilobytes() ?? 0
                } else if let first = line.peek, first < UInt8(ascii: "A") || first > UInt8(ascii: "Z"),
                    let range = AddressRange(scanning: &line)
                {
                    // Permissions, offset, device, inode.
                    for _ in 0..<4 { _ = line.word() }
                    line.skipBlanks()
                    name = Array(line.rest)
                    var mapped = result[name] ?? EvidenceFacts.Mapped(nameBytes: name)
                    mapped.count += 1
                    mapped.reservedBytes &+= range.count
                    result[name] = mapped
                }
            }
        }
        return result.values.sorted { ($1.residentBytes, $0.nameBytes.count) < ($0.residentBytes, $1.nameBytes.count) }
    }

    private func opened(of pid: Int32) -> [EvidenceFacts.Opened]? {
        let folder = path(of: pid) + "/fd"
        guard let names = try? ProcFile.entries(folder, limit: Limit.descriptors) else { return nil }
        var counts: [[UInt8]: Int] = [:]
        for name in names {
            guard let target = try? ProcFile.link("\(folder)/\(String(decoding: name, as: UTF8.self))") else {
                continue
            }
            // "socket:[1234]" and "pipe:[99]" are all of a kind; "anon_inode:[eventpoll]" names its kind in brackets.
            let isNumbered = target.starts(with: "socket:[".utf8) || target.starts(with: "pipe:[".utf8)
            let kind = isNumbered ? Array(target.prefix { $0 != UInt8(ascii: ":") }) : target
            counts[kind, default: 0] += 1
        }
        return counts.map { EvidenceFacts.Opened(kindBytes: $0.key, count: $0.value) }
            .sorted { ($1.count, $0.kindBytes.count) < ($0.count, $1.kindBytes.count) }
    }
}
