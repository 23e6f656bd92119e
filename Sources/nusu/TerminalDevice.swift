import Glibc

/// A terminal by the name that ps prints.
enum TerminalDevice {
    /// Its device number as field 7 of `/proc/PID/stat` has it; 0 for "?" and "-", which stand for none; nil where there is
    /// no such terminal.
    ///
    /// The corresponding C function is `fstatat`.
    static func number(_ name: String) -> UInt32? {
        if name == "?" || name == "-" { return 0 }
        let candidates = name.hasPrefix("/") ? [name] : ["/dev/\(name)", "/dev/tty\(name)", "/dev/pts/\(name)"]
        for path in candidates {
            var entry = stat()
            guard fstatat(AT_FDCWD, path, &entry, 0) == 0, entry.st_mode & S_IFMT == S_IFCHR else { continue }
            // include/linux/kdev_t.h, new_encode_dev.
            let major = UInt32(truncatingIfNeeded: entry.st_rdev >> 8) & 0xfff
            let minor = UInt32(truncatingIfNeeded: (entry.st_rdev & 0xff) | ((entry.st_rdev >> 12) & 0xfff00))
            return (minor & 0xff) | (major << 8) | ((minor & ~0xff) << 12)
        }
        return nil
    }
}
