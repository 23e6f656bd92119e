import Testing

@testable import Terminal

@Suite struct InputDecoderTests {
    private func keys(_ text: String) -> [Key?] {
        var decoder = InputDecoder()
        let decoded = decoder.feed(text.utf8) + decoder.flush()
        return decoded.map { if case .event(.key(let key)) = $0 { key } else { nil } }
    }

    @Test func keysOfTheCommonTerminals() {
        #expect(
            keys("q \r\t\u{7f}\u{3}") == [
                .character("q"), .character(" "), .enter, .tab, .backspace, .control("c"),
            ])
        // xterm in both modes, rxvt, the Linux console, the VT220; with Shift held.
        #expect(
            keys("\u{1b}[A\u{1b}OB\u{1b}[1;2C\u{1b}[7~\u{1b}[4~\u{1b}[5~\u{1b}[3~\u{1b}[Z") == [
                .up, .down, .right, .home, .end, .pageUp, .delete, .backTab,
            ])
        #expect(
            keys("\u{1b}OP\u{1b}[[B\u{1b}[15~\u{1b}[24~\u{1b}[13~") == [
                .function(1), .function(2), .function(5), .function(12), .function(3),
            ])
        #expect(keys("누é") == [.character("누"), .character("é")])
    }

    @Test func escapeIsAKeyWhereNothingFollows() {
        var decoder = InputDecoder()
        #expect(decoder.feed([0x1b]).isEmpty)
        #expect(decoder.isWaiting)
        #expect(decoder.flush() == [.event(.key(.escape))])
        #expect(!decoder.isWaiting)
        // In two pieces it is a sequence all the same.
        #expect(decoder.feed([0x1b]).isEmpty && decoder.feed([0x5b]).isEmpty)
        #expect(decoder.feed([0x41]) == [.event(.key(.up))])
        #expect(keys("\u{1b}q") == [.escape, .character("q")])
        #expect(keys("\u{1b}\u{1b}[A") == [.escape, .up])
    }

    @Test func theMouseInBothForms() {
        var decoder = InputDecoder()
        #expect(
            decoder.feed("\u{1b}[<0;11;5M\u{1b}[<0;11;5m\u{1b}[<65;300;2M".utf8) == [
                .event(.mouse(row: 4, column: 10, .press)), .event(.mouse(row: 1, column: 299, .wheelDown)),
            ])
        #expect(decoder.feed("\u{1b}[M !!".utf8) == [.event(.mouse(row: 0, column: 0, .press))])
        // Numbers that no screen has.
        for text in ["\u{1b}[<0;0;0M", "\u{1b}[<0;99999999999999999999;1M", "\u{1b}[<;;M", "\u{1b}[<0M"] {
            #expect(decoder.feed(text.utf8).isEmpty)
        }
        #expect(!decoder.isWaiting)
    }

    @Test func aPasteIsOneText() {
        var decoder = InputDecoder()
        let bytes = Array("\u{1b}[200~kill\r\u{1b}[A9\u{1b}[201~x".utf8)
        // Whatever pieces it comes in.
        var whole: [InputDecoder.Decoded] = []
        for byte in bytes { whole += decoder.feed([byte]) }
        #expect(whole == [.event(.paste("kill\r\u{1b}[A9")), .event(.key(.character("x")))])
        #expect(decoder.feed(bytes) == whole)
        // Without an end it takes no memory.
        _ = decoder.feed("\u{1b}[200~".utf8)
        for _ in 0..<100 { #expect(decoder.feed(repeatElement(0x61, count: 1000)).isEmpty) }
        guard case .event(.paste(let text)) = decoder.feed("\u{1b}[201~".utf8).first else {
            Issue.record("no paste")
            return
        }
        #expect(text.utf8.count == 4096)
    }

    @Test func theBackgroundIsToldByItsAnswer() {
        var decoder = InputDecoder()
        #expect(
            decoder.feed("\u{1b}]11;rgb:ffff/fdfd/e0e0\u{1b}\\j".utf8) == [
                .background(isLight: true), .event(.key(.character("j"))),
            ])
        #expect(decoder.feed("\u{1b}]11;rgb:1e/1e/2e\u{7}".utf8) == [.background(isLight: false)])
        for text in ["\u{1b}]11;rgb:x/y/z\u{7}", "\u{1b}]11;?\u{7}", "\u{1b}]52;c;aGk=\u{7}", "\u{1b}P1$r0m\u{1b}\\"] {
            #expect(decoder.feed(text.utf8).isEmpty)
        }
        #expect(!decoder.isWaiting)
    }

    @Test func keysOfADescriptionComeFirst() {
        var decoder = InputDecoder(keys: [Array("\u{1b}[11~".utf8): .function(2), Array("\u{1b}q".utf8): .end])
        #expect(decoder.feed("\u{1b}[11~\u{1b}q".utf8) == [.event(.key(.function(2))), .event(.key(.end))])
    }

    /// Random bytes, in random pieces: nothing traps, nothing is kept for ever, and a flush leaves nothing.
    @Test func hostileBytesPass() {
        var random = SystemRandomNumberGenerator()
        let alphabet: [UInt8] = Array("\u{1b}\u{1b}\u{1b}[]<;?OM~200m1\u{7}\\x".utf8) + [0x80, 0xff, 0xf0, 0x00, 0x9b]
        var decoder = InputDecoder()
        for _ in 0..<20_000 {
            let count = Int.random(in: 0..<12, using: &random)
            _ = decoder.feed((0..<count).map { _ in alphabet.randomElement(using: &random) ?? 0 })
            if Bool.random(using: &random) { _ = decoder.flush() }
        }
        _ = decoder.feed("\u{1b}[201~".utf8)
        _ = decoder.flush()
        #expect(decoder.feed("\u{1b}[Aq".utf8).suffix(1) == [.event(.key(.character("q")))])
    }
}
