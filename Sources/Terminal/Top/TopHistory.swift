import Analysis

/// Shares of the last looks, for the short histories beside the meters.
struct TopHistory: Sendable {
    private(set) var processor: [Double] = []
    private(set) var memory: [Double] = []

    private static let limit = 64

    mutating func append(_ meters: MachineMeters) {
        if let busy = meters.boundUse ?? meters.total?.busy { TopHistory.append(busy, to: &processor) }
        if let use = meters.memoryUse, use.total > 0 {
            TopHistory.append(Double(use.used) / Double(use.total), to: &memory)
        }
    }

    private static func append(_ share: Double, to list: inout [Double]) {
        list.append(min(max(share, 0), 1))
        if list.count > limit { list.removeFirst(list.count - limit) }
    }
}
