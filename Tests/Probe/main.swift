import Capture
import Glibc
import Model

// Probe PID METHOD STEP: takes a snapshot of a process and kills itself at the named step, as nusu may be killed at any.
// With the step "none" it goes to the end. METHOD is fork, copy, stream or auto.
//
// Prints the pause in microseconds and what it could read; 0 when all went well.

let arguments = CommandLine.arguments
guard arguments.count >= 4, let pid = Int32(arguments[1]) else {
    print("usage: Probe PID METHOD STEP [READ-SECONDS]")
    exit(64)
}
let fatalStep = SnapshotStep(rawValue: arguments[3])
let readSeconds = arguments.count > 4 ? UInt32(arguments[4]) ?? 0 : 0
do throws(Failure) {
    let options = SnapshotOptions(method: SnapshotMethod(rawValue: arguments[2]), maxPauseSeconds: 60)
    let plan = try Snapshot.plan(pid, options: options)
    try Snapshot.take(plan) { [fatalStep] step in
        if step == fatalStep { kill(getpid(), SIGKILL) }
    } body: { [readSeconds] session throws(Failure) in
        if readSeconds > 0 {
            // Past the buffer: whoever waits for this line is to send a signal now.
            write(1, "reading\n", 8)
            sleep(readSeconds)
        }
        let bytes = readAll(session.image)
        session.end()
        let micros = Int(session.facts.pauseSeconds * 1e6)
        print("\(session.facts.method) pause \(micros) us threads \(session.facts.threads) read \(bytes >> 10) KiB")
        for gap in session.image.gaps { print("gap: \(gap.what): \(gap.reason)") }
    }
} catch {
    print("\(error.kind): \(error.what)\ndo: \(error.remedy)")
    exit(1)
}
