import Report

/// Every key, for `?`.
enum TopHelp {
    static let hint = "Enter looks closer, / finds, \\ filters, F6 sorts, k signals, ? shows all keys."

    /// What each line is about, in its first cells; the lines are broken where they are shown.
    private static let lines: [String] = """
        Move      up down PgUp PgDn Home End; left right shift the command, Ctrl+A back
                  digits: the process of that number; F follows a process
        Look      Enter: what it does and waits for   m memory   v maps   l files
                  L what it has lost   e environment   w whole command line
                  x locks of files   s system calls, without tracing it
        Show      Tab: who reads and writes, and who waits for it (I/O), and back
                  t F5 tree; in it + - fold, * folds all, Backspace the family
                  u one user's; K kernel threads; H threads; p folders of programs
                  F2 C S columns; # the meters; Z stands still
        Sort      F6 < > , . by any field; P processor, M memory, T time, N number
                  I turns it round
        Find      / F3 in commands, and in pages; n the next
        Filter    \\ F4 a text, or a condition as in nusu ps --where:
                  cpu>5 && rss>100M, user=="ada", args~"^python"; Escape takes it back
        Signal    k F9, for the tagged or the one of the cursor; nothing is sent unasked
        Change    F7 ] more urgent, F8 [ nicer; i its I/O, Y its policy, a on which processors; \
        Enter sets it, for all its threads or the one of the row
        Tag       Space one, c with all below it, U none
        Else      F1 h ? this, Ctrl+L draws anew, Ctrl+R looks again, q F10 ends
        Mouse     click a row, twice to look; a title sorts; the wheel moves

        Not htop  m merges no commands, p adds folders to them. s runs no strace, and says how. \
        a changes all threads of a process, not its first alone.

        Aiming    rows stay where they are for 3 s after the cursor was moved; values go on. \
        One that has ended stays grey for a moment.
        %CPU      100 is one processor. What short-lived children did counts with who started them: \
        "+12 children 61 % (cc1,as)". What nobody can be charged with is a row of its own, number 0.
        IO        R real time, B best effort, 0 first to 7 last; id: when none else asks
        IOD%      waited for storage, SWPD% for its memory to come back from swap; both are there if \
        the kernel counts them: sysctl kernel.task_delayacct=1
        Sizes     K, M, G are 1024, 1024² and 1024³ bytes.
        cpu bar   green user, red kernel, blue nice, violet interrupts, grey stolen
        mem bar   green in use, blue cache, which is given back when programs ask
        wait      the share of the last 10 s in which something waited for it (pressure)
        """.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)

    /// Cells of what a line is about.
    static let labelWidth = 10
    /// Wider lines are hard to read.
    private static let widest = 80

    /// The lines as they fit on a screen, broken between words.
    static func shown(columns: Int) -> [String] {
        let room = min(max(columns, labelWidth * 2), widest) - labelWidth
        let margin = String(repeating: " ", count: labelWidth)
        return lines.flatMap { line in
            var result = [String(line.prefix(labelWidth))]
            var left = room
            // Blanks between two things are words without letters.
            for (place, word) in line.dropFirst(labelWidth).split(separator: " ", omittingEmptySubsequences: false)
                .enumerated()
            {
                let width = TerminalText.width(String(word)) + (place > 0 && left < room ? 1 : 0)
                if width <= left {
                    result[result.count - 1] += (place > 0 && left < room ? " " : "") + word
                    left -= width
                } else if !word.isEmpty {
                    result.append(margin + word)
                    left = room - TerminalText.width(String(word))
                }
            }
            return result
        }
    }
}
