import Model
import Testing

@testable import Capture

/// Truncated and flipped input: nothing may trap, run on for ever, or break what a parser promises of its result.
@Suite("Parsers of /proc on damaged input") struct ProcParserFuzzTests {
    private static let samples: [[UInt8]] = [
        Sample.stat(pid: 77, command: "api) R 1"), Array(Sample.status(pid: 77).utf8), Array(Sample.maps.utf8),
        Array(
            "4:memory:/docker/ab\n0::/a/b\n31 30 0:28 /d /sys/fs/cg\\040m ro master:9 - cgroup cgroup rw,memory\n".utf8),
        Array("tfd:        5 events:       19 data:     7f3c00001010  pos:0 ino:1 sdev:9\n".utf8),
        Array("pos:\t0\nflags:\t02004002\nit_value: (4, 999999999)\nsigmask: 4002\nPid:\t-1\n".utf8),
        Array("pty_slave /dev/pts 136 0-1048575 pty:slave\nroot:x:0:0:root:/root:/bin/sh\n/autogroup-25 nice 0\n".utf8),
        Array("read_bytes: 4096\nwrite_bytes: 0\nse.exec_start      :    5030311.338598\n123 456 7\n".utf8),
        Array("  sl  local\n   0: 0100007F:1F90 00000000:0000 0A 0:0 00:0 0 0 0 12345 1 0 100 0\n".utf8),
        Array("000000009f0a1b2c: 00000002 00000000 00010000 0001 01 12345 @/tmp/x\n".utf8),
    ]

    @Test("Every length of every sample") func truncated() {
        for sample in Self.samples {
            for length in 0...sample.count { parseAll(Array(sample[..<length])) }
        }
    }

    @Test("Flipped bits, swapped digits, doubled pieces", arguments: Rounds.of(8, fuzz: 500)) func damaged(seed: UInt64)
    {
        var random = SeededGenerator(state: seed)
        for sample in Self.samples {
            for _ in 0..<300 {
                var bytes = sample
                for _ in 0..<Int.random(in: 1...8, using: &random) {
                    let at = Int.random(in: 0..<bytes.count, using: &random)
                    switch Int.random(in: 0..<4, using: &random) {
                    case 0: bytes[at] ^= 1 << UInt8.random(in: 0..<8, using: &random)
                    case 1: bytes[at] = UInt8(ascii: "9")
                    case 2: bytes[at] = [0x00, 0xff, 0x0a, 0x29, 0x2d, 0x5c][Int.random(in: 0..<6, using: &random)]
                    default: bytes.insert(contentsOf: bytes[at..<min(at + 12, bytes.count)], at: at)
                    }
                }
                parseAll(bytes)
            }
        }
    }

    private func parseAll(_ bytes: [UInt8]) {
        _ = ProcessStat(parsing: bytes)
        _ = ProcessStatus(parsing: bytes)
        let mappings = Mapping.parse(maps: bytes)
        for (left, right) in zip(mappings, mappings.dropFirst()) { #expect(left.range.upper <= right.range.lower) }
        #expect(mappings.allSatisfy { !$0.range.isEmpty })
        for mount in CgroupMount.parse(bytes) { _ = mount.folders(of: bytes) }
        _ = CgroupMembership.parse(bytes)
        _ = ProcFS.epollData(parsing: bytes)
        _ = ProcFS.timerData(parsing: bytes)
        _ = SocketTable(SocketFiles.internet(bytes, .tcp) + SocketFiles.unix(bytes))
        for driver in TerminalDriver.parse(bytes) { #expect(!driver.minors.isEmpty) }
        _ = ProcFS.names(bytes)
        bytes.withUnsafeBufferPointer { buffer in
            for kind in Descriptor.Kind.allCases { _ = DescriptorInfo(parsing: buffer, kind: kind) }
            _ = ProcFS.descriptor(3, buffer)
            _ = ProcessRecord.RunTimes(parsing: buffer)
            _ = ProcessRecord.IO(parsing: buffer)
            _ = ProcessRecord.Autogroup(parsing: buffer)
            _ = ProcessReader.lastRan(buffer)
        }
    }
}
