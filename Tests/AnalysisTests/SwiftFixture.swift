import Model

@testable import Analysis

/// A process with Swift classes, laid out by hand: a module with metadata in a file mapping, objects in a glibc heap.
struct SwiftFixture {
    static let module = AddressRange(0x5553_0000_0000, 0x5553_0002_0000)
    /// First word of a class's field offsets, counted from its metadata.
    static let vector: UInt64 = 12

    var heap: FixtureHeap
    private var next = module.lower
    private let context: UInt64

    /// A stored property: its name and its mangled type ("yXl": AnyObject; "Si": Int; a suffix Xw, Xo or Xu).
    struct Property {
        let name: String
        let type: String
    }

    init(heapBytes: UInt64 = 1 << 20) {
        heap = FixtureHeap(heapBytes: heapBytes)
        heap.memory.map(SwiftFixture.module)
        context = SwiftFixture.module.lower
        next = context + 12
        let name = text("App")
        write32(0, at: context)
        writeRelative(name, at: context + 8)
    }

    /// Lays out a class and returns the address of its metadata.
    mutating func type(_ name: String, _ properties: [Property], superclass: UInt64 = 0) -> UInt64 {
        let start = superclass == 0 ? 16 : UInt64(heap.memory.word32(at: superclass + 24) ?? 16)
        let records = take(16 + UInt64(properties.count) * 12)
        write32(UInt32(properties.count), at: records + 12)
        let descriptor = take(60)
        let metadata = take(8 + (SwiftFixture.vector + UInt64(properties.count)) * 8) + 8
        for (number, property) in properties.enumerated() {
            let record = records + 16 + UInt64(number) * 12
            let (type, name) = (text(property.type), text(property.name))
            writeRelative(type, at: record + 4)
            writeRelative(name, at: record + 8)
            heap.memory.write(
                start + UInt64(number) * 8, at: metadata + (SwiftFixture.vector + UInt64(number)) * 8)
        }
        let text = text(name)
        write32(16, at: descriptor)
        writeRelative(context, at: descriptor + 4)
        writeRelative(text, at: descriptor + 8)
        writeRelative(records, at: descriptor + 16)
        write32(UInt32(properties.count), at: descriptor + 36)
        write32(UInt32(SwiftFixture.vector), at: descriptor + 40)
        heap.memory.write(0, at: metadata)
        heap.memory.write(superclass, at: metadata + 8)
        write32(UInt32(start) + UInt32(properties.count) * 8, at: metadata + 24)
        write32(7, at: metadata + 28)
        heap.memory.write(descriptor, at: metadata + 40)
        return metadata
    }

    /// Marks a class as one whose superclass is of a module with library evolution: the place of its field offsets is then
    /// counted from a distance that the run-time notes.
    mutating func setResilientSuperclass(of metadata: UInt64) {
        guard let descriptor = heap.memory.word(at: metadata + 40) else { return }
        let distance: UInt64 = 40
        let bounds = take(16)
        heap.memory.write(distance, at: bounds)
        write32(16 | 1 << 29, at: descriptor)
        writeRelative(bounds, at: descriptor + 24)
        write32(UInt32(SwiftFixture.vector - distance / 8), at: descriptor + 40)
    }

    /// An object with counts: strong references, and unowned ones.
    mutating func object(_ metadata: UInt64, strong: UInt64 = 1, unowned: UInt64 = 0, words: UInt64 = 4) -> UInt64 {
        let object = heap.block(16 + words * 8)
        heap.memory.write(metadata, at: object)
        setCounts(object, strong: strong, unowned: unowned)
        return object
    }

    func setCounts(_ object: UInt64, strong: UInt64, unowned: UInt64 = 0) {
        heap.memory.write((strong - 1) << 33 | (unowned + 1) << 1 | 1, at: object + 8)
    }

    func write32(_ value: UInt32, at address: UInt64) {
        heap.memory.write(withUnsafeBytes(of: value.littleEndian) { Array($0) }, at: address)
    }

    func writeRelative(_ target: UInt64, at address: UInt64) {
        write32(UInt32(truncatingIfNeeded: target &- address), at: address)
    }

    private mutating func text(_ text: String) -> UInt64 {
        let address = take(UInt64(text.utf8.count) + 1)
        heap.memory.write(Array(text.utf8) + [0], at: address)
        return address
    }

    private mutating func take(_ bytes: UInt64) -> UInt64 {
        next = (next + 7) & ~7
        defer { next += bytes }
        return next
    }

    func image(registers: [UInt64] = []) -> MemoryImage {
        let image = heap.image(registers: registers)
        let mapping = Mapping(
            range: SwiftFixture.module, permissions: [.read], fileOffset: 0, deviceMajor: 8, inode: 11,
            nameBytes: Array("/usr/bin/fixture".utf8))
        return MemoryImage(
            process: image.process, mappings: [mapping] + image.mappings, threads: image.threads, reader: image.reader)
    }

    func graph() -> ProcessGraph? {
        guard case .done(let graph) = ProcessGraph.build(image: image(), acceptTorn: true) else { return nil }
        return graph
    }

    func findings(_ options: LeakAnalysis.Options = .init(addressLimit: .max)) -> LeakFindings? {
        LeakAnalysis.run(image: image(), options)?.findings
    }
}
