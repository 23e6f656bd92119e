import Model
import Testing

@testable import Analysis

@Suite("Which references hold Swift objects, and what only each other holds")
struct SwiftReferenceTests {
    @Test("A ring is named by its fields; its counts prove it, whatever a stale word says")
    func ring() throws {
        var swift = SwiftFixture()
        let owner = swift.type("Owner", [.init(name: "number", type: "Si"), .init(name: "pet", type: "yXlSg")])
        let pet = swift.type("Pet", [.init(name: "owner", type: "yXlSg")])
        let (first, second) = (swift.object(owner), swift.object(pet))
        swift.heap.memory.write(second, at: first + 24)
        swift.heap.memory.write(first, at: second + 16)
        swift.heap.root(first)
        let group = try #require(swift.findings()?.groups.first)
        #expect(group.kind == .cycle && group.certainty == .certain)
        #expect(group.cycle.map { "\($0.type).\($0.field)" } == ["App.Owner.pet", "App.Pet.owner"])
        #expect(group.breakAt == "make App.Pet.owner weak (a reference back)")
    }

    @Test("One reference from elsewhere, and the ring is in use")
    func countedElsewhere() throws {
        var swift = SwiftFixture()
        let type = swift.type("Loop", [.init(name: "next", type: "yXlSg")])
        let loop = swift.object(type, strong: 2)
        swift.heap.memory.write(loop, at: loop + 16)
        swift.heap.root(loop)
        let findings = try #require(swift.findings())
        #expect(findings.groups.isEmpty)
        #expect(findings.reachable.blocks == 1)
    }

    /// A ring buffer keeps the words of what was taken out of it; where in its tail an element lies only it knows.
    @Test("A leftover in the tail of an object in use hides no ring; an element there keeps one alive")
    func tail() throws {
        var swift = SwiftFixture()
        let buffer = swift.type("Buffer", [.init(name: "count", type: "Si")])
        let type = swift.type("Loop", [.init(name: "next", type: "yXlSg")])
        let (used, lost, kept) = (swift.object(buffer), swift.object(type), swift.object(type, strong: 2))
        swift.heap.memory.write(lost, at: lost + 16)
        swift.heap.memory.write(kept, at: kept + 16)
        swift.heap.memory.write(lost, at: used + 32)
        swift.heap.memory.write(kept, at: used + 40)
        swift.heap.root(used)
        let group = try #require(swift.findings()?.groups.first)
        #expect(group.addresses == [lost] && group.certainty == .certain)
        #expect(swift.findings()?.reachable.blocks == 2)
    }

    /// Memory that malloc gave before and nobody has written to since, as behind the contents of a byte buffer.
    @Test("A leftover in a block below one ring does not put another ring below it")
    func leftover() throws {
        var swift = SwiftFixture()
        let type = swift.type("Loop", [.init(name: "next", type: "yXlSg"), .init(name: "bytes", type: "Sv")])
        let rings = [swift.object(type), swift.object(type)]
        for ring in rings { swift.heap.memory.write(ring, at: ring + 16) }
        let bytes = swift.heap.block(72)
        swift.heap.memory.write(bytes, at: rings[0] + 24)
        swift.heap.memory.write(rings[1], at: bytes + 40)
        let findings = try #require(swift.findings())
        #expect(Set(findings.groups.flatMap(\.addresses)) == Set(rings))
        #expect(findings.groups.allSatisfy { $0.kind == .cycle && $0.certainty == .certain })
        #expect(findings.indirect.blocks == 1)
    }

    @Test("Unowned and plain references close no ring", arguments: ["yXlXo", "yXlXu", "s9UnmanagedVyyXlG", "Si"])
    func uncounted(type: String) throws {
        var swift = SwiftFixture()
        let owner = swift.type("Owner", [.init(name: "pet", type: "yXlSg")])
        let pet = swift.type("Pet", [.init(name: "owner", type: type)])
        let (first, second) = (swift.object(owner, unowned: type == "yXlXo" ? 1 : 0), swift.object(pet))
        swift.heap.memory.write(second, at: first + 16)
        swift.heap.memory.write(first, at: second + 16)
        let findings = try #require(swift.findings())
        #expect(findings.groups.map(\.kind) == [.overRetained])
        #expect(findings.groups.first?.references?.found == 0)
        #expect(findings.indirect.blocks == 1)
    }

    @Test("A class's own fields and those of its superclasses have their names")
    func superclass() throws { try superclass(isResilient: false) }

    @Test("So have those of a class whose superclass's size is only known when the program runs")
    func resilientSuperclass() throws { try superclass(isResilient: true) }

    private func superclass(isResilient: Bool) throws {
        var swift = SwiftFixture()
        let base = swift.type("Base", [.init(name: "link", type: "yXlSg")])
        let derived = swift.type("Derived", [.init(name: "extra", type: "yXlSg")], superclass: base)
        if isResilient { swift.setResilientSuperclass(of: derived) }
        let (first, second) = (swift.object(derived), swift.object(derived))
        swift.heap.memory.write(second, at: first + 16)
        swift.heap.memory.write(first, at: second + 24)
        let group = try #require(swift.findings()?.groups.first)
        #expect(Set(group.cycle.map(\.field)) == ["link", "extra"])
        #expect(group.certainty == .certain)
    }

    @Test("A word behind a managed buffer's header is part of an element")
    func bufferElements() {
        let parts = [
            SwiftLayout.Field(offset: 8, end: 16, name: "owner", kind: .strong),
            SwiftLayout.Field(offset: 16, end: 24, name: "", kind: .strong),
        ]
        let element = SwiftLayout.Value(size: 24, stride: 24, alignment: 8, isInline: true, fields: parts)
        let elements = SwiftLayout.Elements(first: 40, element: element)
        var names: [String?] = []
        for offset in stride(from: UInt64(32), through: 64, by: 8) { names.append(elements.name(at: offset)) }
        #expect(names == [nil, "elements[i]", "elements[i].owner", "elements[i]", "elements[i]"])
    }

    @Test("Of a task's frames only the part in use holds anything")
    func frames() throws {
        var swift = SwiftFixture()
        let metadata = swift.type("Task", [])
        swift.heap.memory.write(0x502, at: metadata)
        let task = swift.object(metadata, words: 30)
        let (block, kept, stale) = (swift.heap.block(1016), swift.heap.block(56), swift.heap.block(56))
        swift.heap.memory.write(block, at: task + 120)
        swift.write32(984, at: block + 16)
        swift.write32(16, at: block + 20)
        swift.heap.memory.write(kept, at: block + 40)
        swift.heap.memory.write(stale, at: block + 48)
        swift.heap.root(task)
        let findings = try #require(swift.findings())
        #expect(findings.groups.map(\.addresses) == [[stale]])
        #expect(findings.reachable.blocks == 3)
        // Measurements that do not fit: every word holds.
        swift.write32(4000, at: block + 20)
        #expect(try #require(swift.findings()).groups.isEmpty)
    }

    /// Objects with up to four strong fields, some counted from elsewhere: what is not reached from those is garbage.
    @Test("Trial deletion agrees with a naive computation", arguments: 0..<60 as Range<UInt64>)
    func randomGraph(seed: UInt64) throws {
        var random = Seeded(seed)
        var swift = SwiftFixture()
        let kinds = ["yXlSg", "yXlSg", "yXlSg", "yXlXo", "yXlXu"]
        let types = (0..<5).map { number in
            let fields = (0..<4).map { _ in kinds.randomElement(using: &random) ?? "yXl" }
            let type = swift.type(
                "T\(number)", fields.enumerated().map { .init(name: "f\($0.offset)", type: $0.element) })
            return (type: type, fields: fields)
        }
        let count = Int.random(in: 1...200, using: &random)
        let objects = (0..<count).map { _ in
            let type = types.randomElement(using: &random) ?? types[0]
            return (address: swift.object(type.type), fields: type.fields)
        }
        var strong = [UInt64](repeating: 0, count: count)
        var unowned = [UInt64](repeating: 0, count: count)
        var held = [[Int]](repeating: [], count: count)
        for (number, object) in objects.enumerated() {
            for (field, kind) in object.fields.enumerated() where Int.random(in: 0..<4, using: &random) == 0 {
                let target = Int.random(in: 0..<count, using: &random)
                swift.heap.memory.write(objects[target].address, at: object.address + 16 + UInt64(field) * 8)
                if kind == "yXlSg" {
                    strong[target] += 1
                    held[number].append(target)
                }
                if kind == "yXlXo" { unowned[target] += 1 }
            }
        }
        var work: [Int] = []
        for number in 0..<count {
            let elsewhere: UInt64 = strong[number] == 0 || Int.random(in: 0..<20, using: &random) == 0 ? 1 : 0
            swift.setCounts(objects[number].address, strong: strong[number] + elsewhere, unowned: unowned[number])
            if elsewhere > 0 { work.append(number) }
        }
        var alive = Set(work)
        while let number = work.popLast() {
            for target in held[number] where alive.insert(target).inserted { work.append(target) }
        }
        let graph = try #require(swift.graph())
        let references = try #require(graph.ownership.swift)
        let trial = try #require(graph.trial)
        for (number, object) in objects.enumerated() {
            let found = references.objects.number(of: BlockIndex.id(graph.index.find(object.address)))
            try #require(found >= 0)
            #expect(trial.isGarbage[found] == !alive.contains(number), "object \(number)")
            #expect(trial.found[found] == UInt32(strong[number]))
        }
    }
}
