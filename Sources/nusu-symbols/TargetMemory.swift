import Glibc

/// The target's memory, as far as it is needed: what cannot change from its files, all else from nusu, which is asked for
/// pages over a socket. Nothing of the target itself can be reached from here.
final class TargetMemory {
    private let channel: Int32
    private let modules: [ModuleFile]
    /// Whose headers are asked for now.
    var described: ModuleFile?
    /// nil: nothing can be read there.
    private var pages: [UInt64: [UInt8]?] = [:]

    private static let pageBytes: UInt64 = 4096
    private static let pageLimit = 16_384
    private static let readLimit: UInt64 = 64 << 20
    private static let stringLimit: UInt64 = 1 << 16

    init(channel: Int32, modules: [ModuleFile]) {
        self.channel = channel
        self.modules = modules
    }

    /// `count` bytes in memory of malloc's; nil where not all of them can be read.
    func copy(at address: UInt64, count: UInt64) -> UnsafeMutableRawPointer? {
        guard count <= TargetMemory.readLimit, !address.addingReportingOverflow(count).overflow,
            let bytes = malloc(max(Int(count), 1))
        else { return nil }
        if fill(UnsafeMutableRawBufferPointer(start: bytes, count: Int(count)), from: address) { return bytes }
        free(bytes)
        return nil
    }

    func word(at address: UInt64) -> UInt64? {
        var value: UInt64 = 0
        return withUnsafeMutableBytes(of: &value) { fill($0, from: address) } ? value : nil
    }

    /// Up to the first NUL; 0 where there is none.
    func stringLength(at address: UInt64) -> UInt64 {
        var length: UInt64 = 0
        var piece = [UInt8](repeating: 0, count: 64)
        while length < TargetMemory.stringLimit {
            // The last bytes of a part have no 64 behind them.
            let count = piece.withUnsafeMutableBytes { fill($0, from: address &+ length) } ? piece.count : 1
            if count == 1 {
                let isRead = piece.withUnsafeMutableBytes { piece in
                    fill(UnsafeMutableRawBufferPointer(rebasing: piece[..<1]), from: address &+ length)
                }
                guard isRead else { return 0 }
            }
            if let end = piece[..<count].firstIndex(of: 0) { return length + UInt64(end) }
            length += UInt64(count)
        }
        return 0
    }

    private func fill(_ buffer: UnsafeMutableRawBufferPointer, from address: UInt64) -> Bool {
        let count = UInt64(buffer.count)
        guard !address.addingReportingOverflow(count).overflow else { return false }
        if let described, let place = described.headers.lazy.compactMap({ $0.place(of: address, count) }).first {
            return read(described, place, buffer)
        }
        for module in modules {
            for part in module.constant {
                if let place = part.place(of: address, count) { return read(module, place, buffer) }
            }
        }
        var done: UInt64 = 0
        while done < count {
            let within = (address + done) % TargetMemory.pageBytes
            let wanted = min(count - done, TargetMemory.pageBytes - within)
            guard let page = page(at: address + done - within), within + wanted <= UInt64(page.count) else {
                return false
            }
            let target = UnsafeMutableRawBufferPointer(rebasing: buffer[Int(done)..<Int(done + wanted)])
            target.copyBytes(from: page[Int(within)..<Int(within + wanted)])
            done += wanted
        }
        return true
    }

    private func read(_ module: ModuleFile, _ place: UInt64, _ buffer: UnsafeMutableRawBufferPointer) -> Bool {
        place < 1 << 40 && pread(module.descriptor, buffer.baseAddress, buffer.count, off_t(place)) == buffer.count
    }

    /// One request of 16 bytes (address, count), one answer: the bytes up to the first that cannot be read.
    private func page(at address: UInt64) -> [UInt8]? {
        if let known = pages[address] { return known }
        guard pages.count < TargetMemory.pageLimit else { return nil }
        var page: [UInt8]?
        let request = [address, TargetMemory.pageBytes]
        if request.withUnsafeBytes({ send(channel, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }) == 16 {
            let bytes = [UInt8](unsafeUninitializedCapacity: Int(TargetMemory.pageBytes)) { buffer, count in
                count = max(recv(channel, buffer.baseAddress, buffer.count, 0), 0)
            }
            if !bytes.isEmpty { page = bytes }
        }
        pages[address] = .some(page)
        return page
    }
}
