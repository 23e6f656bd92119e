import Analysis
import Model

/// A way from a root to a block, as people and as programs read it.
struct WhyPathText {
    let symbols: [UInt64: Symbol]
    var fields = FieldNames.none

    /// Of a longer way the first and the last steps are shown.
    private static let stepsShown = 8

    /// "SessionStore.shared in api", "the stack of thread worker (1235)"; escaped. nil for a lost block's way.
    func root(_ path: OwnershipPath) -> String? {
        path.root.map { WhyPathText.withoutModule(root($0), path.steps.map(\.type)) }
    }

    /// "SessionStore.cache -> [String: Session] -> Session"; escaped, without the module that all of it is of.
    func steps(_ path: OwnershipPath) -> String {
        let path = path.naming(fields)
        var texts = WhyPathText.runs(WhyPathText.joined(path.steps))
        if texts.count > WhyPathText.stepsShown {
            let left = texts.count - WhyPathText.stepsShown + 1
            texts.replaceSubrange(4..<(4 + left), with: ["(\(Units.grouped(left)) more)"])
        }
        let text = texts.joined(separator: " -> ")
        return TerminalText.escaped(WhyPathText.withoutModule(text, path.steps.map(\.type)))
    }

    /// Root and steps on one line.
    func line(_ path: OwnershipPath) -> String {
        [root(path), path.steps.isEmpty ? nil : steps(path)].compactMap { $0 }.joined(separator: " -> ")
    }

    func root(_ place: RootPlace) -> String {
        if place.isThreadLocal { return "thread-local storage of \(WhyPathText.thread(place))" }
        if let address = place.address, let symbol = symbols[address] { return SymbolText.place(symbol) }
        let at = place.address.map { " at \(Address($0))" } ?? ""
        let module = place.module.flatMap { $0.isEmpty ? nil : TerminalText.escaped($0) }
        switch place.kind {
        case .register: return "a register of \(WhyPathText.thread(place))"
        case .stack: return "the stack of \(WhyPathText.thread(place))\(function(place).map { ", in \($0)" } ?? "")"
        case .data: return "data of \(module ?? "a module")\(at)"
        case .anonymous: return "anonymous memory\(at)"
        case .shared: return "shared memory\(module.map { " " + $0 } ?? "")\(at)"
        case .kernel: return "the kernel (an epoll, a timer, a queued signal or a pipe)"
        case .threadVector: return "a finished thread's thread-local storage"
        case .torn: return "a part of the heap that could not be walked"
        }
    }

    /// "handle(_:) in api"; escaped.
    private func function(_ place: RootPlace) -> String? {
        guard let code = place.function, let symbol = symbols[code], symbol.isFunction else { return nil }
        return "\(TerminalText.escaped(SymbolText.function(symbol.name))) in \(TerminalText.escaped(symbol.module))"
    }

    private static func thread(_ place: RootPlace) -> String {
        guard let thread = place.thread else { return "a thread" }
        let name = place.threadNameBytes.isEmpty ? "" : " \(TerminalText.escaped(place.threadNameBytes))"
        return "thread\(name) (\(thread))"
    }

    /// Equal steps in a row, as in a list, become one.
    private static func runs(_ texts: [String]) -> [String] {
        var result: [(text: String, count: Int)] = []
        for text in texts {
            if result.last?.text == text { result[result.count - 1].count += 1 } else { result.append((text, 1)) }
        }
        return result.map { $0.count == 1 ? $0.text : "\($0.text) (\(Units.grouped($0.count)) times)" }
    }

    /// One text per step; a buffer of the standard library is its owner's affair: `Room.members[i]`.
    private static func joined(_ steps: [OwnershipPath.Step]) -> [String] {
        var result: [String] = []
        for (number, step) in steps.enumerated() {
            let isBuffer = TypeText.plain(step.type) != step.type
            if isBuffer, number > 0, step.offset == 0, let field = step.field, steps[number - 1].field != nil {
                result[result.count - 1] += field
            } else {
                result.append(text(step))
            }
        }
        return result
    }

    private static func text(_ step: OwnershipPath.Step) -> String {
        let type = typeName(step.type)
        // Where in it the pointer to it leads, when not to its start.
        let inside = step.offset == 0 ? "" : "(\(step.offset) bytes into) "
        // A closure's captures and a box's value have no name that would tell more.
        guard let field = step.field, !["closure", "box"].contains(step.type) else { return inside + type }
        switch field.first {
        case "+": return "\(inside)\(type) at \(field)"
        case "[", "?", "…": return inside + type + field
        default: return "\(inside)\(type).\(field)"
        }
    }

    /// "N bytes" as "block of N bytes".
    static func typeName(_ name: String) -> String {
        TypeText.isSize(name) ? "block of \(name)" : TypeText.plain(name)
    }

    /// A type of the languages' own libraries.
    static func isOfLibrary(_ type: String) -> Bool {
        ["Swift.", "std::", "__gnu_cxx::", "Foundation.", "__C.", "weak reference"].contains { type.hasPrefix($0) }
            || ["closure", "box"].contains(type)
    }

    /// Without the module where all `types` that have one have the same: it would stand there at every step.
    static func withoutModule(_ text: String, _ types: [String]) -> String {
        let modules = Set(types.map(TypeText.plain).compactMap(module)).subtracting(["Swift"])
        guard modules.count == 1, let module = modules.first else { return text }
        return TypeText.dropping(module: String(module), from: text)
    }

    private static func module(_ type: String) -> Substring? {
        guard let dot = type.firstIndex(of: "."), dot != type.startIndex else { return nil }
        let module = type[..<dot]
        return module.allSatisfy { $0.isLetter || $0.isNumber || $0 == "_" } ? module : nil
    }

    /// How a type is given to `nusu why` in a shell.
    static func argument(_ type: String) -> String {
        // The last component of a plain name is enough: `why` takes it.
        TerminalText.isPlainWord(type)
            ? type.split(separator: ".").last.map(String.init) ?? type : TerminalText.shellWord(type)
    }
}

extension WhyPathText {
    func json(_ path: OwnershipPath) -> JSONValue {
        let path = path.naming(fields)
        return .object([
            "root": path.root.map(json) ?? .null,
            "steps": .array(
                path.steps.map { step in
                    .object([
                        "address": .string(Address(step.address).description), "type": .string(step.type),
                        "field": JSONValue(step.field), "offset": JSONValue(step.offset),
                    ])
                }),
        ])
    }

    private func json(_ place: RootPlace) -> JSONValue {
        var fields: [String: JSONValue] = [
            "kind": .string(place.kind.rawValue),
            "address": place.address.map { .string(Address($0).description) } ?? .null,
            "thread": JSONValue(place.thread),
            "threadLocal": JSONValue(place.isThreadLocal),
            "threadName": .null,
            "module": JSONValue(place.module),
            "symbol": .null,
            "function": .null,
        ]
        if let code = place.function, let symbol = symbols[code], symbol.isFunction {
            fields["function"] = json(symbol)
        }
        if place.thread != nil { fields.set("threadName", bytes: place.threadNameBytes) }
        if let address = place.address, let symbol = symbols[address] {
            // A file's symbol table knows better than the mappings where its variables without initial values lie.
            fields["kind"] = .string(RootKind.data.rawValue)
            fields["module"] = .string(symbol.module)
            fields["symbol"] = json(symbol)
        }
        return .object(fields)
    }

    private func json(_ symbol: Symbol) -> JSONValue {
        .object([
            "name": .string(SymbolText.readable(symbol.name)), "mangled": .string(symbol.name),
            "module": .string(symbol.module), "offset": JSONValue(symbol.offset),
        ])
    }
}
