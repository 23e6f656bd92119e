import Glibc

/// The file that nusu runs from.
enum OwnProgram {
    /// nil where that cannot be told.
    ///
    /// The corresponding C function is `readlink`, of /proc/self/exe.
    static let path: String? = {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlink(link, &buffer, buffer.count - 1)
        guard count > 0 else { return nil }
        return String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }()

    /// What starts this very program again, whatever its file has become: by its name where that still is its name.
    static var start: String {
        guard let path, !path.hasSuffix(" (deleted)") else { return link }
        return path
    }

    private static let link = "/proc/self/exe"
}
