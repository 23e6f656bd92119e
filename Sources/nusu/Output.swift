import Glibc
import Model
import Report

/// Something the user can ask for: parsed options that can be run.
protocol Verb {
    /// Runs and returns the exit status.
    /// - Throws: `Failure`, or `AmbiguousTarget`.
    func run(_ output: Output) throws -> Int32
}

/// A target's name that fits several processes.
struct AmbiguousTarget: Error {
    var failure: Failure
    var candidates: [FailureReport.Candidate]
}

/// Where results and failures go: results to stdout, everything else to stderr, and with `--json` failures to stdout.
struct Output {
    var isJSON: Bool
    var color = ColorChoice.auto

    /// Looks for `--json` alone: a command line that cannot be parsed must still fail in the form it asks for.
    init(arguments: [String]) {
        isJSON = arguments.prefix { $0 != "--" }.contains("--json")
    }

    static var helpColumns: Int { min(terminalWidth(STDOUT_FILENO) ?? 100, 100) }

    /// How text on stdout is shaped.
    var style: TextStyle {
        let isTerminal = isatty(STDOUT_FILENO) == 1
        let wantsNone = getenv("NO_COLOR").map { $0.pointee != 0 } ?? false
        let isDumb = getenv("TERM").map { strcmp($0, "dumb") == 0 } ?? true
        let hasColor =
            switch color {
            case .always: true
            case .never: false
            case .auto: isTerminal && !wantsNone && !isDumb
            }
        return TextStyle(
            isTerminal: isTerminal, width: isTerminal ? Output.terminalWidth(STDOUT_FILENO) : nil, color: hasColor,
            drawsBlocks: Output.isUnicode && !isDumb)
    }

    /// Whether the environment's characters are those of Unicode (man 7 locale: the first that is set counts).
    private static var isUnicode: Bool {
        for name in ["LC_ALL", "LC_CTYPE", "LANG"] {
            guard let value = getenv(name), value.pointee != 0 else { continue }
            let text = String(cString: value).uppercased()
            return text.hasSuffix("UTF-8") || text.hasSuffix("UTF8")
        }
        return false
    }

    /// Writes a failure and returns its status.
    func write(_ failure: Failure) -> Int32 { write(failure, candidates: []) }

    func write(_ ambiguity: AmbiguousTarget) -> Int32 { write(ambiguity.failure, candidates: ambiguity.candidates) }

    /// Says on stderr what a listing could not show.
    func note(_ gap: Gap) {
        let remedy = gap.remedy.map { "; \($0)" } ?? ""
        note("not shown: \(gap.what): \(gap.reason)\(remedy)")
    }

    /// A line on stderr beside a result.
    func note(_ text: String) { _ = Output.write("nusu: \(text)\n", to: STDERR_FILENO) }

    private func write(_ failure: Failure, candidates: [FailureReport.Candidate]) -> Int32 {
        let status = ExitStatus.of(failure.kind)
        let report = FailureReport(failure: failure, status: status, candidates: candidates)
        if isJSON {
            // Where that fails the status is all that is left to tell.
            _ = Output.write(report.json(), to: STDOUT_FILENO)
        } else {
            _ = Output.write(report.text(width: Output.terminalWidth(STDERR_FILENO)), to: STDERR_FILENO)
        }
        return status
    }

    /// Writes a result to stdout. A report that was cut short must not end like a whole one.
    static func print(_ text: String) throws(Failure) {
        guard let error = write(text, to: STDOUT_FILENO) else { return }
        throw Failure(
            .internal, what: "cannot write the report: \(String(cString: strerror(error)))", subject: "stdout",
            remedy: "look at where stdout goes: a full disk, or a closed descriptor")
    }

    /// Writes all of `text`; returns the error number when that fails.
    ///
    /// The corresponding C function is `write`, repeated after EINTR.
    static func write(_ text: String, to descriptor: Int32) -> Int32? {
        var text = text
        return text.withUTF8 { write(UnsafeRawBufferPointer($0), to: descriptor) }
    }

    static func write(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32) -> Int32? {
        var rest = bytes
        while !rest.isEmpty {
            let count = Glibc.write(descriptor, rest.baseAddress, rest.count)
            if count > 0 {
                rest = UnsafeRawBufferPointer(rebasing: rest[count...])
            } else if errno != EINTR {
                return errno
            }
        }
        return nil
    }

    /// Columns of the terminal behind a descriptor; nil where there is none, or it does not say.
    static func terminalWidth(_ descriptor: Int32) -> Int? { terminalSize(descriptor)?.columns }

    /// The corresponding C function is `ioctl` (TIOCGWINSZ).
    static func terminalSize(_ descriptor: Int32) -> (columns: Int, rows: Int)? {
        var size = winsize()
        guard isatty(descriptor) == 1, ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else {
            return nil
        }
        return (Int(size.ws_col), Int(size.ws_row))
    }
}
