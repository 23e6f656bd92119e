import Glibc

/// A folder of the shape of /proc in a temporary place, gone with the value.
final class ProcFixture: Sendable {
    let root: String

    init() throws {
        var template = Array("/tmp/nusu-proc-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw FixtureError(code: errno) }
        root = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit { remove(root) }

    func write(_ path: String, _ bytes: [UInt8]) throws {
        var folder = root
        for part in path.split(separator: "/").dropLast() {
            folder += "/" + part
            mkdir(folder, 0o700)
        }
        guard let file = fopen(root + "/" + path, "w") else { throw FixtureError(code: errno) }
        defer { fclose(file) }
        guard fwrite(bytes, 1, bytes.count, file) == bytes.count else { throw FixtureError(code: errno) }
    }

    func write(_ path: String, _ text: String) throws { try write(path, Array(text.utf8)) }

    func link(_ path: String, to target: String) throws {
        try write(path, "")
        unlink(root + "/" + path)
        guard symlink(target, root + "/" + path) == 0 else { throw FixtureError(code: errno) }
    }

    private func remove(_ path: String) {
        if let directory = opendir(path) {
            while let entry = readdir(directory) {
                let name = withUnsafeBytes(of: &entry.pointee.d_name) {
                    String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
                }
                guard name != ".", name != ".." else { continue }
                if unlink(path + "/" + name) != 0 { remove(path + "/" + name) }
            }
            closedir(directory)
        }
        rmdir(path)
    }
}

struct FixtureError: Error { let code: Int32 }

/// A small generator with a seed, so that a failing case can be run again (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var word = state
        word = (word ^ (word >> 30)) &* 0xbf58_476d_1ce4_e5b9
        word = (word ^ (word >> 27)) &* 0x94d0_49bb_1331_11eb
        return word ^ (word >> 31)
    }
}

enum Sample {
    static func stat(
        pid: Int32, command: String, state: String = "S", parent: Int32 = 1, flags: UInt32 = 0x0040_0000,
        start: UInt64 = 5000
    ) -> [UInt8] {
        Array(
            """
            \(pid) (\(command)) \(state) \(parent) \(pid) \(pid) 0 -1 \(flags) 100 0 0 0 10 5 0 0 20 0 3 0 \(start) \
            10485760 2560 18446744073709551615 94000000000000 94000000100000 140730000000000 0 0 0 0 0 0 0 0 0 17 1 0 0 \
            6 0 0 94000000200000 94000000300000 94000000400000 140730000000100 140730000000200 140730000000200 \
            140730000000300 0

            """.utf8)
    }

    static func status(pid: Int32, tgid: Int32? = nil, tracer: Int32 = 0, uid: UInt32 = 1000) -> String {
        """
        Name:\tapi
        Umask:\t0022
        State:\tS (sleeping)
        Tgid:\t\(tgid ?? pid)
        Ngid:\t0
        Pid:\t\(pid)
        PPid:\t1
        TracerPid:\t\(tracer)
        Uid:\t\(uid)\t\(uid)\t\(uid)\t\(uid)
        Gid:\t100\t101\t102\t103
        NSpid:\t\(pid)\t1
        VmSize:\t  951296 kB
        VmLck:\t       0 kB
        VmRSS:\t  765952 kB
        RssAnon:\t  700000 kB
        RssShmem:\t    8000 kB
        VmPTE:\t    1900 kB
        VmSwap:\t       0 kB
        Threads:\t9
        SigPnd:\t0000000000000000
        ShdPnd:\t0000000000000100
        SigBlk:\t0000000000010000
        SigIgn:\t0000000000001000
        SigCgt:\t0000000180004202
        CapEff:\t0000000000080000
        Seccomp:\t2
        Seccomp_filters:\t1
        x86_Thread_features:\tshstk
        x86_Thread_features_locked:\tshstk wrss
        voluntary_ctxt_switches:\t150
        nonvoluntary_ctxt_switches:\t545

        """
    }

    static let maps = """
        55d0c6700000-55d0c7640000 r-xp 00001000 08:01 1234                       /app/api
        55d0c7f1a000-55d0c8e00000 rw-p 00000000 00:00 0                          [heap]
        7f3c00000000-7f3c00021000 rw-p 00000000 00:00 0\u{20}
        7f3c10000000-7f3c10001000 rw-s 00000000 00:01 99                         /dev/shm/a b\\012c\\040d (deleted)
        7ffd1a2c0000-7ffd1a2e1000 rw-p 00000000 00:00 0                          [stack]
        7ffd1a3f2000-7ffd1a3f4000 r-xp 00000000 00:00 0                          [vdso]
        ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]

        """
}
