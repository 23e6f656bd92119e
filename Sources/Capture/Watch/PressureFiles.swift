import Glibc
import Model

/// What waits for processors, memory and storage, of the machine or of a control group: three files, kept open.
struct PressureFiles {
    private enum Part: String, CaseIterable {
        case cpu, memory, io
    }

    private let files: [(part: Part, file: KeptFile)]

    /// - Parameter path: of the file of "cpu", "memory" or "io".
    init(_ path: (String) -> String) {
        files = Part.allCases.compactMap { part in (try? KeptFile(path(part.rawValue))).map { (part, $0) } }
    }

    /// nil where the kernel does not count: told not to (psi=0), it has the files and lets nobody read them.
    func sample(_ buffer: UnsafeMutableRawBufferPointer) -> MachineSample.Pressure? {
        var result: MachineSample.Pressure?
        for (part, file) in files {
            guard let bytes = try? file.read(into: buffer) else { continue }
            let (some, full) = PressureFiles.shares(bytes)
            var pressure = result ?? MachineSample.Pressure()
            switch part {
            case .cpu: pressure.cpuSome = some
            case .memory: (pressure.memorySome, pressure.memoryFull) = (some, full)
            case .io: (pressure.ioSome, pressure.ioFull) = (some, full)
            }
            result = pressure
        }
        return result
    }

    /// `some avg10=73.58 avg60=29.49 avg300=11.75 total=3955550610`, and the same of `full` (Documentation/accounting/psi.rst).
    private static func shares(_ bytes: UnsafeBufferPointer<UInt8>) -> (some: Double?, full: Double?) {
        var result: (some: Double?, full: Double?) = (nil, nil)
        var scanner = ByteScanner(bytes)
        while var line = scanner.line() {
            if line.skip("some avg10=") { result.some = line.fixedPoint() }
            if line.skip("full avg10=") { result.full = line.fixedPoint() }
        }
        return result
    }
}
