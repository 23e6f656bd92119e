package import Model
import Report

/// What a look has to read for what is shown just now.
package struct TopDemand: Hashable, Sendable {
    /// Of every process, besides `stat` and the owner: what rows are sorted and chosen by.
    package var everywhere: ProcessSources
    /// Of `processes` only, anew with each look: what the columns of visible rows show.
    package var visible: ProcessSources
    package var processes: [Int32]
    /// Rows are chosen by their command lines, so that the first look has to read them all.
    package var isByCommand: Bool
    /// Threads are looked at, too.
    package var hasThreads: Bool
    /// Of these, `visible` is read.
    package var threads: [Int32]

    package init(
        everywhere: ProcessSources = [], visible: ProcessSources = [], processes: [Int32] = [],
        isByCommand: Bool = false, hasThreads: Bool = false, threads: [Int32] = []
    ) {
        self.everywhere = everywhere
        self.visible = visible
        self.processes = processes
        self.isByCommand = isByCommand
        self.hasThreads = hasThreads
        self.threads = threads
    }
}

/// What an action is about: a process, or one of its threads.
package struct TopTarget: Hashable, Sendable, CustomStringConvertible {
    package let process: ProcessIdentity
    package let thread: ProcessIdentity?

    package init(_ process: ProcessIdentity, thread: ProcessIdentity? = nil) {
        self.process = process
        self.thread = thread
    }

    /// "api (1234)", "thread 1240 (worker) of api (1234)".
    package var description: String {
        guard let thread else { return process.description }
        return "thread \(thread.pid) (\(String(decoding: thread.commandBytes, as: UTF8.self))) of \(process)"
    }

    /// Whom it is about, once each.
    package static func processes(_ targets: [TopTarget]) -> [ProcessIdentity] {
        var seen: Set<ProcessIdentity> = []
        return targets.map(\.process).filter { seen.insert($0).inserted }
    }

    /// "2 processes", "3 threads", "5 processes and threads".
    package static func counted(_ targets: [TopTarget]) -> String {
        let threads = targets.count { $0.thread != nil }
        if threads == 0 { return Units.counted(targets.count, "process", plural: "processes") }
        return threads == targets.count
            ? Units.counted(threads, "thread") : "\(Units.grouped(targets.count)) processes and threads"
    }
}

/// What the live screen wants done by who can: it opens nothing and sends nothing itself.
package enum TopRequest: Hashable, Sendable {
    case quit
    /// Look closely at a process: the detail pane.
    case open(TopTarget, PanelTab)
    /// Ask which signal, and send it after that was confirmed: to the processes.
    case signal([TopTarget])
    /// Change how nice these are by so much; that was agreed to.
    case renice([TopTarget], by: Int32)
    /// Say how the I/O of these is served now (`TopState.offerIOPriorities`).
    case askIOPriority([TopTarget])
    /// These two were agreed to.
    case setIOPriority([TopTarget], IOPriority)
    case setPolicy([TopTarget], ThreadPolicy)
    /// Say which processors these may run on now (`TopState.offerProcessors`).
    case askProcessors([TopTarget])
    /// That was agreed to.
    case setProcessors([TopTarget], ProcessorChange)
    /// Look again at once.
    case look
    /// Keep these for the next start.
    case save(TopSettings)
    /// Draw every cell anew.
    case redraw
}
