import CLinux
import Testing

@testable import Kernel

/// The layout of the bytes with which an injected state restores itself, on made-up registers.
@Suite struct SignalFrameTests {
    static func registers(systemCall: Int64 = -1, result: Int64 = 0) -> Registers {
        var registers = Registers(raw: .init())
        registers.raw.rip = 0x7f00_0000_1002
        registers.raw.rsp = 0x7ffc_0001_2345
        registers.raw.rbx = 0xb0b0
        registers.raw.cs = 0x33
        registers.raw.ss = 0x2b
        registers.systemCall = systemCall
        registers.raw.rax = UInt64(bitPattern: result)
        return registers
    }

    /// x87 and SSE in use, nothing else.
    static func state(used: UInt64 = 3, known: UInt64 = 7, count: Int = 832) -> [UInt8] {
        var state = [UInt8](repeating: 0xaa, count: count)
        for index in 0..<8 {
            state[464 + index] = UInt8(truncatingIfNeeded: known >> (8 * UInt64(index)))
            state[512 + index] = UInt8(truncatingIfNeeded: used >> (8 * UInt64(index)))
        }
        return state
    }

    static let gadgets = Gadgets(call: 0x1000, return: .direct(0x2000))

    static func word(_ bytes: [UInt8], _ offset: Int) -> UInt64 {
        (0..<8).reduce(0) { $0 | UInt64(bytes[offset + $1]) << (8 * UInt64($1)) }
    }

    @Test func staysBelowTheRedZone() throws {
        let registers = Self.registers()
        let frame = try #require(
            SignalFrame(registers: registers, state: Self.state(), signalMask: 0x800, gadgets: Self.gadgets))
        #expect(frame.address % 64 == 0)
        #expect(frame.address + UInt64(frame.bytes.count) <= registers.stackPointer - 128)
        #expect(UInt64(frame.bytes.count) + 256 <= Injection.stackBytes)
        // A handler's frame goes below the stack pointer: nothing of ours may lie there.
        #expect(frame.stackPointer == frame.address)
        #expect(frame.childStackPointer > frame.stackPointer)
    }

    @Test func holdsTheOriginalContext() throws {
        let frame = try #require(
            SignalFrame(registers: Self.registers(), state: Self.state(), signalMask: 0x800, gadgets: Self.gadgets))
        #expect(Self.word(frame.bytes, 0) == 0x2000)
        let context = 8
        // uc_flags; then uc_link and uc_stack, and sigcontext from 40 on.
        #expect(Self.word(frame.bytes, context) == 7)
        #expect(Self.word(frame.bytes, context + 40 + 88) == 0xb0b0)
        #expect(Self.word(frame.bytes, context + 40 + 120) == 0x7ffc_0001_2345)
        #expect(Self.word(frame.bytes, context + 40 + 128) == 0x7f00_0000_1002)
        #expect(Self.word(frame.bytes, context + 40 + 144) == 0x002b_0000_0000_0033)
        #expect(Self.word(frame.bytes, context + 296) == 0x800)
        let pointer = Self.word(frame.bytes, context + 40 + 184)
        #expect(pointer % 64 == 0)
        let state = Int(pointer - frame.address)
        // FP_XSTATE_MAGIC1, extended_size, xfeatures, xstate_size; FP_XSTATE_MAGIC2 at the end.
        #expect(Self.word(frame.bytes, state + 464) == 0x4650_5853 | 580 << 32)
        #expect(Self.word(frame.bytes, state + 472) == 3)
        #expect(Self.word(frame.bytes, state + 480) == 576)
        #expect(Self.word(frame.bytes, state + 576) & 0xffff_ffff == 0x4650_5845)
    }

    @Test(arguments: [(-512, true), (-513, true), (-514, true), (-516, true), (-4, false), (17, false)])
    func restartsAnInterruptedCall(_ result: Int, _ restarts: Bool) throws {
        let registers = Self.registers(systemCall: 35, result: Int64(result))
        let frame = try #require(
            SignalFrame(registers: registers, state: Self.state(), signalMask: 0, gadgets: Self.gadgets))
        #expect(Self.word(frame.bytes, 8 + 40 + 128) == (restarts ? 0x7f00_0000_1000 : 0x7f00_0000_1002))
        #expect(Self.word(frame.bytes, 8 + 40 + 104) == (restarts ? 35 : UInt64(bitPattern: Int64(result))))
    }

    @Test func theChildOnlyEnds() throws {
        let frame = try #require(
            SignalFrame(registers: Self.registers(), state: Self.state(), signalMask: 0, gadgets: Self.gadgets))
        let child = Int(frame.childStackPointer - frame.address)
        #expect(Self.word(frame.bytes, child) == 0x2000)
        let context = child + 8 + 40
        #expect(Self.word(frame.bytes, context + 128) == 0x1000)
        #expect(Self.word(frame.bytes, context + 104) == 231)
        #expect(Self.word(frame.bytes, context + 64) == 0)
        #expect(Self.word(frame.bytes, context + 184) == 0)
    }

    @Test func returnsByAPoppedNumber() throws {
        let gadgets = Gadgets(call: 0x1000, return: .popped(0x3000))
        let frame = try #require(
            SignalFrame(registers: Self.registers(), state: Self.state(), signalMask: 0, gadgets: gadgets))
        #expect((0..<3).map { Self.word(frame.bytes, 8 * $0) } == [0x3000, 15, 0x1000])
        #expect(Self.word(frame.bytes, 24 + 40 + 128) == 0x7f00_0000_1002)
    }

    /// Vector registers that a frame cannot hold are not lost: such a thread is not injected into.
    @Test func refusesWhatAFrameCannotHold() {
        for state in [
            [], Array(Self.state().prefix(500)), Self.state(used: 1 << 18 | 3), Self.state(used: 1 << 63 | 3),
        ] {
            #expect(
                SignalFrame(registers: Self.registers(), state: state, signalMask: 0, gadgets: Self.gadgets) == nil)
        }
        var low = Self.registers()
        low.raw.rsp = 0x1000
        #expect(SignalFrame(registers: low, state: Self.state(), signalMask: 0, gadgets: Self.gadgets) == nil)
    }
}
