/// How sizes, counts, times and shares are written for people. JSON has plain bytes and seconds instead.
package enum Units {
    /// "1 byte", "512 bytes", "7.4 KiB", "748 MiB", "1.2 GiB": one decimal below 100, none from there on.
    package static func bytes(_ count: UInt64) -> String {
        guard count >= 1024 else { return count == 1 ? "1 byte" : "\(count) bytes" }
        let names = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]
        var index = 0
        var unit: UInt64 = 1024
        // A size that would round to 1,024 of a unit is one of the next.
        while index < names.count - 1, count >= unit &* 1024 - unit / 2 {
            index += 1
            unit *= 1024
        }
        let whole = count / unit
        // Up to 2^50 the tenths are exact; above, the bits shifted out are less than a tenth.
        let shift = unit > 1 << 50 ? 10 as UInt64 : 0
        let tenths = (((count % unit) >> shift) * 10 + (unit >> shift) / 2) / (unit >> shift)
        if whole * 10 + tenths < 1000 { return "\(whole + tenths / 10).\(tenths % 10) \(names[index])" }
        return "\(grouped(Int(whole + (count % unit >= unit / 2 ? 1 : 0)))) \(names[index])"
    }

    /// "0", "512B", "7.4M", "748M", "-1.2G": for narrow columns. K, M, G are 1024, 1024² and 1024³.
    package static func short(_ bytes: Double) -> String {
        guard bytes.isFinite, abs(bytes) < 1e19 else { return "?" }
        let sign = bytes <= -0.5 ? "-" : ""
        var size = abs(bytes)
        if size < 0.5 { return "0" }
        var names = Array("BKMGTPE")[...]
        // What would be rounded to a thousand takes the next unit: three digits at most.
        while size >= 999.5, names.count > 1 {
            size /= 1024
            names.removeFirst()
        }
        guard names.count < 7, size < 9.95 else { return "\(sign)\(Int(size.rounded()))\(names[names.startIndex])" }
        let tenths = Int((size * 10).rounded())
        return "\(sign)\(tenths / 10).\(tenths % 10)\(names[names.startIndex])"
    }

    /// A size in the unit that suits `whole`, for a column that adds up: "402.3 MiB", "5,312 KiB".
    package static func fixed(_ count: UInt64, like whole: UInt64) -> String {
        guard whole >= 10 << 20 else { return "\(grouped(Int(clamping: (count + 512) >> 10))) KiB" }
        let tenths = count / 1024 * 10 / 1024 + (count / 1024 * 10 % 1024 >= 512 ? 1 : 0)
        return "\(grouped(Int(clamping: tenths / 10))).\(tenths % 10) MiB"
    }

    /// "54 %", "0 %".
    package static func percent(_ part: UInt64, of whole: UInt64) -> String {
        whole == 0 ? "" : "\(Int((Double(part) / Double(whole) * 100).rounded())) %"
    }

    /// "70,676".
    package static func grouped(_ count: Int) -> String {
        let digits = Array(String(count.magnitude))
        var result = count < 0 ? "-" : ""
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.count - index) % 3 == 0 { result += "," }
            result.append(digit)
        }
        return result
    }

    /// "1 block", "70,676 blocks".
    package static func counted(_ count: Int, _ noun: String, plural: String? = nil) -> String {
        "\(grouped(count)) \(count == 1 ? noun : plural ?? noun + "s")"
    }

    /// "0.3 ms", "9 ms", "1.4 s", "75 s".
    package static func seconds(_ value: Double) -> String {
        guard value.isFinite, value >= 0, value < 1e9 else { return "an unknown time" }
        if value < 0.01 { return "\(decimal(max(value * 1000, 0.1))) ms" }
        if value < 0.9995 { return "\(Int((value * 1000).rounded())) ms" }
        return value < 9.95 ? "\(decimal(value)) s" : "\(Int(value.rounded())) s"
    }

    /// "12,345 ms": a place in a trace, which is told to the millisecond.
    package static func milliseconds(_ nanoseconds: UInt64) -> String {
        "\(grouped(Int(nanoseconds / 1_000_000))) ms"
    }

    /// "75 s", "10 min", "3.5 h", "12 d": a time between two looks.
    package static func span(_ value: Double) -> String {
        guard value.isFinite, value >= 120, value < 1e9 else { return seconds(value) }
        if value < 7200 { return "\(Int((value / 60).rounded())) min" }
        return value < 172_800 ? "\(decimal(value / 3600)) h" : "\(Int((value / 86_400).rounded())) d"
    }

    /// "5 %", "under 1 %"; nil where the whole is not known, nothing, or smaller than its part (some of it is swapped).
    package static func share(_ part: UInt64, of whole: UInt64?) -> String? {
        guard let whole, whole > 0, part <= whole else { return nil }
        let percent = (Double(part) / Double(whole) * 100).rounded()
        return percent < 1 ? "under 1 %" : "\(Int(percent)) %"
    }

    /// "0.6", "41", "1,204": how often in a second.
    package static func rate(_ value: Double) -> String {
        guard value.isFinite, value >= 0, value < 1e15 else { return "?" }
        return value < 9.95 ? decimal(value) : grouped(Int(value.rounded()))
    }

    /// "3 %", "under 1 %", "0 %", "340 %": the share of one core.
    package static func cores(_ value: Double) -> String {
        guard value.isFinite, value >= 0, value < 1e6 else { return "?" }
        return value > 0 && value < 0.005 ? "under 1 %" : "\(Int((value * 100).rounded())) %"
    }

    /// One decimal, left out where it is 0.
    private static func decimal(_ value: Double) -> String {
        let tenths = Int((value * 10).rounded())
        return tenths % 10 == 0 ? "\(tenths / 10)" : "\(tenths / 10).\(tenths % 10)"
    }
}
