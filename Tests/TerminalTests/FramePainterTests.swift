import Testing

@testable import Terminal

/// A terminal that understands what nusu sends to one: the least of it, and nothing else.
private struct Screen {
    var rows: [[Character]]
    var looks: [[String]]
    var row = 0
    var column = 0
    var look = ""
    var hasCursor = false
    var written = 0

    init(rows: Int, columns: Int) {
        self.rows = Array(repeating: Array(repeating: " ", count: columns), count: rows)
        looks = Array(repeating: Array(repeating: "", count: columns), count: rows)
    }

    mutating func take(_ bytes: [UInt8]) {
        var rest = Substring(String(decoding: bytes, as: UTF8.self))
        while let character = rest.popFirst() {
            guard character == "\u{1b}" else {
                put(character)
                continue
            }
            #expect(rest.popFirst() == "[")
            let parameters = rest.prefix { !$0.isLetter }
            rest = rest.dropFirst(parameters.count)
            let numbers = parameters.split(separator: ";").compactMap { Int($0) }
            switch rest.popFirst() {
            case "H": (row, column) = numbers.count == 2 ? (numbers[0] - 1, numbers[1] - 1) : (0, 0)
            case "J": self = Screen(rows: rows.count, columns: rows[0].count)
            case "m": look = parameters.isEmpty ? "" : look + "[\(parameters)m"
            case "h": hasCursor = true
            case "l": hasCursor = false
            case let other: Issue.record("not known: \(String(describing: other))")
            }
        }
    }

    private mutating func put(_ character: Character) {
        let width = Cell(character, style: .normal).map { Int($0.width) } ?? 0
        guard rows.indices.contains(row), column + width <= rows[row].count else {
            Issue.record("outside: \(row) \(column)")
            return
        }
        rows[row][column] = character
        looks[row][column] = look
        if width == 2 { rows[row][column + 1] = "\0" }
        column += width
        written += 1
    }

    var text: String {
        rows.map { row in
            var line = String(row.filter { $0 != "\0" })
            while line.last == " " { line.removeLast() }
            return line + "\n"
        }.joined()
    }
}

@Suite struct FramePainterTests {
    private func painter(_ name: String = "xterm-256color", isUTF8: Bool = true) throws -> FramePainter {
        let capabilities = try #require(TerminalCapabilities.builtIn(name))
        return FramePainter(capabilities, theme: Theme(depth: .many, ground: .dark), isUTF8: isUTF8)
    }

    /// Frame by frame, the terminal shows what the frame has, whatever stood there before.
    @Test func theTerminalShowsEveryFrame() throws {
        var random = SystemRandomNumberGenerator()
        var painter = try painter()
        var screen = Screen(rows: 6, columns: 30)
        var frame = Frame(rows: 6, columns: 30)
        let texts = ["nginx: worker", "누수", "▁▂▃█", "e\u{301}x", " ", "a\u{1b}b", "한x글", "-", "🚀"]
        for round in 0..<400 {
            for _ in 0..<Int.random(in: 0..<5, using: &random) {
                frame.write(
                    texts.randomElement(using: &random) ?? "", row: .random(in: 0..<6), column: .random(in: 0..<30),
                    style: CellStyle(ColorRole.allCases.randomElement(using: &random) ?? .dim, bold: .random()))
            }
            if round % 50 == 0 { painter.forget() }
            frame.cursor = Bool.random() ? Frame.Position(row: .random(in: 0..<6), column: .random(in: 0..<30)) : nil
            screen.take(painter.paint(frame))
            try #require(screen.text == frame.text)
            #expect(screen.hasCursor == (frame.cursor != nil))
            if let cursor = frame.cursor { #expect(screen.row == cursor.row && screen.column == cursor.column) }
        }
    }

    @Test func whatIsAlikeIsNotSentAgain() throws {
        var painter = try painter()
        var screen = Screen(rows: 24, columns: 80)
        var frame = Frame(rows: 24, columns: 80)
        for row in 0..<24 { frame.write("row \(row) with some text", row: row, column: 0) }
        screen.take(painter.paint(frame))
        #expect(painter.paint(frame).isEmpty)
        screen.written = 0
        frame.write("42", row: 7, column: 60, style: .warning)
        let bytes = painter.paint(frame)
        screen.take(bytes)
        #expect(screen.written == 2)
        #expect(bytes.count < 40)
        #expect(screen.looks[7][60].contains("38;5;221"))
        #expect(screen.look == "", "the terminal is left without attributes")
    }

    @Test func aTerminalWithoutUTF8GetsASCII() throws {
        var painter = try painter(isUTF8: false)
        var frame = Frame(rows: 1, columns: 20)
        frame.write("├─ 누수 ▁█ é…", row: 0, column: 0)
        let bytes = painter.paint(frame)
        #expect(bytes.allSatisfy { $0 < 0x80 })
        #expect(String(decoding: bytes, as: UTF8.self).contains("|- ???? _# ?~"))
        #expect(frame.ascii.columns == 20 && frame.ascii.text == "|- ???? _# ?~\n")
    }

    @Test func aTerminalThatScrollsKeepsItsLastCorner() throws {
        var capabilities = try #require(TerminalCapabilities.builtIn("vt100"))
        capabilities.hasDelayedWrap = false
        var painter = FramePainter(capabilities, theme: Theme(depth: .none, ground: .unknown), isUTF8: true)
        var frame = Frame(rows: 2, columns: 4)
        frame.write("xxxx", row: 0, column: 0)
        frame.write("yyyy", row: 1, column: 0)
        var screen = Screen(rows: 2, columns: 4)
        screen.take(painter.paint(frame))
        #expect(screen.text == "xxxx\nyyy\n")
    }

    @Test func fewColoursAreThoseOfTheTerminal() throws {
        let capabilities = try #require(TerminalCapabilities.builtIn("linux"))
        var painter = FramePainter(capabilities, theme: Theme(depth: .sixteen, ground: .unknown), isUTF8: true)
        var frame = Frame(rows: 1, columns: 8)
        for (column, role) in [ColorRole.good, .warning, .critical, .selected].enumerated() {
            frame.write("x", row: 0, column: column, style: CellStyle(role))
        }
        let text = String(decoding: painter.paint(frame), as: UTF8.self)
        #expect(text.contains("[32m") && text.contains("[33m") && text.contains("[31m") && text.contains("[46m"))
        #expect(!text.contains("38;5"))
        painter.theme.depth = .none
        let plain = String(decoding: painter.paint(frame), as: UTF8.self)
        #expect(!plain.contains("[3") && !plain.contains("[4m\u{1b}[3") && plain.contains("[7m"))
    }
}

@Suite struct TerminalCapabilitiesTests {
    @Test func commonTerminalsNeedNoDatabase() throws {
        for name in [
            "xterm", "xterm-256color", "screen.xterm-256color", "tmux-256color", "alacritty", "xterm-kitty", "foot",
        ] {
            let terminal = try #require(TerminalCapabilities.builtIn(name))
            #expect(terminal.isXtermLike && terminal.hasMouse && terminal.leaveScreen == "\u{1b}[?1049l")
            #expect(terminal.colors == (name == "xterm" ? 8 : 256), "\(name)")
        }
        #expect(try #require(TerminalCapabilities.builtIn("vt100")).colors == 0)
        #expect(try #require(TerminalCapabilities.builtIn("linux")).colors == 8)
        #expect(TerminalCapabilities.builtIn("dumb") == nil && TerminalCapabilities.builtIn("") == nil)
    }

    /// Where the machine has a database it says of its terminals what nusu's own table says.
    @Test(arguments: ["xterm-256color", "screen", "tmux-256color", "linux", "vt100"])
    func theDatabaseAgrees(_ name: String) throws {
        guard let described = Terminfo.capabilities(of: name, output: 1) else { return }
        let own = try #require(TerminalCapabilities.builtIn(name))
        #expect(described.move(row: 4, column: 9) == own.move(row: 4, column: 9))
        #expect(described.colors == own.colors || described.colors < 0 || name == "vt100")
        if own.colors > 0 { #expect(described.foreground(3) == own.foreground(3)) }
        if own.colors > 255 { #expect(described.background(203) == own.background(203)) }
        #expect(described.hasDelayedWrap == own.hasDelayedWrap)
        #expect(described.isXtermLike == own.isXtermLike)
    }

    /// TERM=xterm in a terminal that says it has all colours: the description has no sequence for them.
    @Test func moreColoursThanTheDescriptionHas() throws {
        var terminal = try #require(TerminalCapabilities.builtIn("xterm"))
        terminal.foreground = .terminfo("\u{1b}[3%p1%dm")
        terminal.background = .terminfo("\u{1b}[4%p1%dm")
        #expect(terminal.foreground(3) == "\u{1b}[33m" && terminal.foreground(203) == "\u{1b}[38;5;203m")
        #expect(terminal.background(24) == "\u{1b}[48;5;24m")
    }

    @Test func delaysAreLeftOut() {
        #expect(Terminfo.withoutDelays("\u{1b}[H\u{1b}[J$<50>x$<5/>") == "\u{1b}[H\u{1b}[Jx")
        #expect(Terminfo.withoutDelays("a$b$<") == "a$b$<")
    }

    @Test func theEnvironmentDecides() {
        func environment(_ variables: [String: String]) -> TerminalEnvironment { TerminalEnvironment { variables[$0] } }
        #expect(environment(["LANG": "de_DE.UTF-8"]).isUTF8)
        #expect(environment(["LC_ALL": "", "LC_CTYPE": "C.utf8"]).isUTF8)
        #expect(!environment(["LC_ALL": "C", "LANG": "de_DE.UTF-8"]).isUTF8)
        #expect(!environment([:]).isUTF8)
        #expect(environment(["NO_COLOR": "1"]).wantsNoColor && !environment(["NO_COLOR": ""]).wantsNoColor)
        #expect(
            Theme.ground("15;0") == .dark && Theme.ground("0;default;15") == .light && Theme.ground("x") == .unknown)
        #expect(
            Theme.depth(colors: 8, colorTerm: "truecolor") == .many
                && Theme.depth(colors: 8, colorTerm: nil) == .sixteen)
    }
}
