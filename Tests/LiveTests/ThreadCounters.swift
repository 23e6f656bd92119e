import Glibc

/// What the kernel itself has counted of a main thread: what a trace says of it is compared with that.
struct ThreadCounters {
    private(set) var seconds = Clock.now
    private(set) var runSeconds: Double
    private(set) var voluntary: Int
    private(set) var involuntary: Int

    init(_ pid: pid_t) throws {
        let view = ProcessView(pid: pid)
        guard let run = view.timeOnProcessor(of: pid),
            let voluntary = view.status("voluntary_ctxt_switches").flatMap({ Int($0) }),
            let involuntary = view.status("nonvoluntary_ctxt_switches").flatMap({ Int($0) })
        else { throw HarnessError("the kernel does not count what \(pid) does") }
        runSeconds = Double(run) / 1e9
        self.voluntary = voluntary
        self.involuntary = involuntary
    }

    func since(_ earlier: ThreadCounters) -> ThreadCounters {
        var difference = self
        difference.seconds -= earlier.seconds
        difference.runSeconds -= earlier.runSeconds
        difference.voluntary -= earlier.voluntary
        difference.involuntary -= earlier.involuntary
        return difference
    }
}
