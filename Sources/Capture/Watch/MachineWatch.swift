import Glibc
package import Model
import SystemPackage

/// Takes samples of the whole machine: a handful of files, kept open and read with one call each. Belongs to one thread.
package final class MachineWatch {
    private let statistics: KeptFile?
    private let memory: KeptFile?
    private let load: KeptFile?
    private let pressure: PressureFiles
    private let bounds: ContainerBounds?
    private let procfs: ProcFS
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 * 1024, alignment: 16)

    /// A machine with more is shown as much of.
    private static let coreLimit = 4096

    package init(procfs: ProcFS) {
        self.procfs = procfs
        func file(_ name: String) -> KeptFile? { try? KeptFile("\(procfs.root)/\(name)") }
        statistics = file("stat")
        memory = file("meminfo")
        load = file("loadavg")
        pressure = PressureFiles { "\(procfs.root)/pressure/\($0)" }
        bounds = ContainerBounds(procfs: procfs)
    }

    deinit { buffer.deallocate() }

    package func sample() -> MachineSample {
        var sample = MachineSample()
        if let bytes = try? statistics?.read(into: buffer) { MachineWatch.readStatistics(bytes, &sample) }
        if let bytes = try? memory?.read(into: buffer) { sample.memory = MachineWatch.memory(bytes) }
        if let bytes = try? load?.read(into: buffer) { sample.load = MachineWatch.load(bytes) }
        if let pressure = pressure.sample(buffer) { sample.pressure = pressure }
        sample.uptime = procfs.uptime()
        sample.bounds = bounds?.sample(buffer)
        return sample
    }

    // MARK: - Files

    /// `cpu0 523563 41085 102074 417385 1401 0 292 233 0 0` (man 5 proc_stat). All lines begin with "cpu" up to the first that
    /// does not.
    private static func readStatistics(_ bytes: UnsafeBufferPointer<UInt8>, _ sample: inout MachineSample) {
        var scanner = ByteScanner(bytes)
        while var line = scanner.line(), line.skip("cpu"), sample.cores.count < coreLimit {
            let isTotal = line.peek == UInt8(ascii: " ")
            let number = line.decimal()
            guard isTotal == (number == nil), let times = MachineSample.CoreTimes(parsing: &line) else { continue }
            if let number {
                guard let number = Int(exactly: number), number < 1 << 20 else { continue }
                sample.cores.append(MachineSample.Core(number: number, times: times))
            } else {
                sample.total = times
            }
        }
    }

    /// man 5 proc_meminfo
    static func memory(_ bytes: UnsafeBufferPointer<UInt8>) -> MachineSample.Memory? {
        var values: [String: UInt64] = [:]
        var scanner = ByteScanner(bytes)
        while var line = scanner.line(), values.count < 256 {
            guard let name = line.upTo(UInt8(ascii: ":")), let value = line.blankThenKilobytes() else { continue }
            values[String(decoding: name, as: UTF8.self)] = value
        }
        guard let total = values["MemTotal"], total > 0 else { return nil }
        let shared = values["Shmem"] ?? 0
        let pages = (values["Cached"] ?? 0) &+ (values["Buffers"] ?? 0) &+ (values["SReclaimable"] ?? 0)
        return MachineSample.Memory(
            totalBytes: total, availableBytes: values["MemAvailable"] ?? (values["MemFree"] ?? 0) &+ pages,
            cacheBytes: pages - min(pages, shared), sharedBytes: shared, swapTotalBytes: values["SwapTotal"] ?? 0,
            swapFreeBytes: values["SwapFree"] ?? 0)
    }

    /// `2.45 1.11 1.11 3/412 21446` (man 5 proc_loadavg)
    static func load(_ bytes: UnsafeBufferPointer<UInt8>) -> MachineSample.Load? {
        var scanner = ByteScanner(bytes)
        guard let one = scanner.fixedPoint(), let five = scanner.fixedPoint(), let fifteen = scanner.fixedPoint()
        else { return nil }
        scanner.skipBlanks()
        guard let running = scanner.decimal(), scanner.skip(UInt8(ascii: "/")), let threads = scanner.decimal() else {
            return nil
        }
        return MachineSample.Load(
            one: one, five: five, fifteen: fifteen, running: Int(clamping: running), threads: Int(clamping: threads))
    }
}

extension MachineSample.CoreTimes {
    /// user, nice, system, idle, iowait, irq, softirq, steal
    init?(parsing line: inout ByteScanner) {
        self.init()
        func next() -> UInt64? {
            line.skipBlanks()
            return line.decimal()
        }
        guard let user = next(), let nice = next(), let system = next(), let idle = next() else { return nil }
        self.user = user
        self.nice = nice
        self.system = system
        self.idle = idle
        ioWait = next() ?? 0
        interrupts = (next() ?? 0) &+ (next() ?? 0)
        stolen = next() ?? 0
    }
}

extension ByteScanner {
    /// `73.58` after blanks; no sign, no exponent, at most nine decimals.
    mutating func fixedPoint() -> Double? {
        skipBlanks()
        guard let whole = decimal() else { return nil }
        guard skip(UInt8(ascii: ".")) else { return Double(whole) }
        let start = position
        guard let part = decimal(), position - start <= 9 else { return nil }
        var unit = 1.0
        for _ in start..<position { unit *= 10 }
        return Double(whole) + Double(part) / unit
    }
}
