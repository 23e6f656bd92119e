package import Model

import CTerminal
import Glibc

/// The terminal while the live screen has it: what is drawn, and what comes in. It is given back on every way out: `end`, an
/// error, signals, a crash, Ctrl+Z and back, and by a guard when nusu is killed.
///
/// One at a time, and for one thread; `waker` is for the others.
package final class TerminalSession {
    package struct Options: Hashable, Sendable {
        /// nil: what the terminal has and the environment wants.
        package var color: Bool?
        package var mouse: Bool

        package init(color: Bool? = nil, mouse: Bool = true) {
            self.color = color
            self.mouse = mouse
        }
    }

    package enum Event: Hashable, Sendable {
        case input(InputEvent)
        /// Another thread called.
        case woken
        /// This signal asks nusu to end.
        case ended(signal: Int32)
        /// The terminal is gone.
        case closed
    }

    package private(set) var rows: Int
    package private(set) var columns: Int
    package let waker: TerminalWaker

    private let capabilities: TerminalCapabilities
    private let options: Options
    private let signals: Int32
    private var painter: FramePainter
    private var decoder: InputDecoder
    private var last: Frame?
    private var isTaken = false
    /// Until then the terminal may answer what its background is.
    private var answerDeadline: ContinuousClock.Instant?

    private static let input = STDIN_FILENO
    private static let output = STDOUT_FILENO
    /// What follows an escape within this belongs to it: the least that a slow connection needs.
    private static let escapeMilliseconds = 25
    private static let answerTime = Duration.milliseconds(200)

    /// Takes the terminal behind stdin and stdout.
    /// - Throws: `.usage` where there is none, or it cannot place a cursor.
    package init(_ options: Options = Options()) throws(Failure) {
        guard isatty(TerminalSession.input) == 1, isatty(TerminalSession.output) == 1 else {
            throw Failure(
                .usage, what: "the live screen needs a terminal, and there is none on stdin and stdout",
                subject: "terminal", remedy: "nusu top --once prints one screen as text")
        }
        let environment = TerminalEnvironment { name in getenv(name).map { String(cString: $0) } }
        guard
            let capabilities = Terminfo.capabilities(of: environment.term, output: TerminalSession.output)
                ?? TerminalCapabilities.builtIn(environment.term)
        else {
            throw Failure(
                .usage, what: "the terminal (TERM=\(environment.term)) cannot place a cursor", subject: "terminal",
                remedy: "set TERM to what the terminal is, or nusu top --once")
        }
        let signals = cterminal_watch_signals()
        guard signals >= 0 else { throw TerminalSession.failure("watch for signals") }
        self.signals = signals
        guard let waker = TerminalWaker() else { throw TerminalSession.failure("make an event descriptor") }
        self.waker = waker
        self.capabilities = capabilities
        self.options = options
        let depth = Theme.depth(colors: capabilities.colors, colorTerm: environment.colorTerm)
        let hasColor = options.color ?? !environment.wantsNoColor
        let theme = Theme(depth: hasColor ? depth : .none, ground: Theme.ground(environment.colorFgBg))
        painter = FramePainter(capabilities, theme: theme, isUTF8: environment.isUTF8)
        decoder = InputDecoder(keys: capabilities.keys)
        (rows, columns) = TerminalSession.size() ?? (24, 80)
        guard take() else { throw TerminalSession.failure("set the terminal") }
        // Without one only a KILL would leave the terminal as it is.
        _ = cterminal_start_guard()
        if theme.depth == .many, theme.ground == .unknown, capabilities.isXtermLike {
            write(Array("\u{1b}]11;?\u{1b}\\".utf8))
            answerDeadline = .now + TerminalSession.answerTime
        }
    }

    deinit { end() }

    /// Gives the terminal back. Whatever else is drawn is not shown.
    package func end() {
        guard isTaken else { return }
        // An answer that is on its way would be typed into the shell.
        while let deadline = answerDeadline, deadline > .now { _ = next(within: 0.02) }
        isTaken = false
        cterminal_leave()
        cterminal_dismiss_guard()
    }

    /// Shows a frame, of which only what differs from the last is sent.
    package func draw(_ frame: Frame) {
        guard isTaken else { return }
        last = frame
        write(painter.paint(frame))
    }

    /// Draws every cell anew: something else has written to the terminal.
    package func redraw() {
        painter.forget()
        last.map(draw)
    }

    /// What came in, waiting so long for something; none when nothing did.
    package func next(within seconds: Double) -> [Event] {
        guard isTaken else { return [.closed] }
        var wanted = [
            pollfd(fd: TerminalSession.input, events: Int16(POLLIN), revents: 0),
            pollfd(fd: signals, events: Int16(POLLIN), revents: 0),
            pollfd(fd: waker.descriptor, events: Int16(POLLIN), revents: 0),
        ]
        let asked = Int(min(max(seconds, 0), 3600) * 1000)
        let count = poll(
            &wanted, nfds_t(wanted.count),
            Int32(decoder.isWaiting ? min(asked, TerminalSession.escapeMilliseconds) : asked))
        // An interrupted wait: the signal is in the pipe.
        if count < 0 { return errno == EINTR ? told() : [.closed] }
        if count == 0 { return decoder.isWaiting ? events(decoder.flush()) : [] }
        var result: [Event] = []
        if wanted[1].revents != 0 { result += told() }
        if wanted[2].revents != 0 {
            waker.clear()
            result.append(.woken)
        }
        if wanted[0].revents != 0 { result += read() }
        return result
    }

    // MARK: Input

    private func read() -> [Event] {
        var chunk = [UInt8](repeating: 0, count: 1024)
        let count = Glibc.read(TerminalSession.input, &chunk, chunk.count)
        if count > 0 { return events(decoder.feed(chunk[..<count])) }
        return count < 0 && (errno == EINTR || errno == EAGAIN) ? [] : [.closed]
    }

    private func events(_ decoded: [InputDecoder.Decoded]) -> [Event] {
        decoded.compactMap { part in
            switch part {
            case .event(let event): return .input(event)
            case .background(let isLight):
                answerDeadline = nil
                if painter.theme.ground == .unknown {
                    painter.theme.ground = isLight ? .light : .dark
                    last.map(draw)
                }
                return nil
            }
        }
    }

    /// The signals that came in.
    private func told() -> [Event] {
        var numbers = [UInt8](repeating: 0, count: 64)
        let count = Glibc.read(signals, &numbers, numbers.count)
        guard count > 0 else { return [] }
        var result: [Event] = []
        for number in numbers[..<count].map(Int32.init) {
            switch number {
            case SIGTSTP:
                // The shell has the terminal until it lets nusu go on.
                cterminal_leave()
                cterminal_stop()
                result += again()
            case SIGCONT: result += again()
            case SIGWINCH: result += resized()
            default: result.append(.ended(signal: number))
            }
        }
        return result
    }

    /// After a stop: something else may have had the terminal meanwhile.
    private func again() -> [Event] {
        guard take() else { return [.closed] }
        redraw()
        return resized()
    }

    private func resized() -> [Event] {
        guard let size = TerminalSession.size() else { return [] }
        // Some terminals show rubbish after a change of their size, even one that is taken back.
        painter.forget()
        guard size != (rows, columns) else { return [] }
        (rows, columns) = size
        return [.input(.resize(rows: rows, columns: columns))]
    }

    // MARK: Output

    private func take() -> Bool {
        isTaken =
            cterminal_enter(
                TerminalSession.input, TerminalSession.output, capabilities.enter(mouse: options.mouse),
                capabilities.leave(mouse: options.mouse)) == 0
        return isTaken
    }

    /// A terminal that is gone is told by the next read.
    private func write(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { cterminal_write(TerminalSession.output, $0.baseAddress, $0.count) }
    }

    private static func size() -> (rows: Int, columns: Int)? {
        var (rows, columns) = (0 as Int32, 0 as Int32)
        guard cterminal_size(output, &rows, &columns) == 0, rows > 0, columns > 0 else { return nil }
        return (min(Int(rows), Frame.rowLimit), min(Int(columns), Frame.columnLimit))
    }

    private static func failure(_ what: String) -> Failure {
        Failure(
            .internal, what: "cannot \(what): \(String(cString: strerror(errno)))", subject: "terminal",
            remedy: "nusu top --once prints one screen as text")
    }
}
