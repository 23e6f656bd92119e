import Glibc
import Terminal

/// Where the live screen's settings are kept: `$XDG_CONFIG_HOME/nusu/top`, else `~/.config/nusu/top`.
struct TopSettingsFile {
    /// nil where there is no home, and nothing is kept.
    private let folder: String?

    private static let readLimit = 64 * 1024

    init() {
        func variable(_ name: String) -> String? {
            // A relative path is to be left out of account (XDG Base Directory Specification).
            getenv(name).map { String(cString: $0) }.flatMap { $0.hasPrefix("/") ? $0 : nil }
        }
        folder = (variable("XDG_CONFIG_HOME") ?? variable("HOME").map { $0 + "/.config" }).map { $0 + "/nusu" }
    }

    /// The standard ones where there is no file, or none that can be read.
    func read() -> TopSettings {
        guard let folder else { return TopSettings() }
        // Neither a device nor a pipe may keep the screen waiting.
        let descriptor = open(folder + "/top", O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { return TopSettings() }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while bytes.count < TopSettingsFile.readLimit {
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            bytes += buffer[..<count]
        }
        return TopSettings(parsing: bytes)
    }

    /// Whole or not at all: written beside, then moved.
    /// - Returns: why it could not be kept, in the C library's words.
    func write(_ settings: TopSettings) -> String? {
        guard let folder else { return "there is no home folder" }
        let parent = folder.split(separator: "/").dropLast().reduce("") { $0 + "/" + $1 }
        for path in [parent, folder] where mkdir(path, 0o700) != 0 && errno != EEXIST { return message() }
        let draft = "\(folder)/top.\(getpid())"
        let descriptor = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { return message() }
        let error = Output.write(settings.text, to: descriptor)
        close(descriptor)
        guard error == nil, rename(draft, folder + "/top") == 0 else {
            let reason = error.map { String(cString: strerror($0)) } ?? message()
            unlink(draft)
            return reason
        }
        return nil
    }

    private func message() -> String { String(cString: strerror(errno)) }
}
