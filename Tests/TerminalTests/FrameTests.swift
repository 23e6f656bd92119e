import Testing

@testable import Terminal

@Suite struct FrameTests {
    @Test func textIsEscapedAndCutByItsCells() {
        var frame = Frame(rows: 3, columns: 10)
        #expect(frame.write("a\u{1b}[2J", row: 0, column: 0) == 8)
        #expect(frame.write("누수누수누수", row: 1, column: 0) == 9)
        #expect(frame.write("abcdef", row: 2, column: 2, width: 4) == 6)
        #expect(frame.text == "a\\x1b[2J\n누수누수…\n  abc…\n")
    }

    @Test func whatIsOutsideIsLeftOut() {
        var frame = Frame(rows: 2, columns: 4)
        for (row, column) in [(-1, 0), (2, 0), (0, -1), (0, 4), (Int.max, Int.min)] {
            frame.write("누x", row: row, column: column)
            frame.writeRight("누x", row: row, column: column == .min ? 0 : column, width: 9)
            frame.restyle(row: row) { $0.bold = true }
        }
        frame.write("x", row: 0, column: 0, width: -3)
        frame.clear(rows: -5..<9, columns: -5..<9)
        #expect(frame == Frame(rows: 2, columns: 4))
        #expect(Frame(rows: -1, columns: 1 << 40).rows == 1)
        #expect(Frame(rows: -1, columns: 1 << 40).columns == Frame.columnLimit)
    }

    @Test func halfAWideCharacterNeverStands() {
        var frame = Frame(rows: 1, columns: 6)
        frame.write("누수", row: 0, column: 0)
        frame.write("a", row: 0, column: 1)
        #expect(frame.text == " a수\n")
        frame.write("b", row: 0, column: 2)
        #expect(frame.text == " ab\n")
        frame.write("누", row: 0, column: 5)
        #expect(frame[0, 5].width == 1)
        // Any order of writes leaves every second half behind its first.
        var random = SystemRandomNumberGenerator()
        for _ in 0..<2_000 {
            frame.write(
                ["누", "x", "é", "\u{301}"].randomElement(using: &random) ?? "", row: 0, column: .random(in: 0..<6))
            for column in 0..<6 {
                #expect((frame[0, column].width == 0) == (column > 0 && frame[0, column - 1].width == 2))
            }
        }
    }

    @Test func marksDoNotPileUp() {
        var frame = Frame(rows: 1, columns: 4)
        frame.write("e" + String(repeating: "\u{301}", count: 300) + "x", row: 0, column: 0)
        #expect(frame[0, 0].character.unicodeScalars.count == 3)
        #expect(frame[0, 1].character == "x")
    }

    @Test func textOnTheRightEndsWhereItsColumnEnds() {
        var frame = Frame(rows: 1, columns: 12)
        frame.writeRight("42", row: 0, column: 2, width: 6)
        #expect(frame.text == "      42\n")
    }
}
