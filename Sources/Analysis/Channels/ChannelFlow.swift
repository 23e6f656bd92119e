package import Model

/// What went through channels between two looks, as far as the kernel counts it.
package struct ChannelFlow: Sendable {
    package struct Amount: Hashable, Sendable {
        /// Bytes to side 1 and to side 0; nil: the kernel does not count them.
        package var bytes: UInt64?
        package var bytesBack: UInt64?
        /// Whether anything moved; nil: cannot be told.
        package var moved: Bool?

        package init(bytes: UInt64? = nil, bytesBack: UInt64? = nil, moved: Bool? = nil) {
            self.bytes = bytes
            self.bytesBack = bytesBack
            self.moved = moved
        }
    }

    package let seconds: Double
    private var amounts: [Key: Amount] = [:]

    private struct Key: Hashable {
        var kind: Channel.Kind
        var identity: String

        init(_ channel: Channel) { (kind, identity) = (channel.kind, channel.identity) }
    }

    package init(from before: ChannelGraph, to after: ChannelGraph, seconds: Double) {
        self.seconds = seconds
        let earlier = Dictionary(before.channels.map { (Key($0), $0) }) { first, _ in first }
        for channel in after.channels {
            guard let old = earlier[Key(channel)] else { continue }
            amounts[Key(channel)] = ChannelFlow.amount(old, channel)
        }
    }

    /// nil for what was not there at the first look.
    package subscript(channel: Channel) -> Amount? { amounts[Key(channel)] }

    private static func amount(_ old: Channel, _ new: Channel) -> Amount {
        func difference(_ value: (Channel) -> UInt64?) -> UInt64? {
            guard let before = value(old), let after = value(new), after >= before else { return nil }
            return after - before
        }
        var amount = Amount(bytes: difference(\.carriedBytes), bytesBack: difference(\.carriedBytesBack))
        let counted = [amount.bytes, amount.bytesBack].compactMap { $0 }
        if counted.contains(where: { $0 > 0 }) || old.waiting != new.waiting && old.waiting != nil && new.waiting != nil
            || old.messages != new.messages && old.messages != nil && new.messages != nil
        {
            amount.moved = true
        } else if counted.count == 2 || old.stuck != nil && old.stuck == new.stuck {
            // As much unread as before is no sign of rest: a fast reader may have a writer as fast.
            amount.moved = false
        }
        return amount
    }
}
