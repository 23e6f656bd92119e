import Analysis
import Capture
import Glibc
import Kernel
import Model

/// Asks the helper program `nusu-symbols` for the fields of classes. Without it, or where it crashes, hangs or writes
/// nonsense, fields keep the names and offsets that they have.
struct FieldNamer {
    /// The helper beside nusu itself.
    static let helperName = "nusu-symbols"

    let files: ModuleFiles
    /// For all questions together: a command that nusu runs stands at its end meanwhile.
    private let end = ContinuousClock.now + .seconds(3)

    init(files: ModuleFiles) { self.files = files }

    /// - Parameter classes: C++ classes, as their names are demangled.
    func names(of classes: Set<String>) -> FieldNames {
        let asked = classes.filter(FieldNamer.isLine)
        guard !asked.isEmpty, let helper = FieldNamer.helper() else { return .none }
        return files.withModules { modules in
            let question = ["c++ \(modules.count)"] + asked.sorted()
            return answer(helper, modules, question, asked: asked)
        }
    }

    /// The same for Swift classes: their metadata lies in memory.
    func names(of classes: Set<String>, _ swift: SwiftClasses) -> FieldNames {
        let asked = classes.filter(FieldNamer.isLine)
        guard !asked.isEmpty, let helper = FieldNamer.helper() else { return .none }
        return files.withModules { modules in
            let loaded = modules.filter { $0.bias != nil }
            let question =
                ["swift \(loaded.count)"] + loaded.compactMap { $0.bias.map(String.init) }
                + asked.sorted().compactMap { name in swift.metadata(of: name).map { "\($0) \(name)" } }
            return answer(helper, loaded, question, asked: asked, memory: swift.reader)
        }
    }

    private func answer(
        _ helper: String, _ modules: [ModuleFiles.Module], _ question: [String], asked: Set<String>,
        memory: (any MemoryReader)? = nil
    ) -> FieldNames {
        let text = question.joined(separator: "\n") + "\n"
        let limits = HelperProcess.Limits(
            seconds: max((end - ContinuousClock.now).inSeconds, 0), answerBytes: 16 << 20, memoryBytes: 64 << 20)
        let answer = HelperProcess.ask(
            helper, modules.map(\.descriptor), input: Array(text.utf8), memory: memory, within: limits)
        return answer.map { FieldNames(answer: $0, asked: asked) } ?? .none
    }

    /// A name that is no line would be another question.
    private static func isLine(_ name: String) -> Bool { !name.isEmpty && name.utf8.allSatisfy { $0 >= 0x20 } }

    /// The path of the helper, if it is as trustworthy as nusu itself: in the same folder, of the same owner or root, and
    /// written by nobody else.
    private static func helper() -> String? {
        guard let own = OwnProgram.path, let slash = own.lastIndex(of: "/") else { return nil }
        let path = own[...slash] + helperName
        var (status, ownStatus) = (stat(), stat())
        guard stat(String(path), &status) == 0, stat(own, &ownStatus) == 0, status.st_mode & S_IFMT == S_IFREG,
            status.st_mode & 0o022 == 0, status.st_uid == ownStatus.st_uid || status.st_uid == 0
        else { return nil }
        return String(path)
    }
}
