import Glibc

/// An nginx of its own that answers on a unix socket; shut down when it goes out of use.
final class NginxServer {
    static var isInstalled: Bool { installed("nginx") != nil && installed("python3") != nil }

    let socket: String
    private let server: Child

    /// The master's.
    var pid: pid_t { server.pid }
    var workers: [pid_t] { ProcessView(pid: pid).children }

    init(workers: Int) throws {
        guard let program = installed("nginx") else { throw HarnessError("nginx is not installed") }
        let folder = try Surroundings.temporaryFolder()
        // The workers are not root.
        chmod(folder, 0o777)
        socket = "\(folder)/socket"
        let configuration = """
            daemon off; worker_processes \(workers); pid \(folder)/pid; error_log \(folder)/error;
            events { worker_connections 64; }
            http { access_log off; client_body_temp_path \(folder)/body; proxy_temp_path \(folder)/proxy;
            fastcgi_temp_path \(folder)/fastcgi; uwsgi_temp_path \(folder)/uwsgi; scgi_temp_path \(folder)/scgi;
            server { listen unix:\(socket); location / { return 200 "a page of text"; } } }
            """
        try Surroundings.write(Array(configuration.utf8), "\(folder)/nginx.conf")
        server = try Child([program, "-c", "\(folder)/nginx.conf", "-p", folder, "-e", "\(folder)/error"])
        let isUp = comesTrue { self.workers.count == workers && Surroundings.isListening(self.socket) }
        guard isUp else { throw HarnessError("nginx with \(workers) workers does not listen at \(socket)") }
    }

    deinit {
        kill(server.pid, SIGTERM)
        _ = comesTrue { server.poll() != nil }
    }
}
