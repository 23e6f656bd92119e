import Model
import Testing

@testable import Capture

@Suite struct ScheduleCounterTests {
    @Test func schedstatIsRead() throws {
        let read = try #require(ScheduleWatch.schedstat(parsing: Array("393036 42403 2\n".utf8)))
        #expect(read == (393036, 42403, 2))
        for bad in ["", "1", "1 2", "a b c", "1  2 3", "99999999999999999999999 1 2", "0 0 0\n"] {
            #expect(ScheduleWatch.schedstat(parsing: Array(bad.utf8)) == nil, "\(bad)")
        }
    }

    @Test func migrationsAreRead() {
        let text =
            "cat (25079, #threads: 1)\n-----\nse.vruntime    :   36429.373162\nse.nr_migrations        :      17\n"
        #expect(ScheduleWatch.migrations(parsing: Array(text.utf8)) == 17)
        #expect(ScheduleWatch.migrations(parsing: Array("se.nr_migrations\n".utf8)) == nil)
    }

    @Test func namesAreKeptToTheirBytes() {
        for text in ["", "a", "12345678", "123456789012345"] {
            #expect(CommandName(text.utf8).bytes == Array(text.utf8))
        }
        #expect(CommandName("0123456789abcdefgh".utf8).bytes == Array("0123456789abcde".utf8))
        #expect(CommandName([0x41, 0, 0x42]).bytes == [0x41])
        #expect(CommandName([0xff, 0x1b]).bytes == [0xff, 0x1b])
    }

    @Test func lettersOfSleep() {
        for state in SleepState.allCases { #expect(SleepState(letter: state.letter) == state) }
        #expect(SleepState(letter: UInt8(ascii: "R")) == nil)
        #expect(SleepState(bits: 0) == nil && SleepState(bits: 0x100) == nil)
        #expect(SleepState(bits: 0x402) == .uninterruptible)
    }
}
