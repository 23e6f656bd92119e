package import SystemPackage

import CLinux
import Glibc

/// Asks the kernel for the sockets of a network namespace (man 7 sock_diag). Needs no right. What it answers are bytes:
/// Capture reads them.
package struct SocketDiagnosis: ~Copyable {
    /// What is asked for: all of one kind.
    package enum Subject: Hashable, Sendable, CaseIterable {
        case unix, tcp4, tcp6, udp4, udp6
    }

    private let descriptor: Int32

    /// - Parameter namespace: the path of a network namespace (`/proc/PID/ns/net`), nil for nusu's own. Another one is
    ///   entered by a thread of its own, which ends when it has opened the socket: a socket stays where it was made.
    ///
    /// Throws EPERM without CAP_SYS_ADMIN there, EPROTONOSUPPORT where the kernel has no sock_diag, and whatever a sandbox
    /// answers.
    ///
    /// The corresponding C functions are `setns` and `socket` (AF_NETLINK, NETLINK_SOCK_DIAG).
    package init(namespace: String? = nil) throws(Errno) {
        guard let namespace else {
            descriptor = try checked { clinux_open_diagnosis() }
            return
        }
        descriptor = try Namespace.visit(namespace, .network) { () throws(Errno) in
            try checked { clinux_open_diagnosis() }
        }
    }

    deinit { close(descriptor) }

    /// Hands the kernel's answer over, one datagram of several messages at a time, until `take` has seen the last.
    /// - Parameters:
    ///   - counts: of TCP also how many bytes went which way.
    ///   - take: false when that was the last message.
    ///
    /// Throws ENOENT where the kernel cannot tell of such sockets, EAGAIN when it does not answer for some seconds.
    ///
    /// The corresponding C functions are `send` and `recv`.
    package borrowing func dump(
        _ subject: Subject, counts: Bool = false, _ take: (UnsafeRawBufferPointer) -> Bool
    ) throws(Errno) {
        _ = try checked { SocketDiagnosis.ask(descriptor, subject, counts ? 1 : 0) }
        // The kernel fills at most 32 KiB at a time.
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 << 10, alignment: 16)
        defer { buffer.deallocate() }
        // A datagram holds hundreds of sockets: more than any machine has.
        for _ in 0..<1_000_000 {
            let count = try checked { recv(descriptor, buffer.baseAddress, buffer.count, 0) }
            guard count > 0, take(UnsafeRawBufferPointer(rebasing: buffer[..<count])) else { return }
        }
    }

    private static func ask(_ descriptor: Int32, _ subject: Subject, _ counts: Int32) -> Int {
        switch subject {
        case .unix: clinux_ask_unix_sockets(descriptor)
        case .tcp4: clinux_ask_internet_sockets(descriptor, UInt8(AF_INET), UInt8(IPPROTO_TCP), counts)
        case .tcp6: clinux_ask_internet_sockets(descriptor, UInt8(AF_INET6), UInt8(IPPROTO_TCP), counts)
        case .udp4: clinux_ask_internet_sockets(descriptor, UInt8(AF_INET), UInt8(IPPROTO_UDP), counts)
        case .udp6: clinux_ask_internet_sockets(descriptor, UInt8(AF_INET6), UInt8(IPPROTO_UDP), counts)
        }
    }
}
