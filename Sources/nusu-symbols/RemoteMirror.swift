import CRemoteMirror
import Glibc

/// The Swift project's own reader of objects in other processes, libswiftRemoteMirror. It trusts what it reads and may end
/// the program.
struct RemoteMirror {
    private let memory: TargetMemory
    private let context: UnsafeMutableRawPointer
    private let addImage: mirror_add_image
    private let infoForMetadata: mirror_info
    private let infoForType: mirror_info
    private let childOfMetadata: mirror_child
    private let childOfType: mirror_child
    private let copyName: mirror_copy_name

    /// The version of the interface that is called here.
    private static let version: UInt32 = 3
    private static let superclassLimit = 32
    private static let childLimit: UInt32 = 1024
    private static let depthLimit = 6
    /// Parts of one class that are looked at: damaged metadata may describe ever more.
    private static let partLimit = 4096

    /// nil where the library cannot be loaded or has another interface.
    init?(library path: String, memory: TargetMemory) {
        guard let library = dlopen(path, RTLD_NOW | RTLD_LOCAL),
            let version = dlsym(library, "swift_reflection_libraryVersion"),
            version.load(as: UInt32.self) == RemoteMirror.version
        else { return nil }
        func function<Function>(_ name: String, _: Function.Type) -> Function? {
            dlsym(library, "swift_reflection_" + name).map { unsafeBitCast($0, to: Function.self) }
        }
        guard
            let create = function("createReflectionContextWithDataLayout", mirror_create_context.self),
            let addImage = function("addImage", mirror_add_image.self),
            let infoForMetadata = function("infoForMetadata", mirror_info.self),
            let infoForType = function("infoForTypeRef", mirror_info.self),
            let childOfMetadata = function("childOfMetadata", mirror_child.self),
            let childOfType = function("childOfTypeRef", mirror_child.self),
            let copyName = function("copyNameForTypeRef", mirror_copy_name.self),
            let context = create(
                // For as long as the program runs.
                Unmanaged.passRetained(memory).toOpaque(), RemoteMirror.layout,
                { _, bytes, _ in
                    free(UnsafeMutableRawPointer(mutating: bytes))
                },
                { memory, address, count, _ in
                    UnsafeRawPointer(RemoteMirror.memory(memory)?.copy(at: address, count: count))
                },
                { memory, address in RemoteMirror.memory(memory)?.stringLength(at: address) ?? 0 },
                { _, _, _ in 0 })
        else { return nil }
        self.memory = memory
        self.context = context
        self.addImage = addImage
        self.infoForMetadata = infoForMetadata
        self.infoForType = infoForType
        self.childOfMetadata = childOfMetadata
        self.childOfType = childOfType
        self.copyName = copyName
    }

    private static func memory(_ pointer: UnsafeMutableRawPointer?) -> TargetMemory? {
        pointer.map { Unmanaged<TargetMemory>.fromOpaque($0).takeUnretainedValue() }
    }

    /// x86-64 Linux.
    private static let layout: mirror_query_layout = { _, query, _, answer in
        guard let answer else { return 0 }
        switch UInt32(query) {
        case MIRROR_POINTER_SIZE.rawValue, MIRROR_SIZE_SIZE.rawValue: answer.storeBytes(of: 8, as: UInt8.self)
        case MIRROR_POINTER_MASK.rawValue: answer.storeBytes(of: .max, as: UInt64.self)
        case MIRROR_RESERVED_LOW_BITS.rawValue: answer.storeBytes(of: 0, as: UInt8.self)
        case MIRROR_LEAST_POINTER.rawValue: answer.storeBytes(of: 4096, as: UInt64.self)
        case MIRROR_OBJC_INTEROP.rawValue: answer.storeBytes(of: false, as: Bool.self)
        default: return 0
        }
        return 1
    }

    /// Reads a file's reflection sections; nothing where it has none.
    func add(_ module: ModuleFile) {
        memory.described = module
        _ = addImage(context, module.bias)
        memory.described = nil
    }

    // MARK: - Fields

    /// "OFFSET SIZE FIELD" for each part of a class's instances that is not taken apart any further.
    func fields(of metadata: UInt64) -> [String] {
        var lines = Lines()
        var metadata = metadata
        for _ in 0..<RemoteMirror.superclassLimit where metadata != 0 {
            let info = infoForMetadata(context, metadata)
            guard info.kind == MIRROR_CLASS_INSTANCE.rawValue else { break }
            for number in 0..<min(info.fields, RemoteMirror.childLimit) {
                add(childOfMetadata(context, metadata, number), at: 0, number, "", 0, &lines)
            }
            metadata = memory.word(at: metadata &+ 8) ?? 0
        }
        return lines.text
    }

    private struct Lines {
        var text: [String] = []
        var partsLeft = RemoteMirror.partLimit
    }

    private func add(
        _ child: mirror_child_info, at base: UInt64, _ number: UInt32, _ prefix: String, _ depth: Int,
        _ lines: inout Lines
    ) {
        lines.partsLeft -= 1
        guard lines.partsLeft > 0, child.type != 0 else { return }
        let offset = base + UInt64(child.offset)
        let name = prefix + (RemoteMirror.name(child) ?? String(number))
        add(child.type, kind: child.kind, at: offset, name, depth, &lines)
    }

    private func add(
        _ type: UInt64, kind: UInt32, at offset: UInt64, _ name: String, _ depth: Int, _ lines: inout Lines
    ) {
        let info = infoForType(context, type)
        let children = (0..<min(info.fields, RemoteMirror.childLimit)).lazy.map { childOfType(context, type, $0) }
        switch kind {
        case _ where depth == RemoteMirror.depthLimit: break
        case MIRROR_SINGLE_PAYLOAD_ENUM.rawValue:
            // What an optional wraps lies where the optional does.
            lines.partsLeft -= children.count
            let payloads = children.filter { $0.type != 0 }
            guard lines.partsLeft > 0, payloads.count == 1, let payload = payloads.first else { break }
            let label = RemoteMirror.name(payload).flatMap { $0 == "some" ? nil : "." + $0 } ?? ""
            return add(payload.type, kind: payload.kind, at: offset, name + label, depth + 1, &lines)
        case MIRROR_TUPLE.rawValue where info.fields > 0, MIRROR_STRUCT.rawValue where info.fields > 0:
            if kind == MIRROR_STRUCT.rawValue, isStandard(type) { break }
            for (number, child) in children.enumerated() where lines.partsLeft > 0 {
                add(child, at: offset, UInt32(number), name + ".", depth + 1, &lines)
            }
            return
        default: break
        }
        lines.text.append("\(offset) \(info.size) \(name)")
    }

    /// A structure of the standard library's: what it keeps inside says nothing to its users. Mangled names begin with `s` for
    /// a type of its module, or `S` and a letter for the best known ones (docs/ABI/Mangling.rst); `So` is what C declares.
    private func isStandard(_ type: UInt64) -> Bool {
        guard let text = copyName(context, type, true) else { return true }
        defer { free(text) }
        let name = String(cString: text)
        let type = name.hasPrefix("$s") ? name.dropFirst(2) : name[...]
        return type.hasPrefix("s") || (type.hasPrefix("S") && !type.hasPrefix("So"))
    }

    /// As it stands in the source; nil where it has none, or one that is no part of a line.
    private static func name(_ child: mirror_child_info) -> String? {
        guard let text = child.name else { return nil }
        let name = String(cString: text)
        guard !name.isEmpty, name.utf8.allSatisfy({ $0 > 0x20 }) else { return nil }
        let lazy = "$__lazy_storage_$_"
        return name.hasPrefix(lazy) ? String(name.dropFirst(lazy.count)) : name
    }
}
