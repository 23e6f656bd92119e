import Model
import Testing

@Suite("Units") struct UnitsTests {
    @Test(
        "Sizes",
        arguments: [
            (0, "0 bytes"), (1, "1 byte"), (1023, "1023 bytes"), (1024, "1.0 KiB"), (7578, "7.4 KiB"),
            (102_348, "99.9 KiB"),
            (102_400, "100 KiB"), (217_056, "212 KiB"), (1_048_000, "1,023 KiB"), (1_048_575, "1.0 MiB"),
            (784_334_848, "748 MiB"), (1 << 30, "1.0 GiB"), (.max, "16.0 EiB"), (1 << 60, "1.0 EiB"),
            ((1 << 60) - 1, "1.0 EiB"),
        ] as [(UInt64, String)]) func bytes(count: UInt64, text: String)
    {
        #expect(Units.bytes(count) == text)
    }

    @Test("Every size has one decimal or none, and no unit is used beyond its own") func bytesEverywhere() {
        for shift in 10..<64 {
            for delta in [-1, 0, 1] as [Int64] {
                let text = Units.bytes(((1 as UInt64) << UInt64(shift)) &+ UInt64(bitPattern: delta))
                #expect(text.utf8.count <= 10, "\(text)")
            }
        }
    }

    @Test("Counts, times, shares") func others() {
        #expect(Units.grouped(70_676) == "70,676")
        #expect(Units.grouped(-1_000) == "-1,000")
        #expect(Units.counted(1, "block") == "1 block")
        #expect(Units.counted(12_926_681, "record") == "12,926,681 records")
        #expect(Units.counted(0, "process", plural: "processes") == "0 processes")
        #expect(Units.seconds(0.00004) == "0.1 ms")
        #expect(Units.seconds(0.0092) == "9.2 ms")
        #expect(Units.seconds(0.25) == "250 ms")
        #expect(Units.seconds(0.9999) == "1 s")
        #expect(Units.seconds(1.4213) == "1.4 s")
        #expect(Units.seconds(75) == "75 s")
        #expect(Units.seconds(.nan) == "an unknown time")
        #expect(Units.milliseconds(12_345_999_999) == "12,345 ms")
        #expect(Units.milliseconds(.max) == "18,446,744,073,709 ms")
        #expect(Units.share(5, of: 100) == "5 %")
        #expect(Units.share(1, of: 1000) == "under 1 %")
        #expect(Units.share(1, of: nil) == nil)
        #expect(Units.share(2, of: 1) == nil)
    }
}
