import Model
import Testing

@Suite("Addresses and ranges") struct AddressRangeTests {
    private func ranges(_ pairs: [(UInt64, UInt64)]) -> [AddressRange] { pairs.map { AddressRange($0.0, $0.1) } }

    @Test("An inverted pair of bounds is empty, and arithmetic at the ends wraps") func ends() {
        #expect(AddressRange(9, 3).isEmpty)
        #expect(AddressRange(0, .max).count == .max)
        #expect(Address(.max) + 1 == Address(0))
        #expect(Address(0) - 1 == Address(.max))
        #expect(Address(0x7f3c_0000_1010).description == "0x7f3c00001010")
    }

    @Test("Joining and subtracting agree with sets of small numbers", arguments: 0..<200 as Range<UInt64>)
    func againstSets(seed: UInt64) {
        var state = seed &* 0x9e37_79b9_7f4a_7c15 | 1
        func next(_ bound: UInt64) -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return (state >> 33) % bound
        }
        func some() -> [AddressRange] {
            (0..<next(6)).map { _ in
                let lower = next(40)
                return AddressRange(lower, lower + next(12))
            }
        }
        let left = some()
        let right = some()
        let merged = left.merged()
        let members = Set(left.flatMap { Array($0.lower..<$0.upper) })
        #expect(Set(merged.flatMap { Array($0.lower..<$0.upper) }) == members)
        for (one, other) in zip(merged, merged.dropFirst()) { #expect(one.upper < other.lower) }
        let rest = merged.subtracting(right.merged())
        let expected = members.subtracting(right.flatMap { Array($0.lower..<$0.upper) })
        #expect(rest.flatMap { Array($0.lower..<$0.upper) } == expected.sorted())
    }

    @Test("The mapping at an address") func mappingAt() {
        struct Nothing: MemoryReader {
            func read(at address: UInt64, into buffer: UnsafeMutableRawBufferPointer) -> Int { 0 }
        }
        let mappings = ranges([(10, 20), (20, 30), (50, 60)]).map { Mapping(range: $0, permissions: .read) }
        let image = MemoryImage(
            process: ProcessIdentity(pid: 1, startTicks: 1, commandBytes: []), mappings: mappings, threads: [],
            reader: Nothing(), gaps: [])
        for address in 0..<70 as Range<UInt64> {
            #expect(image.mapping(at: address) == mappings.first { $0.range.contains(address) })
        }
    }
}
