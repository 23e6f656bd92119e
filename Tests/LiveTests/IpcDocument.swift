import FoundationEssentials
import Glibc

/// The parts of the nusu.ipc/1 document that the tests read.
struct IpcDocument: Decodable {
    struct End: Decodable, Hashable {
        let pid: Int32
        let fd: Int32?
        let role: String

        /// As the demos write it.
        var text: String { "\(pid):\(fd.map(String.init) ?? "-"):\(role)" }
    }

    struct Stuck: Decodable {
        let cause: String
        let pid: Int32
    }

    struct Flow: Decodable {
        let bytes: UInt64?
        let bytesBack: UInt64?
        let moved: Bool?
    }

    struct Channel: Decodable {
        let kind: String
        let identity: String
        let name: String?
        let ends: [End]
        let sure: Bool
        let memory: String?
        let transport: String?
        let waiting: Int?
        let capacity: Int?
        let messages: Int?
        let messageLimit: Int?
        let size: Int?
        let value: Int?
        let state: String?
        let stuck: Stuck?
        let watched: [String]
        let inFlight: Int
        let isAccepted: Bool
        let flow: Flow?

        var pids: Set<Int32> { Set(ends.map(\.pid)) }
        /// The first three are the harness's.
        var isStandard: Bool { ends.contains { $0.fd.map { $0 < 3 } ?? false } }
    }

    struct Hop: Decodable {
        let from: Int32
        let to: Int32
    }

    struct Process: Decodable {
        let pid: Int32
        let command: String
    }

    let schema: String
    let channels: [Channel]
    let processes: [Process]
    let unseen: [Int32]
    let chains: [[Hop]]?

    static func of(_ words: [String], status: Int32 = 0, as user: [String] = [], program: String? = nil) throws
        -> IpcDocument
    {
        let command = user + [program ?? Surroundings.nusu, "ipc"] + words + ["--json"]
        let outcome = try run(command)
        guard outcome.status == status else {
            throw HarnessError("\(command): \(outcome.status) \(outcome.text.prefix(500)) \(outcome.errors)")
        }
        return try JSONDecoder().decode(IpcDocument.self, from: Data(outcome.output))
    }

    /// What joins exactly these, the harness's pipes and the relation of parent and child left out.
    func joining(_ pids: Set<Int32>) -> [Channel] {
        channels.filter { $0.kind != "parent-child" && !$0.isStandard && pids.isSubset(of: $0.pids) }
    }
}
