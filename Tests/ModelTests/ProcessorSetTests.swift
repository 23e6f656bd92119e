import Testing

@testable import Model

@Suite struct ProcessorSetTests {
    @Test(arguments: [
        ("0", [0]), ("0-3", [0, 1, 2, 3]), ("0-1,8", [0, 1, 8]), ("", []), ("63-64", [63, 64]),
        ("1023,1025", [1023, 1025]),
    ])
    func lists(_ list: String, _ numbers: [Int]) throws {
        let set = try #require(ProcessorSet(list: list))
        #expect(set.numbers == numbers && set.count == numbers.count)
        #expect(set.description == (list.isEmpty ? "none" : list))
        #expect(set == ProcessorSet(numbers.shuffled()))
    }

    @Test(arguments: ["-", "1-", "-1", "3-1", "x", "0-3-5", "0-99999999999", "65536", "1 2", "0x1", "\u{0}"])
    func whatIsNoList(_ list: String) { #expect(ProcessorSet(list: list) == nil) }

    @Test func aListThatRepeatsItselfForEverIsNone() {
        #expect(ProcessorSet(list: Array(repeating: "0-65535", count: 1000).joined(separator: ",")) == nil)
    }

    /// More than 1,024, which is what cpu_set_t of the C library has.
    @Test func machinesWithManyProcessors() {
        var set = ProcessorSet(0..<4096)
        #expect(set.description == "0-4095" && set.count == 4096 && set.contains(4095) && !set.contains(4096))
        set.insert(-1)
        set.insert(1 << 40)
        #expect(set.count == 4096 && !set.contains(-1) && !set.contains(.max))
    }

    @Test func theyAreAddedAndTakenAway() {
        let (low, high) = (ProcessorSet([0, 1, 70]), ProcessorSet([1, 70, 130]))
        #expect(low.union(high).numbers == [0, 1, 70, 130])
        #expect(low.intersection(high).numbers == [1, 70])
        #expect(low.subtracting(high) == ProcessorSet([0]))
        #expect(low.subtracting(low).isEmpty && low.subtracting(low) == ProcessorSet())
        #expect(ProcessorSet(words: [1, 0, 0]) == ProcessorSet([0]))
    }

    @Test func aChangeLeavesWhatItDoesNotName() {
        let change = ProcessorChange(added: ProcessorSet([3]), removed: ProcessorSet([0, 5]))
        #expect(change.applied(to: ProcessorSet([0, 1])) == ProcessorSet([1, 3]))
        #expect(!change.isEmpty && ProcessorChange().isEmpty)
        #expect(change.applied(to: change.applied(to: ProcessorSet([0, 1]))) == ProcessorSet([1, 3]))
    }
}
