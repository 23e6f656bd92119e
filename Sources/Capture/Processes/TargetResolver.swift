package import Model

/// Turns what the user wrote as TARGET into one process.
///
/// Digits are a PID (a thread's number means its process), `:8080` is who listens there, `container:ID` a container's
/// first process, a word with a slash or ending in `.nusu` a file, and any other word a literal name.
package struct TargetResolver: Sendable {
    /// Which of several matches is meant.
    package enum Preference: Sendable {
        case newest
        case oldest
    }

    /// What a target's text stands for.
    package enum Resolution: Sendable {
        case one(ProcessIdentity)
        /// Several processes fit: in order of their start, with a sentence about what they have in common.
        case several([TargetCandidate], what: String)
    }

    private let procfs: ProcFS
    /// nusu's own PID: its name never means itself.
    private let own: Int32
    /// What nusu runs in: only digits mean these, where they are given.
    private let ancestors: Set<Int32>

    package init(procfs: ProcFS, own: Int32, ancestors: Set<Int32> = []) {
        self.procfs = procfs
        self.own = own
        self.ancestors = ancestors
    }

    /// - Throws: `.noTarget` when nothing fits, `.unsupported` for files, `.notPermitted` when only processes fit that
    ///   may not be looked at, `.usage` for text that cannot be a target.
    package func resolve(_ text: String, preferring preference: Preference? = nil) throws(Failure) -> Resolution {
        guard !text.isEmpty else {
            throw Failure(.usage, what: "the target is empty", subject: "TARGET", remedy: "nusu leaks PID")
        }
        if text == "self" { throw ownProcess(text) }
        if text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) {
            return .one(try process(text))
        }
        if text.hasPrefix(":") { return try choose(try listeners(text), preference, what: "listen on port \(text)") }
        if text.hasPrefix("container:") { return try container(String(text.dropFirst("container:".count)), preference) }
        if text.contains("/") || text.hasSuffix(".nusu") {
            throw Failure(
                .unsupported, what: "this version of nusu does not read files, neither saved snapshots nor cores",
                subject: text, remedy: "name a running process: nusu leaks PID")
        }
        return try choose(try named(text), preference, what: "are called \(text)")
    }

    /// Refuses what has no memory of its own to look into: nusu itself, kernel threads, zombies.
    package func checkMemory(of identity: ProcessIdentity) throws(Failure) {
        if identity.pid == own { throw ownProcess("\(own)") }
        let stat = try procfs.stat(of: identity.pid)
        guard stat.startTicks == identity.startTicks else {
            throw Failure(
                .noTarget, what: "\(identity) ended, and another process has its number now",
                subject: identity.description, remedy: "look for it with: ps -e")
        }
        if stat.isKernelThread {
            throw Failure(
                .unsupported, what: "\(identity) is a thread of the kernel and has no memory of its own",
                subject: identity.description, remedy: "name a process that runs a program")
        }
        if stat.isZombie {
            throw Failure(
                .noTarget,
                what: "\(identity) has ended; only its entry is left, until its parent \(stat.parent) waits for it",
                subject: identity.description, remedy: "look at the parent: nusu \(stat.parent)")
        }
    }

    private func process(_ digits: String) throws(Failure) -> ProcessIdentity {
        guard let number = Int32(digits), number > 0 else {
            throw Failure(
                .noTarget, what: "there is no process \(digits)", subject: digits, remedy: "look for it with: ps -e")
        }
        return try procfs.identity(of: try procfs.status(of: number).processID)
    }

    private func ownProcess(_ text: String) -> Failure {
        Failure(
            .usage, what: "nusu cannot look into its own memory while it runs", subject: text,
            remedy: "name another process")
    }
}

extension TargetResolver {
    private func named(_ name: String) throws(Failure) -> [Int32] {
        let bytes = Array(name.utf8)
        var ended: [Int32] = []
        var result: [Int32] = []
        for record in try procfs.scan(.init([.arguments]) { [own] in $0.processID != own }).records {
            guard record.stat.commandBytes == bytes || isProgram(record, bytes) else { continue }
            if record.stat.isZombie { ended.append(record.processID) } else { result.append(record.processID) }
        }
        // A zombie is only meant when nothing that lives has the name.
        if result.isEmpty { result = ended }
        guard !result.isEmpty else {
            throw Failure(
                .noTarget, what: "no process is called \(name)", subject: name,
                remedy: "names are literal, as in the last column of: ps -e")
        }
        return result
    }

    private func isProgram(_ record: ProcessRecord, _ name: [UInt8]) -> Bool {
        guard let first = record.argumentBytes?.prefix(while: { $0 != 0 }), !first.isEmpty else { return false }
        let start = first.lastIndex(of: UInt8(ascii: "/")).map { $0 + 1 } ?? first.startIndex
        return first[start...].elementsEqual(name)
    }

    private func listeners(_ text: String) throws(Failure) -> [Int32] {
        guard let port = UInt16(text.dropFirst()), port > 0 else {
            throw Failure(
                .usage, what: "\(text) is no port: those are 1 to 65535", subject: text,
                remedy: "for example: nusu leaks :8080")
        }
        let pids = try procfs.processIDs()
        let sockets = procfs.listeners(on: port, among: pids)
        guard !sockets.isEmpty else {
            throw Failure(
                .noTarget, what: "nobody listens on TCP port \(port)", subject: text,
                remedy: "see who listens where: ss -ltnp")
        }
        let holders = procfs.holders(of: sockets, among: pids)
        guard !holders.pids.isEmpty else {
            throw Failure(
                .notPermitted,
                what:
                    "somebody listens on TCP port \(port), but the descriptors of "
                    + "\(Units.counted(holders.unreadable, "process", plural: "processes")) may not be read: that needs their user, or CAP_SYS_PTRACE",
                subject: text,
                remedy: "run nusu as root: sudo nusu …")
        }
        return holders.pids
    }

    /// The process that is number 1 inside, else the one started first.
    private func container(_ identifier: String, _ preference: Preference?) throws(Failure) -> Resolution {
        guard identifier.utf8.count >= 4 else {
            throw Failure(
                .usage, what: "a container's identifier needs at least its first 4 characters", subject: identifier,
                remedy: "for example: nusu leaks container:3f9c2ab1")
        }
        var groups: [[UInt8]: [Int32]] = [:]
        for pid in try procfs.processIDs() {
            guard let paths = try? procfs.cgroupPaths(of: pid),
                let name = paths.lazy.compactMap({ TargetResolver.container(in: $0, identifier) }).first
            else { continue }
            groups[name, default: []].append(pid)
        }
        let first = groups.values.compactMap(firstProcess)
        guard !first.isEmpty else {
            throw Failure(
                .noTarget, what: "no process that can be seen is in a container \(identifier)…", subject: identifier,
                remedy: "list the identifiers with: docker ps, or crictl ps")
        }
        return try choose(first, preference, what: "are the first processes of containers \(identifier)…")
    }

    private func firstProcess(_ pids: [Int32]) -> Int32? {
        let known = pids.compactMap { pid in
            (try? procfs.stat(of: pid)).map { (pid: pid, start: $0.startTicks) }
        }
        let inner = known.filter { (try? procfs.status(of: $0.pid))?.namespacePids.last == 1 }
        return (inner.isEmpty ? known : inner).min { ($0.start, $0.pid) < ($1.start, $1.pid) }?.pid
    }

    /// The container's identifier in a control group's path when it starts with `prefix`: `/docker/3f9c…`,
    /// `…/cri-containerd-3f9c….scope`, `…/libpod-3f9c….scope/container`.
    static func container(in path: [UInt8], _ prefix: String) -> [UInt8]? {
        for part in path.split(separator: UInt8(ascii: "/")) {
            let name = part.lastIndex(of: UInt8(ascii: "-")).map { part[($0 + 1)...] } ?? part
            let identifier = name.prefix { $0 != UInt8(ascii: ".") }
            // Engines write 32 or 64 hexadecimal digits; a folder that merely starts alike is none.
            guard identifier.count >= 12, identifier.starts(with: prefix.utf8) else { continue }
            return Array(identifier)
        }
        return nil
    }

    private func choose(_ pids: [Int32], _ preference: Preference?, what: String) throws(Failure) -> Resolution {
        let others = pids.filter { $0 != own && !ancestors.contains($0) }
        if others.isEmpty, !pids.isEmpty {
            throw Failure(
                .noTarget, what: "only nusu itself and what it runs in \(what)", subject: "TARGET",
                remedy: "name the process by its PID if that is meant")
        }
        let candidates = others.compactMap(procfs.candidate).sorted {
            ($0.identity.startTicks, $0.identity.pid) < ($1.identity.startTicks, $1.identity.pid)
        }
        guard let oldest = candidates.first, let newest = candidates.last else {
            throw Failure(
                .noTarget, what: "the processes that \(what) went away", subject: "TARGET",
                remedy: "look for them with: ps -e")
        }
        if candidates.count == 1 || preference == .oldest { return .one(oldest.identity) }
        if preference == .newest { return .one(newest.identity) }
        let workers = candidates.dropFirst().allSatisfy { $0.parent == oldest.identity.pid }
        let family = workers ? ": \(oldest.identity.pid) and \(Units.grouped(candidates.count - 1)) that it forked" : ""
        return .several(candidates, what: "\(Units.grouped(candidates.count)) processes \(what)\(family)")
    }
}
