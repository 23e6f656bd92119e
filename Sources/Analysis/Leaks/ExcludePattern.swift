package import Model

/// One pattern of `--exclude` or of a line in `.nusuignore`: what the user does not want to hear of.
///
/// `*` stands for any text; everything else for itself; a pattern fits a whole text. A leading word says which text:
/// - `type:` the name of a lost block's type, or its part behind a dot or `::`; "104 bytes" where there is no type.
/// - `cycle:` the way around a ring, as the report prints it.
/// - `symbol:` the library or program that an untyped block points to.
/// - `signature:` the six digits of a group.
///
/// Without a word each of them is tried.
package struct ExcludePattern: Hashable, Sendable {
    package enum Subject: String, CaseIterable, Sendable {
        case type
        case cycle
        case symbol
        case signature
    }

    /// As the user wrote it.
    package let text: String
    /// "--exclude", or ".nusuignore:12".
    package let source: String
    /// nil: whatever fits.
    private let subject: Subject?
    private let glob: [UInt8]
    /// Groups that an earlier snapshot had already, by signature; nil for what the user wrote.
    private var known: Set<String>?

    /// Bytes of a pattern; those of a type's name are few.
    private static let lengthLimit = 4096
    private static let star = UInt8(ascii: "*")

    /// - Throws: a failure of usage where the pattern cannot mean anything.
    package init(_ text: String, source: String) throws(Failure) {
        self.text = text
        self.source = source
        var body = Substring(text)
        var subject: Subject?
        if let word = ExcludePattern.leadingWord(of: text) {
            guard let known = Subject(rawValue: String(word)) else {
                throw ExcludePattern.failure("the pattern '\(text)' begins with '\(word):', which is no kind", source)
            }
            subject = known
            body = body.dropFirst(word.count + 1)
            body = body[(body.firstIndex { $0 != " " } ?? body.endIndex)...]
        }
        self.subject = subject
        glob = Array(body.utf8)
        if glob.isEmpty { throw ExcludePattern.failure("the pattern '\(text)' is empty", source) }
        if glob.count > ExcludePattern.lengthLimit {
            throw ExcludePattern.failure("a pattern is longer than \(ExcludePattern.lengthLimit) bytes", source)
        }
        let isSignature = glob.count == 6 && body.allSatisfy { $0.isHexDigit && !$0.isUppercase }
        if subject == .signature, !isSignature {
            throw ExcludePattern.failure("'\(body)' is no signature, which is six hexadecimal digits", source)
        }
    }

    /// Stands for all groups that a saved snapshot has.
    /// - Parameter options: as for the look that it is compared with, so that groups are made alike.
    package init(baseline: SavedGraph, name: String, _ options: LeakAnalysis.Options) {
        text = name
        source = "--baseline"
        subject = .signature
        glob = []
        let groups = LeakAnalysis.result(of: baseline.graph, options).findings.groups
        known = Set(groups.filter { $0.kind != .possible }.map(\.signature))
    }

    /// Of a baseline it is good news that nothing fits it any more.
    var isBaseline: Bool { known != nil }

    /// The patterns of a file: one a line, blank lines and those that begin with `#` left out.
    /// - Parameter name: the file's, for messages.
    package static func patterns(ofFile contents: String, name: String) throws(Failure) -> [ExcludePattern] {
        var result: [ExcludePattern] = []
        let lines = contents.split(omittingEmptySubsequences: false) { $0 == "\n" || $0 == "\r\n" }
        for (index, line) in lines.enumerated() {
            let text = line.drop(while: \.isWhitespace)
            guard let end = text.lastIndex(where: { !$0.isWhitespace }), text.first != "#" else { continue }
            result.append(try ExcludePattern(String(text[...end]), source: "\(name):\(index + 1)"))
        }
        return result
    }

    /// A word before a single colon: C++ names have two, and `[String: Node]` begins with a bracket.
    private static func leadingWord(of text: String) -> Substring? {
        let word = text.prefix { $0.isLetter }
        let rest = text[word.endIndex...]
        return !word.isEmpty && rest.hasPrefix(":") && !rest.hasPrefix("::") ? word : nil
    }

    private static func failure(_ what: String, _ source: String) -> Failure {
        let kinds = Subject.allCases.map { $0.rawValue + ":" }.joined(separator: ", ")
        return Failure(
            .usage, what: "\(source): \(what)", subject: source,
            remedy: "write a type's name, a cycle as leaks prints it, or one after \(kinds)")
    }

    private func mayBe(_ wanted: Subject) -> Bool { subject == nil || subject == wanted }

    /// A type's name as the run-time has it or as the report prints it, whole or behind a dot or `::`.
    func fits(type name: String) -> Bool {
        guard known == nil, mayBe(.type), !name.isEmpty else { return false }
        let plain = TypeText.plain(name)
        return fitsText(name) || (plain != name && fitsText(plain))
            || ExcludePattern.endings(of: name).contains(where: fitsText)
    }

    /// Whether a group's ring, what it points to, or its signature is meant.
    func fits(_ group: LeakGroup) -> Bool {
        if let known { return known.contains(group.signature) }
        if mayBe(.cycle), !group.cycle.isEmpty, fitsText(group.ringText) || fitsText(group.shortRingText) {
            return true
        }
        if mayBe(.symbol), let pointsTo = group.pointsTo {
            let module = pointsTo.firstRange(of: " (").map { String(pointsTo[..<$0.lowerBound]) } ?? pointsTo
            if fitsText(pointsTo) || fitsText(module) { return true }
        }
        // Digits are no text: `*a*` must not pick groups at random.
        return mayBe(.signature) && glob == Array(group.signature.utf8)
    }

    private func fitsText(_ name: String) -> Bool {
        var name = name
        return name.withUTF8 { matches($0) }
    }

    /// After a star that was tried in vain only the last one has to take one byte more: no nesting, bounded work.
    private func matches(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
        var (at, position) = (0, 0)
        var retry: (at: Int, position: Int)?
        while position < text.count {
            if at < glob.count, glob[at] == ExcludePattern.star {
                retry = (at + 1, position)
                at += 1
            } else if at < glob.count, glob[at] == text[position] {
                at += 1
                position += 1
            } else if let last = retry {
                retry = (last.at, last.position + 1)
                (at, position) = (last.at, last.position + 1)
            } else {
                return false
            }
        }
        return glob[at...].allSatisfy { $0 == ExcludePattern.star }
    }

    /// What stands behind each dot and `::` outside of brackets: "b.C<d.E>" and "C<d.E>" for "a.b.C<d.E>".
    private static func endings(of name: String) -> [String] {
        var result: [String] = []
        var depth = 0
        var previous: Character = " "
        for index in name.indices {
            let character = name[index]
            if "<([".contains(character) { depth += 1 }
            if ">)]".contains(character) { depth -= 1 }
            if depth == 0, character == "." || (character == ":" && previous == ":") {
                result.append(String(name[name.index(after: index)...]))
            }
            previous = character
        }
        return result
    }
}
