import Glibc
import Model

/// What the control groups that nusu itself is in allow, where it runs in a container: then these are the machine.
struct ContainerBounds {
    private let memory: (limit: KeptFile, usage: KeptFile, statistics: KeptFile?, cacheNames: [StaticString])?
    private let processors: Quota?
    private let ran: (file: KeptFile, isUnified: Bool)?
    private let pressure: PressureFiles?

    /// Two numbers, in one file or in two: of each period of the second, its processes may run for the first.
    private struct Quota {
        let files: [KeptFile]

        func processors(_ buffer: UnsafeMutableRawBufferPointer) -> Double? {
            var numbers: [Double] = []
            for file in files {
                guard let bytes = try? file.read(into: buffer) else { return nil }
                var scanner = ByteScanner(bytes)
                // "max" and -1 are no numbers here: no limit.
                while let number = scanner.fixedPoint() { numbers.append(number) }
            }
            guard numbers.count == 2, numbers[0] > 0, numbers[1] > 0 else { return nil }
            return numbers[0] / numbers[1]
        }
    }

    /// The first process namespace of a kernel has always this number (include/linux/proc_ns.h, PROC_PID_INIT_INO).
    private static let firstNamespace = "pid:[4026531836]"

    /// nil in the first process namespace, whose limits are those of a service or a session, and where nothing is limited.
    init?(procfs: ProcFS) {
        let own = getpid()
        guard let namespace = procfs.namespace("pid", of: own), namespace != ContainerBounds.firstNamespace else {
            return nil
        }
        memory = ContainerBounds.memory(procfs, own)
        processors = ContainerBounds.quota(procfs, own)
        ran = ContainerBounds.ran(procfs, own)
        pressure = ContainerBounds.pressure(procfs, own)
        guard memory != nil || processors != nil else { return nil }
    }

    func sample(_ buffer: UnsafeMutableRawBufferPointer) -> MachineSample.Bounds {
        var bounds = MachineSample.Bounds()
        bounds.processors = processors?.processors(buffer)
        bounds.pressure = pressure?.sample(buffer)
        if let memory {
            bounds.memoryLimitBytes = ContainerBounds.number(memory.limit, buffer)
            bounds.memoryUsedBytes = ContainerBounds.number(memory.usage, buffer)
            bounds.cacheBytes = memory.statistics.flatMap { file in
                memory.cacheNames.lazy.compactMap { ContainerBounds.value($0, file, buffer) }.first
            }
        }
        if let ran {
            // Microseconds, or nanoseconds in version 1.
            bounds.ranSeconds =
                ran.isUnified
                ? ContainerBounds.value("usage_usec", ran.file, buffer).map { Double($0) / 1e6 }
                : ContainerBounds.number(ran.file, buffer).map { Double($0) / 1e9 }
        }
        return bounds
    }

    /// The innermost group with a limit.
    private static func memory(
        _ procfs: ProcFS, _ own: Int32
    ) -> (limit: KeptFile, usage: KeptFile, statistics: KeptFile?, cacheNames: [StaticString])? {
        guard let group = try? procfs.memoryCgroups(of: own).first(where: { $0.limitBytes != nil }) else { return nil }
        let isUnified = access(group.path + "/memory.max", F_OK) == 0
        guard let limit = try? KeptFile(group.path + (isUnified ? "/memory.max" : "/memory.limit_in_bytes")),
            let usage = try? KeptFile(group.path + (isUnified ? "/memory.current" : "/memory.usage_in_bytes"))
        else { return nil }
        return (
            limit, usage, try? KeptFile(group.path + "/memory.stat"),
            isUnified ? ["inactive_file"] : ["total_inactive_file", "inactive_file"]
        )
    }

    /// cpu.max of version 2: `200000 100000`, or `max 100000`; cpu.cfs_quota_us and cpu.cfs_period_us of version 1.
    private static func quota(_ procfs: ProcFS, _ own: Int32) -> Quota? {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 256, alignment: 16)
        defer { buffer.deallocate() }
        for group in (try? procfs.groups(of: own, controller: "cpu")) ?? [] {
            let names = group.isUnified ? ["/cpu.max"] : ["/cpu.cfs_quota_us", "/cpu.cfs_period_us"]
            let quota = Quota(files: names.compactMap { try? KeptFile(group.path + $0) })
            if quota.processors(buffer) != nil { return quota }
        }
        return nil
    }

    /// What the group's processes wait for; nil without version 2, which alone counts for each group.
    private static func pressure(_ procfs: ProcFS, _ own: Int32) -> PressureFiles? {
        let groups = (try? procfs.groups(of: own, controller: "cpu")) ?? []
        guard
            let group = groups.first(where: { $0.isUnified && access($0.path + "/cpu.pressure", R_OK) == 0 })
        else { return nil }
        return PressureFiles { "\(group.path)/\($0).pressure" }
    }

    /// What the group's processes ran. Version 1 counts in a hierarchy of its own.
    private static func ran(_ procfs: ProcFS, _ own: Int32) -> (file: KeptFile, isUnified: Bool)? {
        guard
            let group = try? procfs.groups(of: own, controller: "cpuacct").first(where: { group in
                access(group.path + (group.isUnified ? "/cpu.stat" : "/cpuacct.usage"), R_OK) == 0
            })
        else { return nil }
        let name = group.isUnified ? "/cpu.stat" : "/cpuacct.usage"
        return (try? KeptFile(group.path + name)).map { ($0, group.isUnified) }
    }

    private static func number(_ file: KeptFile, _ buffer: UnsafeMutableRawBufferPointer) -> UInt64? {
        guard let bytes = try? file.read(into: buffer) else { return nil }
        var scanner = ByteScanner(bytes)
        return scanner.decimal()
    }

    private static func value(
        _ name: StaticString, _ file: KeptFile, _ buffer: UnsafeMutableRawBufferPointer
    ) -> UInt64? {
        guard let bytes = try? file.read(into: buffer) else { return nil }
        var scanner = ByteScanner(bytes)
        while var line = scanner.line() {
            if line.skip(name), line.skip(UInt8(ascii: " ")) { return line.decimal() }
        }
        return nil
    }
}
