import Glibc
import Model
import Terminal

// Screen: takes the terminal as the live screen does, shows what comes in, and ends as it is told to: by every way on which a
// program may leave a terminal behind.
//
//   q  gives it back and ends        x  calls exit        t  traps        s  touches memory that is not there
//   a  gives up (abort)              e  writes a line to stderr           l  hears nothing any more

func draw(_ session: TerminalSession, _ lines: [String]) {
    var frame = Frame(rows: session.rows, columns: session.columns)
    frame.clear(rows: 0..<1, style: .header)
    frame.write("screen \(session.columns)x\(session.rows) 누수 ├─ ▁▄█", row: 0, column: 0, style: .header)
    for (index, role) in ColorRole.allCases.enumerated() {
        frame.write("\(role)", row: 1 + index / 4, column: index % 4 * 12, style: CellStyle(role))
    }
    for (index, line) in lines.suffix(max(0, session.rows - 5)).enumerated() {
        frame.write(line, row: 4 + index, column: 0)
    }
    frame.write("end", row: session.rows - 1, column: session.columns - 3, style: .selected)
    session.draw(frame)
}

do throws(Failure) {
    let session = try TerminalSession()
    var lines: [String] = []
    draw(session, lines)
    while true {
        for event in session.next(within: 60) {
            lines.append("\(event)")
            switch event {
            case .input(.key(.character("q"))):
                session.end()
                exit(0)
            case .input(.key(.character("x"))): exit(3)
            case .input(.key(.character("t"))): preconditionFailure("trapped as it was told to")
            case .input(.key(.character("s"))): UnsafeMutablePointer<Int>(bitPattern: 8)?.pointee = 1
            case .input(.key(.character("a"))): abort()
            case .input(.key(.character("e"))): write(2, "said meanwhile\n", 15)
            case .input(.key(.character("l"))):
                draw(session, ["hears nothing"])
                while true { sleep(60) }
            case .ended(let signal):
                session.end()
                exit(128 + signal)
            case .closed:
                session.end()
                exit(4)
            case .input, .woken: break
            }
        }
        draw(session, lines)
    }
} catch {
    print("\(error.what)\ndo: \(error.remedy)")
    exit(64)
}
