import Glibc

/// A file in a folder of its own; both are gone when this is.
final class TemporaryFile {
    let path: String
    private let folder: String

    /// - Parameter content: nil: the file is not there yet.
    init(_ name: String, _ content: [UInt8]? = nil) throws {
        var template = Array("/tmp/nusu-test.XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw HarnessError("mkdtemp: \(errno)") }
        folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        path = folder + "/" + name
        if let content { try Surroundings.write(content, path) }
    }

    /// Names of all files in the folder.
    func neighbours() throws -> [String] {
        guard let stream = opendir(folder) else { throw HarnessError("opendir: \(errno)") }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    deinit {
        for name in (try? neighbours()) ?? [] { unlink(folder + "/" + name) }
        rmdir(folder)
    }
}
