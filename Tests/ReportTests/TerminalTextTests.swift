import Testing

@testable import Report

@Suite("Terminal text") struct TerminalTextTests {
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
