import Glibc

/// Where libswiftRemoteMirror lies: beside this program, or with a toolchain or run-time that only root can have put there.
/// Never where a target may have.
enum MirrorLibrary {
    private static let name = "libswiftRemoteMirror.so"
    /// Below the folder that has `bin/swift`.
    private static let folder = "lib/swift/linux"

    static func path() -> String? {
        if let own = beside("/proc/self/exe") { return own }
        let bins = ["/usr/bin/swift", "/usr/local/bin/swift"].compactMap(resolved).map { parent(parent($0)) }
        let roots = bins + ["/usr", "/usr/local", "/usr/libexec/swift"] + toolchains(in: "/opt")
        return roots.lazy.compactMap { resolved("\($0)/\(folder)/\(name)") }.first(where: belongsToRoot)
    }

    /// Of this program's owner or root's, as nusu asks of this program itself.
    private static func beside(_ program: String) -> String? {
        guard let program = resolved(program) else { return nil }
        let path = parent(program) + "/" + name
        var (status, own) = (stat(), stat())
        guard stat(program, &own) == 0, lstat(path, &status) == 0, isTrusted(status, S_IFREG, [0, own.st_uid]) else {
            return nil
        }
        return path
    }

    private static func toolchains(in folder: String) -> [String] {
        guard let listing = opendir(folder) else { return [] }
        defer { closedir(listing) }
        var names: [String] = []
        while let entry = readdir(listing), names.count < 256 {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name.hasPrefix("swift") { names.append(name) }
        }
        // The newest of those that say their version: 6.10 before 6.3.
        return names.sorted { version($1).lexicographicallyPrecedes(version($0)) }.map { "\(folder)/\($0)/usr" }
    }

    private static func version(_ name: String) -> [Int] { name.split { !$0.isNumber }.map { Int($0) ?? 0 } }

    /// The file and every folder above it.
    private static func belongsToRoot(_ path: String) -> Bool {
        var status = stat()
        guard lstat(path, &status) == 0, isTrusted(status, S_IFREG, [0]) else { return false }
        var folder = parent(path)
        while true {
            guard lstat(folder, &status) == 0, isTrusted(status, S_IFDIR, [0]) else { return false }
            if folder == "/" { return true }
            folder = parent(folder)
        }
    }

    private static func isTrusted(_ status: stat, _ type: mode_t, _ owners: [uid_t]) -> Bool {
        status.st_mode & S_IFMT == type && status.st_mode & 0o022 == 0 && owners.contains(status.st_uid)
    }

    /// The corresponding C function is `realpath`.
    private static func resolved(_ path: String) -> String? {
        guard let text = realpath(path, nil) else { return nil }
        defer { free(text) }
        return String(cString: text)
    }

    private static func parent(_ path: String) -> String {
        let above = path.lastIndex(of: "/").map { path[..<$0] } ?? ""
        return above.isEmpty ? "/" : String(above)
    }
}
