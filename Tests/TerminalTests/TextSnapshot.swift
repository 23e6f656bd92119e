import Glibc
import Testing

/// Compares a whole text with a file of `Snapshots/`. With RECORD_SNAPSHOTS=1 in the environment the file is written.
func expectSnapshot(_ text: String, _ name: String, location: SourceLocation = #_sourceLocation) {
    let folder = #filePath.split(separator: "/").dropLast().reduce("") { $0 + "/" + $1 } + "/Snapshots/"
    if getenv("RECORD_SNAPSHOTS") != nil {
        guard let file = fopen(folder + name, "w") else {
            Issue.record("cannot write \(folder + name)", sourceLocation: location)
            return
        }
        fputs(text, file)
        fclose(file)
        return
    }
    #expect(text == contents(folder + name), "differs from Snapshots/\(name)", sourceLocation: location)
}

private func contents(_ path: String) -> String? {
    guard let file = fopen(path, "r") else { return nil }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    while case let count = fread(&buffer, 1, buffer.count, file), count > 0 { bytes += buffer[..<count] }
    return String(decoding: bytes, as: UTF8.self)
}
