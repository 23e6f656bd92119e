import Testing

@testable import Model

struct FieldNamesTests {
    private let names = FieldNames(
        answer: Array("=app::Peer\n0 16 other\n16 8 peer.address\n24 32 slots[i]\n=Other\n0 8 x\n".utf8),
        asked: ["app::Peer", "app::Missing"])

    @Test func places() {
        #expect(names.name("+0", of: "app::Peer") == "other")
        #expect(names.name("+8", of: "app::Peer") == "other")
        #expect(names.name("+16", of: "app::Peer") == "peer.address")
        #expect(names.name("+48", of: "app::Peer") == "slots[i]")
        #expect(names.name("+56", of: "app::Peer") == nil)
        #expect(names.name("other", of: "app::Peer") == nil)
        #expect(names.name("+0", of: "app::Missing") == nil)
    }

    /// What two know of a class, a field of a field says more than the field.
    @Test func merged() {
        let names = FieldNames(["A": [.init(offset: 16, size: 24, name: "storage")]])
            .merging(FieldNames(["A": [.init(offset: 24, size: 8, name: "storage.base")]]))
            .merging(FieldNames(["B": [.init(offset: 0, size: 8, name: "x")]]))
        #expect([16, 24, 32, 40].map { names.name("+\($0)", of: "A") } == ["storage", "storage.base", "storage", nil])
        #expect(names.name("+0", of: "B") == "x")
    }

    /// What nobody asked for is not taken, whatever its form.
    @Test func onlyWhatWasAsked() { #expect(Array(names.classes.keys) == ["app::Peer"]) }

    @Test(arguments: [
        "", "=", "\n\n", "0 8 x", "=A\n", "=A\nx y z", "=A\n-1 8 x", "=A\n99999999999999999999999 8 x", "=A\n0 8",
        "=A\n0 8 \n", "=A\n18446744073709551615 18446744073709551615 x",
    ]) func nonsense(_ answer: String) {
        let names = FieldNames(answer: Array(answer.utf8), asked: ["A", ""])
        for offset in [0, 8, UInt64.max] { #expect(names.name("+\(offset)", of: "A") != "") }
    }

    @Test func longNames() {
        let long = String(repeating: "n", count: 10_000)
        #expect(FieldNames(answer: Array("=A\n0 8 \(long)\n".utf8), asked: ["A"]).name("+0", of: "A") == nil)
    }

    /// The first of two descriptions counts, and the narrower of two fields at one place.
    @Test func twice() {
        let names = FieldNames(answer: Array("=A\n0 64 all\n0 8 first\n=A\n0 8 other\n".utf8), asked: ["A"])
        #expect(names.name("+0", of: "A") == "first" && names.name("+8", of: "A") == "all")
    }
}
