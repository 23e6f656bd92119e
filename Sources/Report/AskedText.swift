import Analysis
import Model

extension LeakReport {
    /// The answer to `--about`: per address its block, its fate, and every word that holds it.
    package func aboutText(_ style: TextStyle) -> String {
        var lines: [String] = []
        for asked in findings.asked {
            lines.append(style.strong(style.fit(LeakReport.headline(asked))))
            for holder in asked.holders { lines.append(style.fit("  " + LeakReport.text(holder))) }
            if asked.holders.count == AskedBlock.holderLimit { lines.append("  (and perhaps more)") }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func headline(_ asked: AskedBlock) -> String {
        let address = Address(asked.asked)
        guard asked.fate != .none else {
            return "\(address): no block in use lies there (free memory, another mapping, or nothing)."
        }
        let inside = asked.asked == asked.start ? "" : " (the address is \(asked.asked - asked.start) bytes into it)"
        let block = "\(address): block of \(Units.counted(Int(clamping: asked.size), "byte"))\(inside)"
        switch asked.fate {
        case .definite: return "\(block) is lost: nothing but what it holds itself points to it."
        case .indirect: return "\(block) is lost together with what points to it:"
        case .possible: return "\(block) is perhaps lost: only pointers into the middle of a block lead to it:"
        case .reachable, .none: return "\(block) is reachable, since these point to it:"
        }
    }

    private static func text(_ holder: Holder) -> String {
        let target = holder.offset == 0 ? "to its start" : "into it, at byte \(holder.offset)"
        let place = holder.address.map { " at \(Address($0))" } ?? ""
        if let block = holder.block { return "a word in the block \(Address(block))\(place): \(target)" }
        return "\(holder.root.map(name) ?? "memory")\(place): \(target)"
    }

    private static func name(_ root: RootKind) -> String {
        switch root {
        case .register: "a register of a thread"
        case .stack: "a thread's stack"
        case .data: "a module's data"
        case .anonymous: "anonymous memory"
        case .shared: "shared memory"
        case .kernel: "the kernel (an epoll, a timer, a queued signal or a pipe)"
        case .threadVector: "a thread's vector of thread-local storage"
        case .torn: "a part of the heap that could not be walked"
        }
    }

    var askedJSON: [JSONValue] {
        findings.asked.map { asked in
            let isBlock = asked.fate != .none
            return .object([
                "address": .string(Address(asked.asked).description),
                "verdict": isBlock ? .string(asked.fate.rawValue) : .null,
                "block": isBlock ? .string(Address(asked.start).description) : .null,
                "size": isBlock ? JSONValue(asked.size) : .null,
                "holders": .array(asked.holders.map(LeakReport.json)),
            ])
        }
    }

    static func json(_ holder: Holder) -> JSONValue {
        .object([
            "kind": .string(holder.root?.rawValue ?? "block"),
            "address": holder.address.map { .string(Address($0).description) } ?? .null,
            "block": holder.block.map { .string(Address($0).description) } ?? .null,
            "offset": JSONValue(holder.offset),
        ])
    }
}
