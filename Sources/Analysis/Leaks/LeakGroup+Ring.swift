extension LeakGroup {
    /// The way around the ring in one line, with the names that the run-time has: "main.Owner.pet -> main.Pet.owner ->
    /// main.Owner"; empty where there is no short one. Raw, not escaped.
    package var ringText: String {
        guard let first = cycle.first else { return "" }
        // A closure's captures and a box's value have no name that would tell more.
        let steps = cycle.map { ["closure", "box"].contains($0.type) ? $0.type : "\($0.type).\($0.field)" }
        return (steps + [first.type]).joined(separator: " -> ")
    }

    /// The same as the report prints it: "Owner.pet -> Pet.owner -> Owner".
    package var shortRingText: String { withoutModule(ringText) }

    /// Without the module where the whole ring is of one: it would stand there at every step.
    package func withoutModule(_ text: String) -> String {
        let modules = Set(cycle.map(\.type).filter { $0.contains(".") }.map { $0.prefix { $0 != "." } })
        guard modules.count == 1, let module = modules.first else { return text }
        return TypeText.dropping(module: String(module), from: text)
    }
}
