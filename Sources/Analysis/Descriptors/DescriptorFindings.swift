package import Model

/// What is worth a look among a process's descriptors.
package enum DescriptorFinding: Hashable, Sendable {
    /// So close to the limit that the next open may fail with EMFILE.
    case nearLimit(open: Int, limit: UInt64)
    /// Files without a name that keep their room on a disk until the last descriptor is closed.
    case deletedFiles(count: Int, diskBytes: UInt64, largest: Descriptor)
    /// TCP connections that the other end has closed and the program has not.
    case abandoned(count: Int, first: Descriptor)
    /// One file that was opened again and again.
    case openedOften(count: Int, first: Descriptor)

    /// Of 100 possible descriptors.
    private static let nearPercent = 80
    private static let leastDiskBytes: UInt64 = 1 << 20
    private static let leastAbandoned = 16
    private static let leastOpenings = 16

    /// In the order of urgency.
    package static func findings(in table: DescriptorTable) -> [DescriptorFinding] {
        var result: [DescriptorFinding] = []
        if let total = table.total, let limit = table.softLimit, limit > 0,
            Double(total) * 100 >= Double(limit) * Double(nearPercent)
        {
            result.append(.nearLimit(open: total, limit: limit))
        }
        let abandoned = table.descriptors.filter { $0.socket?.state == .abandoned }
        if abandoned.count >= leastAbandoned { result.append(.abandoned(count: abandoned.count, first: abandoned[0])) }
        if let deleted = deletedFiles(table) { result.append(deleted) }
        if let often = openedOften(table) { result.append(often) }
        return result
    }

    private static func deletedFiles(_ table: DescriptorTable) -> DescriptorFinding? {
        var seen: Set<Mapping.FileID> = []
        let files = table.descriptors.filter { descriptor in
            descriptor.isDeleted && descriptor.kind == .file && descriptor.diskBytes ?? 0 > 0
                && descriptor.file.map { seen.insert($0).inserted } ?? true
        }
        let bytes = files.reduce(UInt64(0)) { $0.addingReportingOverflow($1.diskBytes ?? 0).partialValue }
        guard bytes >= leastDiskBytes, let largest = files.max(by: { $0.diskBytes ?? 0 < $1.diskBytes ?? 0 }) else {
            return nil
        }
        return .deletedFiles(count: files.count, diskBytes: bytes, largest: largest)
    }

    private static func openedOften(_ table: DescriptorTable) -> DescriptorFinding? {
        var byFile: [Mapping.FileID: (count: Int, first: Int)] = [:]
        for (index, descriptor) in table.descriptors.enumerated() where descriptor.kind == .file {
            guard let file = descriptor.file else { continue }
            byFile[file, default: (0, index)].count += 1
        }
        guard let most = byFile.values.max(by: { ($0.count, $1.first) < ($1.count, $0.first) }),
            most.count >= leastOpenings
        else { return nil }
        return .openedOften(count: most.count, first: table.descriptors[most.first])
    }
}
