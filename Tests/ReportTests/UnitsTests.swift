import Testing

@testable import Report

@Suite("Units and terminal text") struct UnitsTests {
    @Test(
        "Sizes",
        arguments: [
            (0, "0 bytes"), (1, "1 byte"), (1023, "1023 bytes"), (1024, "1.0 KiB"), (7578, "7.4 KiB"),
            (102_348, "99.9 KiB"),
            (102_400, "100 KiB"), (217_056, "212 KiB"), (1_048_000, "1,023 KiB"), (1_048_575, "1.0 MiB"),
            (784_334_848, "748 MiB"), (1 << 30, "1.0 GiB"), (.max, "16.0 EiB"), (1 << 60, "1.0 EiB"),
            ((1 << 60) - 1, "1.0 EiB"),
        ] as [(UInt64, String)]) func bytes(count: UInt64, text: String)
    {
        #expect(Units.bytes(count) == text)
    }

    @Test("Every size has one decimal or none, and no unit is used beyond its own") func bytesEverywhere() {
        for shift in 10..<64 {
            for delta in [-1, 0, 1] as [Int64] {
                let text = Units.bytes(((1 as UInt64) << UInt64(shift)) &+ UInt64(bitPattern: delta))
                #expect(text.utf8.count <= 10, "\(text)")
            }
        }
    }

    @Test("Counts, times, shares") func others() {
        #expect(Units.grouped(70_676) == "70,676")
        #expect(Units.grouped(-1_000) == "-1,000")
        #expect(Units.counted(1, "block") == "1 block")
        #expect(Units.seconds(0.00004) == "0.1 ms")
        #expect(Units.seconds(0.0092) == "9.2 ms")
        #expect(Units.seconds(0.25) == "250 ms")
        #expect(Units.seconds(0.9999) == "1 s")
        #expect(Units.seconds(1.4213) == "1.4 s")
        #expect(Units.seconds(75) == "75 s")
        #expect(Units.seconds(.nan) == "an unknown time")
        #expect(Units.share(5, of: 100) == "5 %")
        #expect(Units.share(1, of: 1000) == "under 1 %")
        #expect(Units.share(1, of: nil) == nil)
        #expect(Units.share(2, of: 1) == nil)
    }

    @Test("Escapes of bytes: what is no text is shown byte by byte") func bytesEscaped() {
        #expect(TerminalText.escaped(Array("grün\n".utf8)) == "grün\\n")
        #expect(TerminalText.escaped([0x61, 0xff, 0xc3, 0xbc, 0xc3, 0x62, 0x1b]) == "a\\xffü\\xc3b\\x1b")
        #expect(TerminalText.escaped([0xe2, 0x82]) == "\\xe2\\x82")
        #expect(TerminalText.escaped([]) == "")
    }

    @Test("JSON holds nothing that a terminal obeys, and means what it meant") func json() {
        let text = "a\u{9b}31m\u{202e}\u{7f}\u{e0041}\u{1b}\nü누"
        #expect(
            JSONValue.object(["x\u{85}": .string(text)]).document()
                == #"{"x\u0085":"a\u009b31m\u202e\u007f\udb40\udc41\u001b\nü누"}"# + "\n")
    }

    @Test("Cutting counts cells, not characters") func cut() {
        #expect(TerminalText.cut("abcdef", to: 4) == "abc…")
        #expect(TerminalText.cut("누수누수", to: 5) == "누수…")
        #expect(TerminalText.cut("abc", to: 3) == "abc")
        #expect(TerminalText.cut("abc", to: nil) == "abc")
        #expect(TerminalText.cut("abc", to: 0) == "")
        #expect(TerminalText.width("e\u{301}") == 1)
    }
}
