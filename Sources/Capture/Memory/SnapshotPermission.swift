import Glibc
import Kernel
import Model
import SystemPackage

/// Whether a process can be looked into at all, and in what words not.
enum SnapshotPermission {
    static func check(_ process: ProcessIdentity, stat: ProcessStat, procFS: ProcFS) throws(Failure) {
        if stat.isZombie {
            throw Failure(
                .noTarget, what: "\(process) has ended: it is a zombie and has no memory any more",
                subject: process.description, remedy: "look at its parent: ps -o pid,comm -p \(stat.parent)")
        }
        if stat.isKernelThread {
            throw Failure(
                .unsupported, what: "\(process) is a thread of the kernel and has no memory of its own",
                subject: process.description, remedy: "choose a process: ps -e")
        }
        let status = try procFS.status(of: process.pid)
        if status.tracerPid != 0 { throw traced(process, by: status.tracerPid, procFS: procFS) }
        do throws(Errno) {
            // Opening asks for the same right as attaching, and changes nothing.
            _ = try MemoryFile(process.pid, root: procFS.root)
        } catch {
            throw failure(error, process, status: status, procFS: procFS)
        }
    }

    /// The failure for an error of attaching to or opening the memory of a process.
    static func failure(_ error: Errno, _ process: ProcessIdentity, procFS: ProcFS) -> Failure {
        guard let status = try? procFS.status(of: process.pid) else { return gone(process) }
        if status.tracerPid != 0, status.tracerPid != getpid() {
            return traced(process, by: status.tracerPid, procFS: procFS)
        }
        return failure(error, process, status: status, procFS: procFS)
    }

    static func gone(_ process: ProcessIdentity) -> Failure {
        Failure(
            .noTarget, what: "\(process) ended while nusu looked at it", subject: process.description,
            remedy: "look for it with: ps -e")
    }

    private static func traced(_ process: ProcessIdentity, by tracer: Int32, procFS: ProcFS) -> Failure {
        let name = (try? procFS.identity(of: tracer))?.description ?? "process \(tracer)"
        return Failure(
            .notPermitted, what: "\(process) is traced already, by \(name); a process has only one tracer",
            subject: process.description, remedy: "let \(name) detach or end, then try again")
    }

    private static func failure(
        _ error: Errno, _ process: ProcessIdentity, status: ProcessStatus, procFS: ProcFS
    ) -> Failure {
        switch error {
        case .noSuchFileOrDirectory, .noSuchProcess: return gone(process)
        case .permissionDenied, .notPermitted:
            return Failure(
                .notPermitted,
                what: "may not read the memory of \(process): \(reason(status, procFS: procFS))",
                subject: process.description, remedy: remedy)
        default:
            return Failure(
                .internal, what: "cannot open the memory of \(process): \(error)", subject: process.description,
                remedy: "report it with the output of: uname -r")
        }
    }

    private static func reason(_ target: ProcessStatus, procFS: ProcFS) -> String {
        let scope = procFS.ptraceScope() ?? 0
        if scope == 3 { return "ptrace_scope=3 on this machine forbids it to everybody until the next boot" }
        guard let own = try? procFS.status(of: getpid()) else { return "that needs CAP_SYS_PTRACE" }
        if own.mayTraceOthers {
            return "nusu has CAP_SYS_PTRACE, but not in the target's user namespace, or a security module forbids it"
        }
        if target.user.real != own.user.effective {
            return "it belongs to user \(target.user.real), nusu runs as user \(own.user.effective)"
        }
        if scope > 0 { return "ptrace_scope=\(scope) on this machine asks for CAP_SYS_PTRACE" }
        return "it has rights that nusu has not (capabilities, set-user-id, or marked as not dumpable)"
    }

    private static var remedy: String {
        if getenv("KUBERNETES_SERVICE_HOST") != nil {
            return "give nusu CAP_SYS_PTRACE; in Kubernetes: kubectl debug POD -it --target=CONTAINER "
                + "--profile=general --image=IMAGE-WITH-NUSU"
        }
        return "run nusu as root (sudo), or give it CAP_SYS_PTRACE (docker run --cap-add SYS_PTRACE)"
    }
}
