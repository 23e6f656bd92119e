import Glibc

/// How many rounds a test on damaged input takes: few in every run of the tests, many more in `make fuzz`.
enum Rounds {
    static func of(_ usual: UInt64, fuzz: UInt64) -> Range<UInt64> { 0..<(getenv("NUSU_FUZZ") == nil ? usual : fuzz) }
}
