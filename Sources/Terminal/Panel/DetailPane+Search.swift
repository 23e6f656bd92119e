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
        let lines = shown
        let wanted = search.lowercased()
        guard !lines.isEmpty else { return false }
        for step in lines.indices {
            let place = (start + step) % lines.count
            guard lines[place].parts.map(\.text).joined().lowercased().contains(wanted) else { continue }
            found = place
            if !(page.top..<page.top + room).contains(place) { scroll(by: place - page.top, room: room) }
            return true
        }
        return false
    }
}
