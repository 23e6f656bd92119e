import Analysis
import ArgumentParser
import Glibc
import Model

/// What the user does not want to hear of: `--exclude`, and the lines of `.nusuignore`.
struct ExcludeOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Leave out lost blocks that fit, and what is lost only below them; may be given several times.",
            discussion: """
                PATTERN is a type's name (Session, main.Session, '[UInt8]', '104 bytes'), a cycle as the report prints it \
                ('Owner.pet -> Pet.owner -> Owner'), the library that an untyped block points to (libpq.so.5), or the six \
                digits of a group. * stands for any text; else it must fit the whole text, or a type behind its last dots or \
                ::. type:, cycle:, symbol: or signature: before it says which is meant.
                """, valueName: "pattern"))
    var exclude: [String] = []

    @Option(
        help: ArgumentHelp(
            "More patterns, one a line; # begins a comment. Without this option .nusuignore in the working directory, if there is one.",
            valueName: "file"))
    var ignoreFile: String?

    @Option(
        help: ArgumentHelp(
            "Leave out the groups that this saved snapshot has too: what stays is new since then. For builds that may not get worse.",
            valueName: "file"))
    var baseline: String?

    private static let usualFile = ".nusuignore"
    private static let fileLimitBytes = 1 << 20

    /// - Throws: a failure of usage that names the line.
    func patterns() throws(Failure) -> [ExcludePattern] {
        var result: [ExcludePattern] = []
        for pattern in exclude { result.append(try ExcludePattern(pattern, source: "--exclude")) }
        let name = ignoreFile ?? ExcludeOptions.usualFile
        if let contents = try ExcludeOptions.contents(of: name, mayBeMissing: ignoreFile == nil) {
            result += try ExcludePattern.patterns(ofFile: contents, name: name)
        }
        if let baseline {
            var options = LeakAnalysis.Options()
            options.exclude = result
            result.append(ExcludePattern(baseline: try SavedFile.read(baseline), name: baseline, options))
        }
        return result
    }

    /// nil where there is no such file and there need not be one.
    ///
    /// The corresponding C functions are `open` and `read`.
    private static func contents(of path: String, mayBeMissing: Bool) throws(Failure) -> String? {
        func failure(_ reason: String) -> Failure {
            Failure(
                .usage, what: "cannot read \(path): \(reason)", subject: path,
                remedy: "correct the file, or choose another one: --ignore-file FILE (/dev/null for none)")
        }
        // A pipe without a writer must not make nusu wait.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | (mayBeMissing ? O_NONBLOCK : 0))
        if descriptor < 0, errno == ENOENT, mayBeMissing { return nil }
        guard descriptor >= 0 else { throw failure(String(cString: strerror(errno))) }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 14)
        while bytes.count <= fileLimitBytes {
            let count = read(descriptor, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw failure(String(cString: strerror(errno))) }
            if count == 0 { break }
            bytes += chunk[..<count]
        }
        guard bytes.count <= fileLimitBytes else { throw failure("it is larger than 1 MiB") }
        guard let text = String(validating: bytes, as: UTF8.self) else { throw failure("it is no UTF-8 text") }
        return text
    }
}
