import Model

/// Names of Swift types from their metadata in memory (Swift ABI 5.0 and later, x86-64 Linux; layouts checked with 6.3.1).
struct SwiftTypes {
    let image: MemoryImage
    let pages: PageCache

    // Kinds (first word of metadata) of things that live in the heap: MetadataKind.def of the Swift runtime.
    private static let classKind: UInt64 = 0
    private static let closureKind: UInt64 = 0x400
    private static let boxKind: UInt64 = 0x500
    private static let errorKind: UInt64 = 0x501
    private static let taskKind: UInt64 = 0x502

    private static let nameLimit = 512
    /// Nested contexts and generic arguments deeper than this are shown as `…`.
    private static let depthLimit = 6
    private static let argumentLimit: UInt64 = 8
    /// Generic arguments of arguments of one type beyond this number are shown as `…`.
    private static let partLimit = 64
    private let naming = Naming()

    /// How many parts of the name that is being read may still follow: damaged memory can describe a type of itself.
    private final class Naming {
        var partsLeft = 0
    }

    init(image: MemoryImage, pages: PageCache) {
        self.image = image
        self.pages = pages
    }

    /// Whether the second word of a block can be a Swift object's reference counts (runtime, RefCount.h): the unowned
    /// count (bits 1 to 31) is at least one, or the word leads to a side table (the two highest bits).
    static func isPlausibleCount(_ word: UInt64) -> Bool {
        if word >> 62 == 3 { return true }
        let unowned = (word & 0xffff_ffff) >> 1
        return unowned >= 1 && unowned < 1 << 24 && word >> 63 == 0
    }

    /// The type of a heap object whose first word is `metadata`; nil when that is no metadata.
    func entry(ofHeapMetadata metadata: UInt64) -> TypeTable.Entry? {
        guard metadata & 7 == 0, let kind = pages.word(at: metadata) else { return nil }
        naming.partsLeft = SwiftTypes.partLimit
        func entry(_ name: String, _ kind: TypeTable.Kind, _ size: UInt64 = 16) -> TypeTable.Entry {
            TypeTable.Entry(name: name, kind: kind, head: metadata, instanceSize: size)
        }
        switch kind {
        case SwiftTypes.classKind:
            guard let name = className(metadata, depth: 0) else { return nil }
            return entry(name, .swiftClass, pages.word32(at: metadata &+ 24).map(UInt64.init) ?? 16)
        case SwiftTypes.closureKind: return isModule(metadata) ? entry("closure", .closure) : nil
        case SwiftTypes.boxKind: return isKnownBox(metadata) ? entry("box", .box) : nil
        case SwiftTypes.errorKind: return isModule(metadata) ? entry("error box", .error) : nil
        case SwiftTypes.taskKind: return isModule(metadata) ? entry("Task", .task) : nil
        default: return nil
        }
    }

    private func isModule(_ address: UInt64) -> Bool {
        guard let mapping = image.mapping(at: address) else { return false }
        return mapping.isFileBacked && !mapping.permissions.contains(.shared)
    }

    /// Metadata of a generic box names the boxed type's metadata at +16.
    private func isKnownBox(_ metadata: UInt64) -> Bool {
        guard let boxed = pages.word(at: metadata &+ 16), boxed & 7 == 0, boxed != 0, let kind = pages.word(at: boxed)
        else { return false }
        return kind <= 0x7ff
    }

    /// Class metadata: superclass +8, flags +16, instance size +24 (u32), alignment mask +28 (u16), descriptor +40.
    private func className(_ metadata: UInt64, depth: Int) -> String? {
        guard let size = pages.word32(at: metadata &+ 24), size >= 16, size < 1 << 30,
            let mask = pages.word32(at: metadata &+ 28), [0, 7, 15, 31, 63].contains(mask & 0xffff),
            let descriptor = pages.word(at: metadata &+ 40), isModule(descriptor), descriptor & 3 == 0,
            let flags = pages.word32(at: descriptor), flags & 0x1f == 16
        else { return nil }
        guard let base = contextName(descriptor, depth: depth) else { return nil }
        guard flags & 0x80 != 0, let own = immediateMembers(descriptor, flags) else { return base }
        // Generic header behind the class descriptor (+44): its counts begin 8 bytes on.
        return base + self.arguments(at: metadata &+ own, header: descriptor &+ 52, depth: depth)
    }

    /// How far into a class's metadata that begins which the class adds to its superclass's, in bytes.
    ///
    /// What a superclass of a module with library evolution has is known only when the program runs: then +24 of the
    /// descriptor leads to where the run-time notes it (TargetStoredClassMetadataBounds: that distance first). Else there are
    /// all words behind the address point at +28 and the class's own at +32.
    private func immediateMembers(_ descriptor: UInt64, _ flags: UInt32) -> UInt64? {
        if flags & SwiftTypes.hasResilientSuperclass != 0 {
            return relative(descriptor &+ 24).flatMap { pages.word(at: $0) }.flatMap { $0 < 1 << 19 ? $0 : nil }
        }
        guard let positive = pages.word32(at: descriptor &+ 28), let immediate = pages.word32(at: descriptor &+ 32),
            positive >= immediate, positive < 1 << 16
        else { return nil }
        return UInt64(positive - immediate) * 8
    }

    /// From where in a class's metadata the place of its fields' offsets is counted.
    func fieldOffsetBase(_ descriptor: UInt64, _ flags: UInt32) -> UInt64? {
        flags & SwiftTypes.hasResilientSuperclass != 0 ? immediateMembers(descriptor, flags) : 0
    }

    /// TypeContextDescriptorFlags::Class_HasResilientSuperclass (swift/ABI/MetadataValues.h), in the upper half of the flags.
    private static let hasResilientSuperclass: UInt32 = 1 << 29

    /// The metadata of a generic class's type arguments; nil where it has none.
    func genericArguments(ofClass metadata: UInt64) -> [UInt64]? {
        guard let descriptor = pages.word(at: metadata &+ 40), let flags = pages.word32(at: descriptor),
            flags & 0x1f == 16, flags & 0x80 != 0, let own = immediateMembers(descriptor, flags),
            let counts = pages.word32(at: descriptor &+ 52), counts & 0xffff > 0, counts & 0xffff <= 8
        else { return nil }
        let first = metadata &+ own
        let arguments = (0..<UInt64(counts & 0xffff)).compactMap { pages.word(at: first &+ $0 * 8) }
        return arguments.allSatisfy { $0 != 0 && $0 & 7 == 0 } ? arguments : nil
    }

    private func arguments(at address: UInt64, header: UInt64, depth: Int) -> String {
        guard depth < SwiftTypes.depthLimit, let counts = pages.word32(at: header) else { return "<…>" }
        let count = UInt64(counts & 0xffff)
        guard count > 0, count <= SwiftTypes.argumentLimit else { return "<…>" }
        let names = (0..<count).map { number in
            pages.word(at: address &+ number * 8).flatMap { typeName($0, depth: depth + 1) } ?? "…"
        }
        return "<" + names.joined(separator: ", ") + ">"
    }

    /// Any type's name from its metadata: nominal types by descriptor, the rest as `…`.
    private func typeName(_ metadata: UInt64, depth: Int) -> String? {
        guard depth < SwiftTypes.depthLimit, naming.partsLeft > 0, metadata & 7 == 0,
            let kind = pages.word(at: metadata)
        else { return nil }
        naming.partsLeft -= 1
        switch kind {
        case SwiftTypes.classKind:
            return className(metadata, depth: depth)
        case 0x200, 0x201, 0x202:
            guard let descriptor = pages.word(at: metadata &+ 8), isModule(descriptor),
                let flags = pages.word32(at: descriptor), let base = contextName(descriptor, depth: depth)
            else { return nil }
            guard flags & 0x80 != 0 else { return base }
            return base + arguments(at: metadata &+ 16, header: descriptor &+ 36, depth: depth)
        case 0x303:
            return existentialName(metadata)
        default:
            return nil
        }
    }

    /// Existential metadata: flags at +8 (bit 31: not bound to classes), number of protocols at +12 (u32), their descriptors
    /// from +16 on (behind a superclass, which is shown as `…`).
    private func existentialName(_ metadata: UInt64) -> String? {
        guard let flags = pages.word32(at: metadata &+ 8), let count = pages.word32(at: metadata &+ 12), count <= 4
        else {
            return nil
        }
        if count == 0 { return flags >> 31 == 0 ? "AnyObject" : "Any" }
        guard flags >> 30 & 1 == 0 else { return nil }
        let names = (0..<UInt64(count)).map { number in
            pages.word(at: metadata &+ 16 &+ number * 8).flatMap { contextName($0 & ~1, depth: 0) } ?? "…"
        }
        return "any " + names.joined(separator: " & ")
    }

    /// "Module.Outer.Inner" along the parents of a context descriptor (kind in the low five bits of its flags: module 0,
    /// extension 1, anonymous 2, protocol 3, class 16, struct 17, enum 18).
    private func contextName(_ descriptor: UInt64, depth: Int) -> String? {
        guard depth < SwiftTypes.depthLimit, let flags = pages.word32(at: descriptor) else { return nil }
        let parent = indirectable(descriptor &+ 4).flatMap { contextName($0, depth: depth + 1) }
        switch flags & 0x1f {
        case 1, 2:
            return parent
        case 0, 3, 16, 17, 18:
            guard let address = relative(descriptor &+ 8), isModule(address),
                let bytes = pages.cString(at: address, limit: SwiftTypes.nameLimit), !bytes.isEmpty,
                bytes.allSatisfy({ $0 > 0x20 && $0 != 0x7f })
            else { return nil }
            let name = String(decoding: bytes, as: UTF8.self)
            return parent.map { $0 + "." + name } ?? name
        default:
            return nil
        }
    }

    /// A 32-bit offset relative to its own address.
    private func relative(_ address: UInt64) -> UInt64? {
        pages.word32(at: address).flatMap {
            $0 == 0 ? nil : address &+ UInt64(bitPattern: Int64(Int32(bitPattern: $0)))
        }
    }

    /// A relative offset whose low bit says that it leads to a pointer instead.
    private func indirectable(_ address: UInt64) -> UInt64? {
        guard let target = relative(address) else { return nil }
        return target & 1 == 0 ? target : pages.word(at: target & ~1)
    }
}
