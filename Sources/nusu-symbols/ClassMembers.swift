import CElfutils
import Glibc

/// Looks for classes in debug information (DWARF 2 to 5, read by libdw) and prints where their fields lie.
struct ClassMembers {
    private var wanted: Set<String>

    /// Fields of fields: `session.peer.address`.
    private static let depthLimit = 5
    private static let fieldLimit = 4096
    private static let scopeLimit = 32

    init(wanted: Set<String>) { self.wanted = wanted }

    var isDone: Bool { wanted.isEmpty }

    /// Searches one ELF file, and the detached debug information that belongs to it.
    mutating func search(_ descriptor: Int32) {
        var callbacks = Dwfl_Callbacks()
        callbacks.find_debuginfo = dwfl_standard_find_debuginfo
        callbacks.section_address = dwfl_offline_section_address
        // libdw takes the descriptor and the callbacks for as long as the session lives.
        withUnsafePointer(to: callbacks) { callbacks in
            guard let session = dwfl_begin(callbacks) else { return }
            defer { dwfl_end(session) }
            guard let module = dwfl_report_offline(session, "module", "module", descriptor) else { return }
            dwfl_report_end(session, nil, nil)
            var bias: Dwarf_Addr = 0
            var unit: UnsafeMutablePointer<Dwarf_Die>?
            while !isDone, let next = dwfl_module_nextcu(module, unit, &bias) {
                unit = next
                searchChildren(of: next, scope: "", depth: 0)
            }
        }
    }

    /// Classes stand in namespaces and in other classes.
    private mutating func searchChildren(
        of parent: UnsafeMutablePointer<Dwarf_Die>, scope: String, depth: Int
    ) {
        guard depth < ClassMembers.scopeLimit else { return }
        ClassMembers.forEachChild(of: parent) { die in
            switch Int(dwarf_tag(die)) {
            case DW_TAG_namespace:
                let name = ClassMembers.name(of: die) ?? "(anonymous namespace)"
                searchChildren(of: die, scope: scope + name + "::", depth: depth + 1)
            case DW_TAG_class_type, DW_TAG_structure_type:
                guard let name = ClassMembers.name(of: die), dwarf_hasattr(die, UInt32(DW_AT_declaration)) == 0 else {
                    return
                }
                if wanted.remove(scope + name) != nil { print(die, scope + name) }
                if dwarf_haschildren(die) > 0 { searchChildren(of: die, scope: scope + name + "::", depth: depth + 1) }
            default: break
            }
        }
    }

    private func print(_ die: UnsafeMutablePointer<Dwarf_Die>, _ name: String) {
        var lines = ["=\(name)"]
        ClassMembers.fields(of: die, at: 0, prefix: "", depth: 0, &lines)
        Swift.print(lines.joined(separator: "\n"))
    }

    private static func fields(
        of type: UnsafeMutablePointer<Dwarf_Die>, at base: UInt64, prefix: String, depth: Int, _ lines: inout [String]
    ) {
        guard depth < depthLimit else { return }
        forEachChild(of: type) { die in
            guard lines.count < fieldLimit else { return }
            let isBase = Int(dwarf_tag(die)) == DW_TAG_inheritance
            // A static member has no place in the object.
            guard isBase || Int(dwarf_tag(die)) == DW_TAG_member,
                let offset = number(of: die, DW_AT_data_member_location),
                var field = plainType(of: die)
            else { return }
            let place = base &+ offset
            if isBase { return fields(of: &field, at: place, prefix: prefix, depth: depth + 1, &lines) }
            var size: Dwarf_Word = 0
            _ = dwarf_aggregate_size(&field, &size)
            let name = name(of: die).map { prefix + $0 } ?? prefix
            let tag = Int(dwarf_tag(&field))
            if tag == DW_TAG_class_type || tag == DW_TAG_structure_type, !isOfLibrary(&field) {
                fields(of: &field, at: place, prefix: name.isEmpty ? "" : name + ".", depth: depth + 1, &lines)
            } else if !name.isEmpty {
                lines.append("\(place) \(size) \(name)\(tag == DW_TAG_array_type ? "[i]" : "")")
            }
        }
    }

    // MARK: - libdw

    private static func forEachChild(
        of parent: UnsafeMutablePointer<Dwarf_Die>, _ body: (UnsafeMutablePointer<Dwarf_Die>) -> Void
    ) {
        var die = Dwarf_Die()
        guard dwarf_child(parent, &die) == 0 else { return }
        var status: Int32
        repeat {
            var copy = die
            body(&copy)
            status = dwarf_siblingof(&copy, &die)
        } while status == 0
    }

    private static func name(of die: UnsafeMutablePointer<Dwarf_Die>) -> String? {
        guard let text = dwarf_diename(die) else { return nil }
        let name = String(cString: text)
        // Lines and words are what the answer is made of.
        return name.isEmpty || name.utf8.contains(where: { $0 < 0x20 }) ? nil : name
    }

    private static func number(of die: UnsafeMutablePointer<Dwarf_Die>, _ attribute: Int) -> UInt64? {
        var value = Dwarf_Attribute()
        var number: Dwarf_Word = 0
        guard dwarf_attr_integrate(die, UInt32(attribute), &value) != nil, dwarf_formudata(&value, &number) == 0 else {
            return nil
        }
        return number
    }

    /// The type of a member without typedefs and qualifiers.
    private static func plainType(of die: UnsafeMutablePointer<Dwarf_Die>) -> Dwarf_Die? {
        var attribute = Dwarf_Attribute()
        var type = Dwarf_Die()
        guard dwarf_attr_integrate(die, UInt32(DW_AT_type), &attribute) != nil,
            dwarf_formref_die(&attribute, &type) != nil
        else { return nil }
        var plain = Dwarf_Die()
        return dwarf_peel_type(&type, &plain) == 0 ? plain : type
    }

    /// The standard library's members say less than the member that is of its type.
    private static func isOfLibrary(_ type: UnsafeMutablePointer<Dwarf_Die>) -> Bool {
        var scopes: UnsafeMutablePointer<Dwarf_Die>?
        let count = dwarf_getscopes_die(type, &scopes)
        defer { free(scopes) }
        guard count > 0, let scopes else { return false }
        return (0..<Int(count)).contains { number in
            Int(dwarf_tag(scopes + number)) == DW_TAG_namespace
                && ["std", "__gnu_cxx"].contains(name(of: scopes + number) ?? "")
        }
    }
}
