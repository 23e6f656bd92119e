import Glibc

/// A PostgreSQL of its own, with a data folder of its own; shut down when it goes out of use.
final class PostgresServer {
    /// Where its programs lie; nil where it is not installed.
    static let programs: String? = {
        for version in (13...18).reversed() where access("/usr/lib/postgresql/\(version)/bin/pgbench", X_OK) == 0 {
            return "/usr/lib/postgresql/\(version)/bin"
        }
        return nil
    }()

    static var isInstalled: Bool { programs != nil && (!Surroundings.isRoot || installed("setpriv") != nil) }

    /// Of its socket and its data.
    let folder: String
    private let server: Child

    var pid: pid_t { server.pid }
    var view: ProcessView { ProcessView(pid: pid) }
    /// What tells its clients where it is.
    var reach: [String] { ["-h", folder, "-U", "bench", "postgres"] }
    /// A command line that takes psql's further options.
    var psql: [String] { ["\(Self.programs ?? "")/psql"] + reach }

    init() throws {
        guard let programs = Self.programs else { throw HarnessError("PostgreSQL is not installed") }
        folder = try Surroundings.temporaryFolder()
        chmod(folder, 0o777)
        // PostgreSQL refuses to run as root.
        let user = Surroundings.isRoot ? ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"] : []
        let made = try run(
            user + ["\(programs)/initdb", "--no-sync", "-D", "\(folder)/data", "-U", "bench", "-A", "trust"])
        guard made.status == 0 else { throw HarnessError("initdb: \(made.errors)") }
        server = try Child(
            user + ["\(programs)/postgres", "-D", "\(folder)/data", "-k", folder, "-c", "listen_addresses="],
            capturesErrors: true)
        let isUp = try comesTrue { try run(["\(programs)/pg_isready", "-h", folder]).status == 0 }
        guard isUp else { throw HarnessError("PostgreSQL does not answer at \(folder)") }
    }

    deinit {
        // Fast shutdown, so that the backends go first.
        kill(server.pid, SIGINT)
        _ = comesTrue { server.poll() != nil }
    }
}
