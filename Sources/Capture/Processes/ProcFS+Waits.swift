package import Model

extension ProcFS {
    /// Why the threads of a process wait, and why those do for whom they wait: the target's main thread first. Bounded.
    package func waits(from pid: Int32) -> [WaitReason] { WaitLook(self).waits(from: pid) }

    struct SystemCall: Hashable {
        /// nil: in user code, or running.
        var number: Int?
        var arguments: [UInt64] = []
    }

    /// nil where it may not be seen.
    func currentCall(of pid: Int32, thread: Int32) -> SystemCall? { try? call(of: pid, thread: thread) }

    /// What a thread is in.
    func call(of pid: Int32, thread: Int32) throws(Failure) -> SystemCall {
        let bytes = try read("syscall", of: pid, thread: thread, limit: 512)
        return bytes.withUnsafeBufferPointer { SystemCall(parsing: $0) }
    }

    /// nil where it may not be seen, or the thread runs.
    func waitChannel(of pid: Int32, thread: Int32? = nil) -> String? {
        (try? read("wchan", of: pid, thread: thread, limit: 256)).flatMap { bytes in
            bytes.withUnsafeBufferPointer { ProcFS.waitChannel(parsing: $0) }
        }
    }

    /// "0" where the thread runs.
    static func waitChannel(parsing bytes: UnsafeBufferPointer<UInt8>) -> String? {
        bytes.isEmpty || bytes.elementsEqual("0".utf8) ? nil : String(decoding: bytes, as: UTF8.self)
    }

    /// `1: FLOCK  ADVISORY  WRITE 812 fe:00:16220202 0 EOF`, and below it `1: -> FLOCK … 913 …` for who waits for it.
    static func lockHolders(parsing bytes: [UInt8], awaitedBy pid: Int32) -> [Int32] {
        var result: [Int32] = []
        var holder: Int32?
        bytes.withUnsafeBufferPointer { buffer in
            var scanner = ByteScanner(buffer)
            while var line = scanner.line() {
                guard line.word() != nil, var word = line.word() else { continue }
                let isWaiting = word.elementsEqual("->".utf8)
                if isWaiting {
                    guard let kind = line.word() else { continue }
                    word = kind
                }
                guard line.word() != nil, line.word() != nil, let owner = line.blankThenInt32() else { continue }
                if !isWaiting {
                    holder = owner
                } else if owner == pid, let holder, holder > 0, holder != pid {
                    result.append(holder)
                }
            }
        }
        return result
    }

    /// The number in `pipe:[N]` or `socket:[N]`.
    static func inode(_ kind: StaticString, _ target: [UInt8]) -> UInt64? {
        target.withUnsafeBufferPointer { buffer in
            var scanner = ByteScanner(buffer)
            return scanner.skip(kind) && scanner.skip(":[") ? scanner.decimal() : nil
        }
    }
}

extension ProcFS.SystemCall {
    /// `230 0x0 0x1 0x7ffd2a0b1c40 0x0 0x0 0x0 0x7ffd2a0b1b98 0x7f3c1d2e5a3d`; a file that is none says nothing.
    init(parsing bytes: UnsafeBufferPointer<UInt8>) {
        self.init()
        var scanner = ByteScanner(bytes)
        // "running", or "-1 SP PC" outside of any call.
        guard let number = scanner.decimal() else { return }
        var arguments: [UInt64] = []
        while arguments.count < 6, scanner.skip(" 0x"), let argument = scanner.hexadecimal() {
            arguments.append(argument)
        }
        // A thread of the kernel has no stack in user space: its zeros are no call of number 0, which is read.
        if scanner.skip(" 0x"), scanner.hexadecimal() == 0 { return }
        self.number = Int(clamping: number)
        self.arguments = arguments
    }
}
