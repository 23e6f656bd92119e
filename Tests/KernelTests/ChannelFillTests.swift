import CLinux
import Glibc
import SystemPackage
import Testing

@testable import Kernel

@Suite("What lies in a channel") struct ChannelFillTests {
    private func pipe() throws -> (read: Int32, write: Int32) {
        var ends: [Int32] = [-1, -1]
        try #require(clinux_pipe(&ends) == 0)
        return (ends[0], ends[1])
    }

    @Test("A pipe's bytes are counted and stay; no end is left open") func pipes() throws {
        let ends = try pipe()
        defer { close(ends.read) }
        #expect(write(ends.write, "hello", 5) == 5)
        for _ in 0..<3 {
            #expect(try copied(ends.read) == [5, 65536])
            #expect(try opened(ends.read) == [5, 65536])
        }
        var bytes = [UInt8](repeating: 0, count: 8)
        #expect(read(ends.read, &bytes, 8) == 5)
        close(ends.write)
        #expect(read(ends.read, &bytes, 8) == 0)
    }

    @Test("What is no pipe is never opened") func others() throws {
        let file = open("/dev/null", O_RDONLY | O_CLOEXEC)
        defer { close(file) }
        #expect(throws: Errno.illegalSeek) { try opened(file) }
        #expect(try copied(file) == [])
        #expect(throws: Errno.badFileDescriptor) { try copied(1 << 20) }
    }

    private func copied(_ descriptor: Int32) throws(Errno) -> [Int] {
        let fill = try ChannelFill(process: getpid(), descriptor: descriptor)
        return fill.pipe().map { [$0.unread, $0.capacity] } ?? fill.queue().map { [$0.messages] } ?? []
    }

    private func opened(_ descriptor: Int32) throws(Errno) -> [Int] {
        let fill = try ChannelFill(readingPipeAt: "/proc/self/fd/\(descriptor)")
        return fill.pipe().map { [$0.unread, $0.capacity] } ?? []
    }

    @Test("Two numbers of one open file are the same, two openings are not") func openFiles() throws {
        let ends = try pipe()
        defer { for end in [ends.read, ends.write] { close(end) } }
        let twin = dup(ends.read)
        defer { close(twin) }
        let own = getpid()
        let order: Int
        do throws(Errno) {
            order = try OpenFile.order((own, ends.read), (own, twin))
        } catch {
            // A kernel without kcmp.
            #expect(error == .noFunction)
            return
        }
        #expect(order == 0)
        let one = try OpenFile.order((own, ends.read), (own, ends.write))
        let two = try OpenFile.order((own, ends.write), (own, ends.read))
        #expect(one != 0 && one == -two)
    }
}
