import ArgumentParser
import Model

enum ColorChoice: String, CaseIterable, ExpressibleByArgument {
    case auto
    case always
    case never
}

/// `--snapshot`.
enum SnapshotChoice: String, CaseIterable, ExpressibleByArgument {
    case auto
    case fork
    case copy
    case stream

    /// nil: nusu chooses.
    var method: SnapshotMethod? {
        switch self {
        case .auto: nil
        case .fork: .fork
        case .copy: .copy
        case .stream: .stream
        }
    }
}

/// A time: `0.25`, `0.25s`, `250ms`, `5m`.
struct Seconds: ExpressibleByArgument {
    let value: Double

    init(_ value: Double) { self.value = value }

    init?(argument: String) {
        let units: [(suffix: String, factor: Double)] = [("ms", 0.001), ("s", 1), ("m", 60), ("h", 3600), ("", 1)]
        guard let unit = units.first(where: { argument.hasSuffix($0.suffix) }),
            let number = Double(argument.dropLast(unit.suffix.count)), number.isFinite, number >= 0,
            number * unit.factor < 1e6
        else { return nil }
        value = number * unit.factor
    }

    var defaultValueDescription: String { "\(value)" }
}

/// `--confirm`.
enum Confirmation: ExpressibleByArgument {
    /// Where it is cheap.
    case automatic
    case never
    case after(Seconds)

    init?(argument: String) {
        switch argument {
        case "auto": self = .automatic
        case "never": self = .never
        default:
            guard let seconds = Seconds(argument: argument) else { return nil }
            self = .after(seconds)
        }
    }

    var defaultValueDescription: String { "auto" }
}

/// A size: `4096`, `64K`, `1.5M`, `2G`, with or without `iB` behind.
struct ByteSize: ExpressibleByArgument {
    let count: UInt64

    init(_ count: UInt64) { self.count = count }

    init?(argument: String) {
        var digits = argument.uppercased()
        for suffix in ["IB", "B"] where digits.hasSuffix(suffix) {
            digits.removeLast(suffix.count)
            break
        }
        let factors: [Character: Double] = ["K": 1024, "M": 1_048_576, "G": 1_073_741_824]
        var factor = 1.0
        if let last = digits.last, let unit = factors[last] {
            factor = unit
            digits.removeLast()
        }
        guard let number = Double(digits), number.isFinite, number >= 0, number * factor < 1e18 else { return nil }
        count = UInt64(number * factor)
    }

    var defaultValueDescription: String { "\(count)" }
}

/// A share of a whole: `90%`, `90`; above 0, at most 100.
struct Percent: ExpressibleByArgument {
    let share: Double

    init?(argument: String) {
        let digits = argument.hasSuffix("%") ? String(argument.dropLast()) : argument
        guard let number = Double(digits), number > 0, number <= 100 else { return nil }
        share = number / 100
    }
}

/// An address as nusu and debuggers print it: `0x55d0c8e00000`, or hexadecimal digits alone.
struct HexAddress: ExpressibleByArgument {
    let value: UInt64

    init?(argument: String) {
        let digits = argument.lowercased().hasPrefix("0x") ? String(argument.dropFirst(2)) : argument
        guard let value = UInt64(digits, radix: 16) else { return nil }
        self.value = value
    }
}
