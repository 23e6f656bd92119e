import Capture
import Glibc
import Kernel
import Model

/// Asks the helper program `nusu-symbols` for the fields of C++ classes. Without it, or where it crashes, hangs or writes
/// nonsense, fields keep their offsets.
struct FieldNamer {
    /// The helper beside nusu itself.
    static let helperName = "nusu-symbols"

    private static let seconds = 3.0
    private static let answerLimitBytes = 16 << 20

    /// - Parameter classes: as C++ names are demangled.
    static func names(of classes: Set<String>, in files: ModuleFiles) -> FieldNames {
        // A name that is no line would be another question.
        let asked = classes.filter { name in !name.isEmpty && name.utf8.allSatisfy { $0 >= 0x20 } }
        guard !asked.isEmpty, let helper = helper() else { return .none }
        return files.withDescriptors { descriptors in
            let question = ([String(descriptors.count)] + asked.sorted()).joined(separator: "\n") + "\n"
            guard
                let answer = HelperProcess.ask(
                    helper, descriptors, input: Array(question.utf8), withinSeconds: seconds,
                    limitBytes: answerLimitBytes)
            else { return .none }
            return FieldNames(answer: answer, asked: asked)
        }
    }

    /// The path of the helper, if it is as trustworthy as nusu itself: in the same folder, of the same owner or root, and
    /// written by nobody else.
    private static func helper() -> String? {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlink("/proc/self/exe", &buffer, buffer.count - 1)
        guard count > 0 else { return nil }
        let own = String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
        guard let slash = own.lastIndex(of: "/") else { return nil }
        let path = own[...slash] + helperName
        var (status, ownStatus) = (stat(), stat())
        guard stat(String(path), &status) == 0, stat(own, &ownStatus) == 0, status.st_mode & S_IFMT == S_IFREG,
            status.st_mode & 0o022 == 0, status.st_uid == ownStatus.st_uid || status.st_uid == 0
        else { return nil }
        return String(path)
    }
}
