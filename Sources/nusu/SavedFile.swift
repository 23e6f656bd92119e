import Analysis
import Glibc
import Model

/// Files with saved graphs: whole or not there, and for nobody else to read.
enum SavedFile {
    /// `-` as a path means stdout.
    static let standardOutput = "-"
    /// Larger ones are no files that nusu wrote: eight million blocks need some 60 MB.
    private static let limitBytes = 16 << 30

    /// Whether a TARGET names a file and not a process.
    static func isPath(_ target: String) -> Bool { target.contains("/") || target.hasSuffix(".nusu") }

    // MARK: - Reading

    /// Whether a file begins as those do that nusu saves.
    static func isSaved(_ path: String) -> Bool {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        var head = [UInt8](repeating: 0, count: SavedGraphReader.magic.count)
        let count = pread(descriptor, &head, head.count, 0)
        return count == head.count && head == SavedGraphReader.magic
    }

    static func read(_ path: String) throws(Failure) -> SavedGraph {
        try SavedGraphReader.read(try bytes(of: path), name: path)
    }

    /// The corresponding C functions are `open`, `fstat` and `read`.
    private static func bytes(of path: String) throws(Failure) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw failure("cannot open \(path)", path, errno) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw failure("cannot look at \(path)", path, errno) }
        guard status.st_mode & S_IFMT == S_IFREG, status.st_size <= limitBytes else {
            throw Failure(
                .unsupported, what: "\(path) is no file that nusu saved", subject: path,
                remedy: "make one: nusu leaks PID --save FILE.nusu")
        }
        var error: Int32 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: Int(status.st_size)) { buffer, count in
            while count < buffer.count {
                let got = Glibc.read(descriptor, buffer.baseAddress! + count, buffer.count - count)
                if got == 0 { break }
                if got > 0 {
                    count += got
                } else if errno != EINTR {
                    error = errno
                    break
                }
            }
        }
        if error != 0 { throw failure("cannot read \(path)", path, error) }
        return bytes
    }

    // MARK: - Writing

    /// Says early what would fail after the look.
    static func check(_ path: String, isTerminal: Bool) throws(Failure) {
        try check(
            path, isTerminal: isTerminal, what: "a saved snapshot", option: "--save",
            remedy: "send it somewhere: nusu leaks PID --save - | ssh HOST 'cat > FILE.nusu'")
    }

    /// - Parameter what: is written to `path`, as `option` asked for.
    static func check(
        _ path: String, isTerminal: Bool, what: String, option: String, remedy: String
    ) throws(Failure) {
        guard path == standardOutput, isTerminal else { return }
        throw Failure(.usage, what: "\(what) is not for a terminal", subject: option, remedy: remedy)
    }

    /// Saves what was looked at, with the names that only the process can tell.
    /// - Parameter residentBytes: of the target when it was looked at.
    static func save<Result>(
        _ look: GraphSource.Look<Result>, of source: GraphSource, residentBytes: UInt64?, to path: String
    ) throws(Failure) {
        guard let graph = look.savable else { return }
        let variables = graph.process.variableAddresses(limit: namedVariables)
        let facts = SavedFacts(
            secondsSince1970: Int64(time(nil)), snapshot: look.facts, attempts: look.attempts,
            residentBytes: residentBytes, symbols: source.symbols(variables, mappings: look.mappings),
            fields: source.fields(of: graph.process.classNames, in: look))
        try write(graph, facts, to: path)
    }

    /// Variables whose names are saved: programs have a few thousand that hold blocks.
    private static let namedVariables = 100_000

    /// Writes a graph and what is known of the look.
    static func write(_ graph: SavableGraph, _ facts: SavedFacts, to path: String) throws(Failure) {
        if path == standardOutput {
            try write(graph, facts, descriptor: STDOUT_FILENO, "stdout")
        } else {
            try replace(path) { (descriptor) throws(Failure) in
                try write(graph, facts, descriptor: descriptor, path)
            }
        }
    }

    /// Says early where `replace` would fail for want of a folder that may be written to.
    ///
    /// The corresponding C function is `access`.
    static func checkFolder(of path: String) throws(Failure) {
        let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
        guard access(folder, W_OK | X_OK) == 0 else { throw failure("cannot write \(path)", path, errno) }
    }

    /// Writes a report.
    static func write(_ text: String, to path: String) throws(Failure) {
        try replace(path) { (descriptor) throws(Failure) in
            if let error = Output.write(text, to: descriptor) { throw failure("cannot write \(path)", path, error) }
        }
    }

    /// Under the name stands either the whole file or what was there before.
    static func replace<Result>(_ path: String, _ body: (Int32) throws(Failure) -> Result) throws(Failure) -> Result {
        var template = Array("\(path).XXXXXX".utf8CString)
        // Mode 0600, as mkstemp makes it.
        let descriptor = mkstemp(&template)
        guard descriptor >= 0 else { throw failure("cannot write \(path)", path, errno) }
        let result: Result
        do throws(Failure) {
            defer { close(descriptor) }
            result = try body(descriptor)
        } catch {
            unlink(template)
            throw error
        }
        guard rename(template, path) == 0 else {
            let error = errno
            unlink(template)
            throw failure("cannot write \(path)", path, error)
        }
        return result
    }

    private static func write(
        _ graph: SavableGraph, _ facts: SavedFacts, descriptor: Int32, _ name: String
    ) throws(Failure) {
        var writer = try SavedGraphWriter { (bytes) throws(Failure) in
            let error = bytes.withUnsafeBytes { Output.write($0, to: descriptor) }
            if let error { throw failure("cannot write \(name)", name, error) }
        }
        try writer.write(graph)
        try writer.finish(facts)
    }

    static func failure(_ what: String, _ path: String, _ error: Int32) -> Failure {
        let kind: Failure.Kind
        let remedy: String
        switch error {
        case ENOENT: (kind, remedy) = (.noTarget, "look at the path: ls -l \(path)")
        case EACCES, EPERM, EROFS:
            (kind, remedy) = (.notPermitted, "choose a place that you may use, or change its mode")
        case ENOSPC, EDQUOT: (kind, remedy) = (.internal, "make room there, or choose another place")
        default: (kind, remedy) = (.internal, "look at the path: ls -l \(path)")
        }
        return Failure(kind, what: "\(what): \(String(cString: strerror(error)))", subject: path, remedy: remedy)
    }
}
