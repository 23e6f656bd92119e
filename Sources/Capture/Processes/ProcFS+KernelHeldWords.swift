package import Model

import Kernel
import SystemPackage

/// Words of a program that only the kernel holds: what it registered, or sent to itself, and left to the kernel to give back.
struct KernelHeldWords {
    var words: [UInt64]
    /// What the kernel does not tell.
    var gaps: [Gap]
}

extension ProcFS {
    /// What epoll and timers are to give back, and what lies in pipes from the process to itself.
    func kernelHeldWords(of pid: Int32) -> KernelHeldWords {
        let links = (try? descriptorLinks(of: pid)) ?? []
        let ring = Array("anon_inode:[io_uring]".utf8)
        return KernelHeldWords(
            words: epollData(of: pid, links) + timerData(of: pid) + pipeData(of: pid, links),
            gaps: links.contains { $0.target == ring }
                ? [
                    Gap(
                        what: "pointers that only io_uring holds",
                        reason: "the kernel does not tell the user_data of requests under way: such a block looks lost")
                ] : [])
    }

    private typealias DescriptorLink = (number: Int32, target: [UInt8])

    /// A descriptor may have been closed since it was listed.
    private func descriptorLinks(of pid: Int32) throws(Failure) -> [DescriptorLink] {
        let folder = path(of: pid) + "/fd"
        do throws(Errno) {
            return try ProcFile.entries(folder, limit: Limit.descriptors).compactMap { name in
                let text = String(decoding: name, as: UTF8.self)
                guard let number = Int32(text), let link = try? ProcFile.link("\(folder)/\(text)") else { return nil }
                return (number, link)
            }
        } catch { throw failure(error, reading: "fd", of: pid) }
    }

    // MARK: - epoll

    /// The words that the program gave to epoll (`epoll_event.data`): often its only pointers to a connection.
    ///
    /// From the lines `tfd: … events: … data: HEX` of the fdinfo of every epoll descriptor (man 5 proc_pid_fdinfo).
    package func epollData(of pid: Int32) throws(Failure) -> [UInt64] {
        epollData(of: pid, try descriptorLinks(of: pid))
    }

    private func epollData(of pid: Int32, _ links: [DescriptorLink]) -> [UInt64] {
        let epoll = Array("anon_inode:[eventpoll]".utf8)
        return links.filter { $0.target == epoll }.flatMap { link in
            (try? read("fdinfo/\(link.number)", of: pid, limit: Limit.maps)).map(ProcFS.epollData(parsing:)) ?? []
        }
    }

    static func epollData(parsing bytes: [UInt8]) -> [UInt64] {
        var result: [UInt64] = []
        bytes.withUnsafeBufferPointer { buffer in
            var scanner = ByteScanner(buffer)
            while var line = scanner.line() {
                guard line.skip("tfd:") else { continue }
                while let word = line.word() {
                    guard word.elementsEqual("data:".utf8) else { continue }
                    if let value = line.blankThenHexadecimal() { result.append(value) }
                    break
                }
            }
        }
        return result
    }

    // MARK: - Timers

    /// The words that come with the signals of POSIX timers (`sigev_value`, man 2 timer_create).
    ///
    /// From the lines `signal: NUMBER/HEX` of `timers` (man 5 proc_pid_timers), which kernels have that can be checkpointed.
    func timerData(of pid: Int32) -> [UInt64] {
        guard let bytes = try? read("timers", of: pid, limit: Limit.maps) else { return [] }
        return ProcFS.timerData(parsing: bytes)
    }

    static func timerData(parsing bytes: [UInt8]) -> [UInt64] {
        var result: [UInt64] = []
        bytes.withUnsafeBufferPointer { buffer in
            var scanner = ByteScanner(buffer)
            while var line = scanner.line() {
                guard line.skip("signal: "), line.decimal() != nil, line.skip("/") else { continue }
                if let value = line.hexadecimal() { result.append(value) }
            }
        }
        return result
    }

    // MARK: - Pipes

    /// Pipes that are looked into, and bytes of each: a pipe holds 64 KiB, and who may make it larger 1 MiB.
    private static let pipeLimit = 256
    private static let pipeBytes = 1 << 20

    /// What could be pointers in pipes of which the process has both ends: one thread tells another a block that way, and
    /// nobody else knows it meanwhile. Taken at each byte, for messages need not be whole words.
    private func pipeData(of pid: Int32, _ links: [DescriptorLink]) -> [UInt64] {
        let mark = Array("pipe:[".utf8)
        let pipes = Dictionary(grouping: links.filter { $0.target.starts(with: mark) }, by: \.target).values
        return pipes.filter { $0.count > 1 }.prefix(ProcFS.pipeLimit).flatMap { ends -> [UInt64] in
            let modes = ends.map { accessMode(of: pid, $0.number) }
            guard modes.contains(ProcFS.writes), let reading = modes.firstIndex(of: ProcFS.reads),
                let fill = try? ChannelFill(process: pid, descriptor: ends[reading].number)
            else { return [] }
            return ProcFS.addresses(in: fill.unreadBytes(limit: ProcFS.pipeBytes))
        }
    }

    /// O_RDONLY, O_WRONLY
    private static let reads: UInt32 = 0
    private static let writes: UInt32 = 1

    /// nil where it is closed by now.
    private func accessMode(of pid: Int32, _ descriptor: Int32) -> UInt32? {
        guard let bytes = try? read("fdinfo/\(descriptor)", of: pid, limit: Limit.small) else { return nil }
        return bytes.withUnsafeBufferPointer { DescriptorInfo(parsing: $0, kind: .pipe).flags.map { $0 & 3 } }
    }

    /// All that could be an address of a program's.
    static func addresses(in bytes: [UInt8]) -> [UInt64] {
        guard bytes.count >= 8 else { return [] }
        return bytes.withUnsafeBytes { bytes in
            (0...(bytes.count - 8)).compactMap { offset in
                let word = bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
                return word > 4096 && word < 1 << 47 ? word : nil
            }
        }
    }
}
