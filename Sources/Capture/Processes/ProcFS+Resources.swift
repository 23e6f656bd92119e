package import Model

/// The resource limits that bear on a snapshot (`/proc/PID/limits`, man 2 getrlimit): the soft ones.
package struct ResourceLimits: Hashable, Sendable {
    /// RLIMIT_NPROC: processes and threads of the real user; nil: none.
    package var processes: UInt64?
    /// RLIMIT_AS in bytes; nil: none.
    package var addressSpaceBytes: UInt64?
    /// RLIMIT_DATA in bytes; nil: none.
    package var dataBytes: UInt64?
    /// RLIMIT_NOFILE; nil: none.
    package var openFiles: UInt64?
}

/// The program that a process runs, and for which kind of processor it was made.
package struct Executable: Hashable, Sendable {
    /// Where it lay when it was started, as bytes; in the process's own mount namespace.
    package let pathBytes: [UInt8]
    /// The file was deleted or replaced since.
    package let isDeleted: Bool
    /// 32 or 64 (EI_CLASS of the ELF header, man 5 elf); nil where the file cannot be read or is no ELF file.
    package let wordBits: Int?
    /// e_machine: 62 x86-64, 183 aarch64, 3 i386; nil as above.
    package let machine: UInt16?
}

extension ProcFS {
    /// nil where the file cannot be read (another user's process).
    package func limits(of pid: Int32) -> ResourceLimits? {
        guard let bytes = try? read("limits", of: pid, limit: Limit.small) else { return nil }
        var limits = ResourceLimits()
        bytes.withUnsafeBufferPointer { buffer in
            var scanner = ByteScanner(buffer)
            while var line = scanner.line() {
                func soft() -> UInt64? {
                    line.skipBlanks()
                    return line.decimal()
                }
                if line.skip("Max processes ") {
                    limits.processes = soft()
                } else if line.skip("Max address space ") {
                    limits.addressSpaceBytes = soft()
                } else if line.skip("Max data size ") {
                    limits.dataBytes = soft()
                } else if line.skip("Max open files ") {
                    limits.openFiles = soft()
                }
            }
        }
        return limits
    }

    /// The program that the process runs.
    package func executable(of pid: Int32) throws(Failure) -> Executable {
        let link = path(of: pid) + "/exe"
        var path: [UInt8]
        do {
            path = try ProcFile.link(link)
        } catch {
            throw failure(error, reading: "exe", of: pid)
        }
        let mark = Array(" (deleted)".utf8)
        let isDeleted = path.count > mark.count && path.suffix(mark.count).elementsEqual(mark)
        if isDeleted { path.removeLast(mark.count) }
        // Through the link, not the path: that names the file that runs, in whatever mount namespace.
        let header = (try? ProcFile.read(link, limit: 20)) ?? []
        guard header.count == 20, header.starts(with: [0x7f, 0x45, 0x4c, 0x46]) else {
            return Executable(pathBytes: path, isDeleted: isDeleted, wordBits: nil, machine: nil)
        }
        let wordBits: Int? = header[4] == 1 ? 32 : header[4] == 2 ? 64 : nil
        // EI_DATA: 1 is little-endian.
        let machine =
            header[5] == 1
            ? UInt16(header[18]) | UInt16(header[19]) << 8 : UInt16(header[19]) | UInt16(header[18]) << 8
        return Executable(pathBytes: path, isDeleted: isDeleted, wordBits: wordBits, machine: machine)
    }
}
