import Model

/// Reads everything that a snapshot has of the program's own memory; the number of bytes.
func readAll(_ image: MemoryImage) -> UInt64 {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 16)
    defer { buffer.deallocate() }
    var bytes: UInt64 = 0
    for mapping in image.mappings where mapping.permissions.contains(.write) {
        for range in image.reader.populated(in: mapping.range) {
            var at = range.lower
            while at < range.upper {
                let count = Int(min(UInt64(buffer.count), range.upper - at))
                let got = image.reader.read(at: at, into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<count]))
                guard got > 0 else { break }
                bytes += UInt64(got)
                at += UInt64(got)
            }
        }
    }
    return bytes
}
