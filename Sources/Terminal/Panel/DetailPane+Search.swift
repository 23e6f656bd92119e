import Report

/// Looking for a text in the page in sight, as in the table: / or F3, each letter is taken up at once, n goes on to the next.
extension DetailPane {
    mutating func press(_ key: Key, in prompt: TopPrompt, room: Int) {
        var prompt = prompt
        prompt.error = nil
        switch key {
        case .character(let character): prompt.append(String(character))
        case .backspace:
            if prompt.text.isEmpty {
                self.prompt = nil
                return
            }
            prompt.removeLast()
        case .control("u"): prompt.text = ""
        case .enter, .function(10):
            self.prompt = nil
            return
        case .escape, .control("c"), .control("g"):
            self.prompt = nil
            found = nil
            return
        case .function(3), .down:
            findNext(room: room)
            return
        default: return
        }
        take(prompt, room: room)
    }

    mutating func take(_ prompt: TopPrompt, room: Int) {
        var prompt = prompt
        search = prompt.text
        if !find(from: found ?? page.top, room: room) { prompt.error = "not found" }
        self.prompt = prompt
    }

    mutating func findNext(room: Int) { _ = find(from: found.map { $0 + 1 } ?? page.top, room: room) }

    /// - Returns: false where no line of the page has it.
    private mutating func find(from start: Int, room: Int) -> Bool {
        found = nil
        guard !search.isEmpty else { return true }
        // A page may have ten thousand lines, and each letter looks through them: what is not wrapped is looked at as it stands.
        let wrapped = tab.isWrapped ? self.wrapped(page.lines, to: columns) : []
        let count = tab.isWrapped ? wrapped.count : page.lines.count
        let wanted = Array(search.lowercased().utf8)
        for step in 0..<count {
            let place = (start + step) % count
            let line = tab.isWrapped ? wrapped[place].text : DetailPane.text(page.lines[place])
            guard DetailPane.contains(wanted, in: line) else { continue }
            found = place
            if !(page.top..<page.top + room).contains(place) { scroll(by: place - page.top, room: room) }
            return true
        }
        return false
    }

    /// Without marks of bold and faint.
    private static func text(_ line: String) -> String {
        line.utf8.contains(0x1b) ? StyledLine(line).text : line
    }

    /// - Parameter wanted: in small letters.
    private static func contains(_ wanted: [UInt8], in line: String) -> Bool {
        guard let first = wanted.first else { return true }
        var line = line.utf8.allSatisfy { $0 < 0x80 } ? line : line.lowercased()
        return line.withUTF8 { bytes in
            guard bytes.count >= wanted.count else { return false }
            for start in 0...(bytes.count - wanted.count) where lowered(bytes[start]) == first {
                if wanted.indices.allSatisfy({ lowered(bytes[start + $0]) == wanted[$0] }) { return true }
            }
            return false
        }
    }

    private static func lowered(_ byte: UInt8) -> UInt8 { (0x41...0x5a).contains(byte) ? byte | 0x20 : byte }
}
