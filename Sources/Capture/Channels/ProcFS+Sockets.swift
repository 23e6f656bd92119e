import Kernel
package import Model
import SystemPackage

extension ProcFS {
    /// The sockets of a process's network namespace, nil for nusu's own. Needs no right for nusu's own; for another one what
    /// setns(2) does. Where the kernel refuses, what /proc/PID/net tells is taken, and what is missing stands in `gaps`.
    /// - Parameter counts: of TCP also how many bytes went which way.
    package func socketTable(for pid: Int32? = nil, counts: Bool = false) -> SocketTable {
        let folder = pid.map { path(of: $0) } ?? root + "/self"
        // A fixture's sockets are those of its files.
        guard root == "/proc" else { return SocketTable(socketsOfFiles(folder)) }
        let own = number(inFile: root + "/self/stat").flatMap { Int32(exactly: $0) }
        let other = pid.flatMap { namespace("net", of: $0) }
        let isOwn = other == nil || other == own.flatMap { namespace("net", of: $0) }
        let entrance = isOwn ? nil : folder + "/ns/net"
        do {
            return SocketTable(try ProcFS.socketsOfKernel(namespace: entrance, counts: counts))
        } catch {
            let place = isOwn ? "" : " of another network namespace"
            let gap = Gap(
                what: "who is at the other end of unix sockets\(place)",
                reason: "the kernel does not tell nusu (\(error))",
                remedy: error == .notPermitted || error == .permissionDenied ? "sudo nusu …" : nil)
            return SocketTable(socketsOfFiles(folder), gaps: [gap])
        }
    }

    private static func socketsOfKernel(namespace: String?, counts: Bool) throws(Errno) -> [Socket] {
        let diagnosis = try SocketDiagnosis(namespace: namespace)
        var result: [Socket] = []
        for subject in SocketDiagnosis.Subject.allCases {
            var messages = SocketMessages(subject.transport)
            do throws(Errno) {
                try diagnosis.dump(subject, counts: counts) { messages.take($0) }
                if let error = messages.error { throw error }
            } catch {
                // A kernel without IPv6, or with UDP's part left out, still tells of the others.
                guard subject != .unix, subject != .tcp4 else { throw error }
            }
            result += messages.sockets
        }
        return result
    }

    private func socketsOfFiles(_ folder: String) -> [Socket] {
        func bytes(_ name: String) -> [UInt8] { (try? ProcFile.read("\(folder)/net/\(name)", limit: Limit.maps)) ?? [] }
        return SocketFiles.unix(bytes("unix")) + SocketFiles.internet(bytes("tcp"), .tcp)
            + SocketFiles.internet(bytes("tcp6"), .tcp) + SocketFiles.internet(bytes("udp"), .udp)
            + SocketFiles.internet(bytes("udp6"), .udp)
    }
}

extension SocketDiagnosis.Subject {
    fileprivate var transport: Socket.Transport? {
        switch self {
        case .unix: nil
        case .tcp4, .tcp6: .tcp
        case .udp4, .udp6: .udp
        }
    }
}
