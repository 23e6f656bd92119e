import Model
import Testing

@testable import Analysis

@Suite("Descriptors whose numbers lost objects keep") struct DescriptorSearchTests {
    @Test(
        "Fields that are called so",
        arguments: [
            "fd", "_fd", "m_fd", "sockfd", "epollFD", "clientSocket", "socket_", "sock", "descriptor", "fileDescriptor",
            "peer.fd2", "fds[i]", "listen_fds[i]", "fd_in", "fdRead", "file_descriptor", "socket.rawValue", "fileno",
        ]) func called(_ name: String)
    { #expect(DescriptorFieldName.says(name)) }

    @Test(
        "Fields that are not",
        arguments: [
            "", "fdCount", "fd_limit", "socketType", "descriptorCount", "count", "handler", "rawValue", "fd.flags",
            "[i]",
            "inFdOut", "offset", "id", "port",
        ]) func notCalled(_ name: String)
    { #expect(!DescriptorFieldName.says(name)) }

    @Test("Four bytes at the field's place, or an element of an array") func places() {
        let names = FieldNames([
            "A": [
                .init(offset: 8, size: 4, name: "fd"), .init(offset: 16, size: 8, name: "fds[i]"),
                .init(offset: 24, size: 8, name: "socket"), .init(offset: 32, size: 4, name: "count"),
                .init(offset: 40, size: 4, name: "peer.rawValue"), .init(offset: 44, size: 4, name: "sock.value"),
            ]
        ])
        let found = stride(from: 0, to: 52, by: 4).map { names.descriptorField(at: "+\($0)", of: "A") }
        let expected = [nil, nil, "fd", nil, "fds[i]", "fds[i]", nil, nil, nil, nil, nil, "sock", nil]
        #expect(found == expected)
        #expect(names.descriptorField(at: "+8", of: "B") == nil && names.descriptorField(at: "fd", of: "A") == nil)
    }

    // MARK: - Swift

    private static let open: Set<Int32> = [0, 1, 2, 10, 11, 12, 13]

    private func findings(_ swift: SwiftFixture, open: Set<Int32> = open) throws -> LeakFindings {
        var options = LeakAnalysis.Options(addressLimit: .max)
        options.openDescriptors = open
        return try #require(swift.findings(options))
    }

    /// With bytes of something else behind the number.
    private func write(_ number: Int32, behind: UInt32 = 0xdead_beef, at address: UInt64, _ swift: SwiftFixture) {
        swift.heap.memory.write(UInt64(behind) << 32 | UInt64(UInt32(bitPattern: number)), at: address)
    }

    @Test("Of lost objects, by field; not what is called otherwise, is closed, or is no number of four bytes")
    func fields() throws {
        var swift = SwiftFixture()
        let type = swift.type(
            "Connection",
            [
                .init(name: "retries", type: "s5Int32V"), .init(name: "fd", type: "s5Int32V"),
                .init(name: "socket", type: "Si"), .init(name: "descriptor", type: "s5Int32V"),
            ])
        let object = swift.object(type)
        write(10, at: object + 16, swift)
        write(11, at: object + 24, swift)
        write(12, behind: 0, at: object + 32, swift)
        write(99, at: object + 40, swift)
        for number: Int32 in [-1, 0, 1, 2] { write(number, at: swift.object(type) + 24, swift) }
        let found = try findings(swift)
        #expect(
            found.groups.flatMap(\.owners) == [DescriptorOwner(type: "App.Connection", field: "fd", numbers: [11])])
        #expect(found.groups.flatMap(\.descriptors) == [11] && found.descriptorGaps.isEmpty)
        #expect(try findings(swift, open: []).groups.flatMap(\.owners).isEmpty)
        #expect(found.groups.first?.owners.first?.text == "Connection.fd")
    }

    @Test("In a superclass, below a leader, on a ring; each group has its own") func below() throws {
        var swift = SwiftFixture()
        let base = swift.type("Base", [.init(name: "descriptor", type: "s5Int32V")])
        let derived = swift.type("Derived", [.init(name: "next", type: "yXlSg")], superclass: base)
        let leader = swift.type("Leader", [.init(name: "held", type: "yXlSg")])
        let (top, below) = (swift.object(leader), swift.object(derived))
        swift.heap.memory.write(below, at: top + 16)
        write(10, at: below + 16, swift)
        let ring = swift.object(derived)
        write(12, at: ring + 16, swift)
        swift.heap.memory.write(ring, at: ring + 24)
        let groups = try findings(swift).groups
        let owned = Dictionary(uniqueKeysWithValues: groups.map { ($0.type ?? "", $0) })
        #expect(owned["App.Leader"]?.descriptors == [10] && owned["App.Derived"]?.descriptors == [12])
        let owner = try #require(owned["App.Leader"]?.owners.first)
        #expect(owner.type == "App.Derived" && owner.field == "descriptor")
        #expect(owned["App.Leader"]?.leads(owner) == false)
    }

    @Test("An object in use that keeps the number owns it, whatever its class") func inUse() throws {
        var swift = SwiftFixture()
        let one = swift.type("One", [.init(name: "fd", type: "s5Int32V")])
        let other = swift.type("Other", [.init(name: "socket", type: "s5Int32V")])
        let counter = swift.type("Counter", [.init(name: "count", type: "s5Int32V")])
        for number: Int32 in [10, 11, 12] { write(number, at: swift.object(one) + 16, swift) }
        for (type, number) in [(other, Int32(11)), (counter, 12)] {
            let used = swift.object(type)
            write(number, at: used + 16, swift)
            swift.heap.root(used)
        }
        #expect(try findings(swift).groups.flatMap(\.descriptors) == [10, 12])
    }

    @Test("An optional without a value") func optional() throws {
        var swift = SwiftFixture()
        let type = swift.type("Maybe", [.init(name: "fd", type: "s5Int32VSg")])
        write(10, behind: 0xabcd_ef00, at: swift.object(type) + 16, swift)
        write(11, behind: 0xabcd_ef01, at: swift.object(type) + 16, swift)
        #expect(try findings(swift).groups.flatMap(\.descriptors) == [10])
    }

    @Test("Lost blocks without a type are said to be left out") func untyped() throws {
        var swift = SwiftFixture()
        let block = swift.heap.block(40)
        write(10, at: block + 8, swift)
        // No number of an open descriptor, and too large to be looked at.
        write(99, at: swift.heap.block(24), swift)
        #expect(try findings(swift).descriptorGaps.map(\.what) == ["1 lost block without a type"])
        _ = swift.heap.block(5000)
        let found = try findings(swift)
        #expect(found.descriptorGaps.map(\.what) == ["2 lost blocks without a type"])
        #expect(found.groups.flatMap(\.descriptors).isEmpty)
    }

    @Test("Blocks without a type are suspected where each of several has another number at one place") func suspects()
        throws
    {
        let numbers: [Int32] = [10, 11, 12, 13]
        func suspected(_ change: (inout SwiftFixture) -> Void = { _ in }) throws -> [[DescriptorOwner]] {
            var swift = SwiftFixture()
            change(&swift)
            for number in numbers { write(number, at: swift.heap.block(40) + 8, swift) }
            return try findings(swift).groups.map(\.suspects)
        }
        let suspect = DescriptorOwner(type: "block of 40 bytes", field: "+8", numbers: numbers, isDistinct: true)
        #expect(try suspected() == [[suspect]])
        // A fifth without a number, or with one that another has.
        #expect(try suspected { _ = $0.heap.block(40) } == [[]])
        #expect(try suspected { write(10, at: $0.heap.block(40) + 8, $0) } == [[]])
        // Another size, and the same below another block, say nothing of these.
        #expect(try suspected { _ = $0.heap.block(56) }.map(\.count).sorted() == [0, 1])
        #expect(
            try suspected {
                let leader = $0.heap.block(72)
                $0.heap.memory.write($0.heap.block(40), at: leader)
            }.map(\.count).sorted() == [0, 1])
        // One in use has one of the numbers at the same place: three are too few.
        #expect(
            try suspected {
                let used = $0.heap.block(40)
                write(10, at: used + 8, $0)
                $0.heap.root(used)
            } == [[]])
        #expect(
            try suspected {
                let used = $0.heap.block(40)
                write(10, at: used + 16, $0)
                $0.heap.root(used)
            } == [[suspect]])
    }

    @Test("Damaged memory never traps", arguments: Rounds.of(6, fuzz: 200)) func flipped(seed: UInt64) throws {
        var random = Seeded(seed)
        var swift = SwiftFixture(heapBytes: 1 << 16)
        let type = swift.type(
            "Connection", [.init(name: "fd", type: "s5Int32VSg"), .init(name: "next", type: "yXlSg")])
        for number: Int32 in 3..<40 { write(number, behind: 0, at: swift.object(type) + 16, swift) }
        for _ in 0..<20 {
            swift.heap.memory.flip(60, using: &random)
            var options = LeakAnalysis.Options()
            options.openDescriptors = Set(3..<40)
            _ = swift.findings(options)
        }
    }

    // MARK: - C++

    /// Places with numbers, as they are found without debug information.
    private func unnamed() -> LeakFindings {
        let summary = HeapSummary(
            allocator: "glibc", version: nil, arenas: 1, live: Tally(), freeBytes: 0, populatedBytes: 0)
        var group = LeakGroup(
            kind: .definite, count: 4, size: 40, type: "app::Peer (make_shared)", pointsTo: nil, bytes: 160,
            held: Tally(), heldKinds: [], addresses: [], signature: "a41f09")
        group.unnamedNumbers = [
            DescriptorOwner(type: "app::Peer", field: "+8", numbers: [10, 11, 12]),
            DescriptorOwner(type: "app::Peer", field: "+16", numbers: [12, 13]),
            DescriptorOwner(type: "app::Other", field: "+24", numbers: [10]),
        ]
        var findings = LeakFindings(
            heap: summary, definite: Tally(), indirect: Tally(), possible: Tally(), reachable: Tally(), cycleCount: 0,
            cycles: Tally(), groups: [group], gaps: [], exact: true, unconfirmed: 0)
        findings.unnamedNumbersInUse = [
            DescriptorOwner(type: "app::Peer", field: "+8", numbers: [11]),
            DescriptorOwner(type: "app::Peer", field: "+16", numbers: [12]),
            DescriptorOwner(type: "app::User", field: "+8", numbers: [10, 11]),
            DescriptorOwner(type: "app::Unasked", field: "+8", numbers: [13]),
        ]
        return findings
    }

    @Test("Places of C++ objects are owners once debug information names a descriptor there") func named() {
        var findings = unnamed()
        #expect(findings.numberedClasses == ["app::Peer", "app::Other"])
        let names = FieldNames([
            "app::Peer": [.init(offset: 8, size: 4, name: "fd_"), .init(offset: 16, size: 4, name: "count")],
            "app::Other": [.init(offset: 24, size: 8, name: "fd")],
        ])
        #expect(findings.classesInUse(names) == ["app::Peer", "app::User"] && findings.classesInUse(.none).isEmpty)
        findings.name(names)
        #expect(
            findings.groups[0].owners == [DescriptorOwner(type: "app::Peer", field: "fd_", numbers: [10, 12])])
        #expect(findings.groups[0].descriptors == [10, 12] && findings.descriptorGaps.isEmpty)
        #expect(findings.groups[0].leads(findings.groups[0].owners[0]))
        findings.groups[0].keepOwners(of: [12, 13])
        #expect(findings.groups[0].descriptors == [12])
        findings.groups[0].keepOwners(of: [])
        #expect(findings.groups[0].owners.isEmpty)
    }

    @Test("A field of another class in use has the number") func usedByOthers() {
        var findings = unnamed()
        let names = FieldNames(["app::Peer": [.init(offset: 8, size: 4, name: "fd_")]])
        findings.name(names.merging(FieldNames(["app::User": [.init(offset: 8, size: 4, name: "sock")]])))
        #expect(findings.groups[0].descriptors == [12])
        #expect(findings.descriptorGaps.map(\.what) == ["numbers in lost objects of app::Other"])
    }

    @Test("Without debug information nobody owns them, and that is said") func withoutNames() {
        var findings = unnamed()
        findings.name(.none)
        #expect(findings.groups[0].descriptors.isEmpty)
        #expect(findings.descriptorGaps.map(\.what) == ["numbers in lost objects of app::Other and 1 other C++ class"])
    }

    @Test("Places that stay without a name are suspected where each object has another number") func suspectedObjects()
    {
        var findings = unnamed()
        findings.groups[0].unnamedNumbers = [
            DescriptorOwner(type: "app::Peer", field: "+8", numbers: [9, 10, 11, 12, 13], isDistinct: true),
            DescriptorOwner(type: "app::Peer", field: "+16", numbers: [9, 10, 12, 13], isDistinct: true),
            DescriptorOwner(type: "app::Peer", field: "+24", numbers: [9, 10, 11, 12]),
        ]
        var named = findings
        findings.name(.none)
        // At +8 one in use keeps 11, at +16 12.
        #expect(
            findings.groups[0].suspects == [
                DescriptorOwner(type: "app::Peer", field: "+8", numbers: [9, 10, 12, 13], isDistinct: true)
            ])
        #expect(findings.groups[0].owners.isEmpty && findings.descriptorGaps.count == 1)
        // Where fields have names, these say what a place is.
        named.name(FieldNames(["app::Peer": [.init(offset: 8, size: 4, name: "count")]]))
        #expect(named.groups[0].suspects.isEmpty && named.groups[0].owners.isEmpty)
    }
}
