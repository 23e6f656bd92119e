/// Something that happens to the live screen.
package enum InputEvent: Hashable, Sendable {
    case key(Key)
    /// Text from the clipboard, for a line that is typed. It is never taken for keys: a word would send signals.
    case paste(String)
    /// Row and column from 0.
    case mouse(row: Int, column: Int, MouseAction)
    case resize(rows: Int, columns: Int)
    /// Time went by.
    case tick
}

/// A key by what it means, whatever bytes the terminal sends for it.
package enum Key: Hashable, Sendable {
    /// A character that can be shown; space among them.
    case character(Character)
    /// With the control key held: a letter in lower case.
    case control(Character)
    /// F1 to F12.
    case function(Int)
    case up, down, left, right
    case home, end, pageUp, pageDown
    case insert, delete, backspace
    case enter, escape, tab, backTab
}

package enum MouseAction: Hashable, Sendable {
    case press, middle, right
    case wheelUp, wheelDown
}
