import Glibc

/// A POSIX extended regular expression (man 7 regex), on bytes.
package final class RegularExpression: @unchecked Sendable {
    // Compiled once and only read from then on: man 3 regexec allows that in several threads.
    private var compiled = regex_t()

    /// The corresponding C function is `regcomp`.
    /// - Throws: what is wrong with the pattern, in the C library's words.
    package init(_ pattern: String, ignoresCase: Bool = false) throws(PatternError) {
        let code = regcomp(&compiled, pattern, REG_EXTENDED | REG_NOSUB | (ignoresCase ? REG_ICASE : 0))
        guard code == 0 else {
            var text = [CChar](repeating: 0, count: 256)
            regerror(code, &compiled, &text, text.count)
            throw PatternError(
                what: String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self))
        }
    }

    deinit { regfree(&compiled) }

    /// The corresponding C function is `regexec`. What lies behind a zero byte is not looked at.
    package func matches(_ text: [UInt8]) -> Bool {
        var text = text
        text.append(0)
        return text.withUnsafeBytes { bytes in
            guard let start = bytes.assumingMemoryBound(to: CChar.self).baseAddress else { return false }
            return regexec(&compiled, start, 0, nil, 0) == 0
        }
    }

    package struct PatternError: Error, Hashable, Sendable {
        package let what: String
    }
}
