import Kernel

/// The types of the running kernel, as it tells them itself in /sys/kernel/btf/vmlinux (Documentation/bpf/btf.rst). Only what the
/// scheduler's programs need is looked for.
struct KernelTypes {
    static let path = "/sys/kernel/btf/vmlinux"
    /// Today's kernels have 5 to 10 MiB.
    static let limitBytes = 64 << 20

    private enum Kind {
        static let structure: UInt32 = 4
        static let typeName: UInt32 = 8
        static let variable: UInt32 = 14
        static let section: UInt32 = 15
    }

    private let bytes: UnsafeRawBufferPointer
    private let types: Range<Int>
    private let names: Range<Int>

    // What has been found so far.
    private var leaving: UInt32?
    private var waking: UInt32?
    private var wakeupNew: UInt32?
    private var migration: UInt32?
    private var thread: Int?
    private var process: Int?
    private var entity: Int?
    private var taskCore: Int?
    private var infoCore: Int?
    private var fairQueue: Int?
    private var coreQueue: Int?
    /// Variables of each core, by the numbers of their types; then where they lie in its memory.
    private var queues: UInt32?
    private var count: UInt32?
    private var hot: UInt32?
    private var countInHot: Int?
    private var places: [UInt32: Int] = [:]

    /// nil where something is missing: another kernel than those that the programs are made for, or other bytes.
    static func schedulerLayout(_ bytes: [UInt8]) -> SchedulerLayout? {
        bytes.withUnsafeBytes { bytes in
            guard var types = KernelTypes(bytes), types.scan() else { return nil }
            return types.layout
        }
    }

    private init?(_ bytes: UnsafeRawBufferPointer) {
        func word(_ offset: Int) -> Int { Int(bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self)) }
        // The magic number of a little-endian machine.
        guard bytes.count >= 24, bytes[0] == 0x9f, bytes[1] == 0xeb else { return nil }
        self.bytes = bytes
        let header = word(4)
        types = header + word(8)..<header + word(8) + word(12)
        names = header + word(16)..<header + word(16) + word(20)
        guard types.upperBound <= bytes.count, names.upperBound <= bytes.count else { return nil }
    }

    private var layout: SchedulerLayout? {
        guard let leaving, let waking, let wakeupNew, let migration, let thread, let process, let entity, let fairQueue,
            let coreQueue, let queues, let queuesPlace = places[queues], let core = infoCore ?? taskCore,
            let countPlace
        else { return nil }
        return SchedulerLayout(
            hooks: .init(leaving: leaving, waking: waking, wakeupNew: wakeupNew, migration: migration),
            thread: thread, process: process, core: core, fairQueue: entity + fairQueue, coreQueue: coreQueue,
            preemptCount: countPlace - queuesPlace)
    }

    /// A variable of its own, or (Linux 6.2 to 6.14) a part of another.
    private var countPlace: Int? {
        if let place = count.flatMap({ places[$0] }) { return place }
        guard let place = hot.flatMap({ places[$0] }), let countInHot else { return nil }
        return place + countInHot
    }

    // MARK: - Going through all types

    private func word(_ offset: Int) -> UInt32 { bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self) }

    /// False where the types do not hang together.
    private mutating func scan() -> Bool {
        var at = types.lowerBound
        var number: UInt32 = 1
        while at + 12 <= types.upperBound {
            let info = word(at + 4)
            let count = Int(info & 0xffff)
            guard let size = KernelTypes.extraBytes(info >> 24 & 0x1f, count), at + 12 + size <= types.upperBound else {
                return false
            }
            note(number, info >> 24 & 0x1f, name: Int(word(at)), count, at + 12)
            at += 12 + size
            number += 1
        }
        return at == types.upperBound
    }

    /// What follows a type's first twelve bytes (include/uapi/linux/btf.h); nil for a kind that is not known.
    private static func extraBytes(_ kind: UInt32, _ count: Int) -> Int? {
        switch kind {
        case 1, 14, 17: 4
        case 2, 7...12, 16, 18: 0
        case 3: 12
        case 4, 5, 15, 19: 12 * count
        case 6, 13: 8 * count
        default: nil
        }
    }

    private func isName(_ offset: Int, _ text: StaticString) -> Bool {
        let start = names.lowerBound + offset
        guard start + text.utf8CodeUnitCount < names.upperBound else { return false }
        for index in 0..<text.utf8CodeUnitCount where bytes[start + index] != text.utf8Start[index] { return false }
        return bytes[start + text.utf8CodeUnitCount] == 0
    }

    private mutating func note(_ number: UInt32, _ kind: UInt32, name: Int, _ count: Int, _ place: Int) {
        switch kind {
        case Kind.structure: noteStructure(name, count, place)
        case Kind.typeName:
            guard isHook(name) else { return }
            if isName(name, "btf_trace_sched_switch") { leaving = number }
            if isName(name, "btf_trace_sched_waking") { waking = number }
            if isName(name, "btf_trace_sched_wakeup_new") { wakeupNew = number }
            if isName(name, "btf_trace_sched_migrate_task") { migration = number }
        case Kind.variable:
            if isName(name, "runqueues") { queues = number }
            if isName(name, "__preempt_count") { self.count = number }
            if isName(name, "pcpu_hot") { hot = number }
        case Kind.section:
            guard isName(name, ".data..percpu") else { return }
            for entry in 0..<count { places[word(place + entry * 12)] = Int(word(place + entry * 12 + 4)) }
        default: break
        }
    }

    /// Most names are none.
    private func isHook(_ name: Int) -> Bool {
        let start = names.lowerBound + name
        return start + 4 < names.upperBound && bytes[start] == UInt8(ascii: "b")
            && bytes[start + 3] == UInt8(ascii: "_")
    }

    private mutating func noteStructure(_ name: Int, _ count: Int, _ place: Int) {
        if isName(name, "task_struct") {
            thread = offset(of: "pid", count, place)
            process = offset(of: "tgid", count, place)
            entity = offset(of: "se", count, place)
            taskCore = offset(of: "cpu", count, place)
        } else if isName(name, "thread_info") {
            // Since Linux 5.16; a task begins with it.
            infoCore = offset(of: "cpu", count, place)
        } else if isName(name, "sched_entity") {
            fairQueue = offset(of: "cfs_rq", count, place)
        } else if isName(name, "cfs_rq") {
            coreQueue = offset(of: "rq", count, place)
        } else if isName(name, ""), count > 1, isName(Int(word(place)), "current_task") {
            // The unnamed structure that pcpu_hot is.
            countInHot = offset(of: "preempt_count", count, place)
        }
    }

    /// In bytes; nil where there is no such member.
    private func offset(of member: StaticString, _ count: Int, _ place: Int) -> Int? {
        for index in 0..<count where isName(Int(word(place + index * 12)), member) {
            // Above that is the width of a bit field.
            return Int(word(place + index * 12 + 8) & 0xff_ffff) / 8
        }
        return nil
    }
}
