import Glibc
import Model

/// Memory that a helper program without rights may ask for: each request is a packet of 16 bytes (address and count, both
/// 64 bits), each answer one with the bytes up to the first that cannot be read. So much in all, and no more.
struct HelperMemory {
    /// -1 when closed.
    private(set) var ours: Int32
    private(set) var theirs: Int32
    private let reader: any MemoryReader
    private var leftBytes: Int

    private static let requestBytes = 16
    private static let answerBytes = 1 << 16

    init?(_ reader: any MemoryReader, limitBytes: Int) {
        var ends: [Int32] = [-1, -1]
        let type = Int32(SOCK_SEQPACKET.rawValue | SOCK_CLOEXEC.rawValue)
        guard socketpair(AF_UNIX, type, 0, &ends) == 0 else { return nil }
        (ours, theirs) = (ends[0], ends[1])
        self.reader = reader
        leftBytes = limitBytes
    }

    /// The helper has its end.
    mutating func handOver() {
        if theirs >= 0 { close(theirs) }
        theirs = -1
    }

    mutating func end() {
        handOver()
        if ours >= 0 { close(ours) }
        ours = -1
    }

    /// Answers one request; false where there is none, or no more is answered. Never waits.
    mutating func serve() -> Bool {
        var request: [UInt64] = [0, 0, 0]
        let flags = Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL)
        let received = request.withUnsafeMutableBytes { recv(ours, $0.baseAddress, $0.count, flags) }
        guard received == HelperMemory.requestBytes, request[1] <= UInt64(HelperMemory.answerBytes),
            Int(request[1]) <= leftBytes
        else { return false }
        leftBytes -= Int(request[1])
        let bytes = [UInt8](unsafeUninitializedCapacity: Int(request[1])) { buffer, count in
            count = reader.read(at: request[0], into: UnsafeMutableRawBufferPointer(buffer))
        }
        return send(ours, bytes, bytes.count, flags) == bytes.count
    }
}
