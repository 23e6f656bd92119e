import Model
import Report

/// The columns that ps(1) shows without `-o`.
struct PsForm {
    enum Dialect {
        case unix
        case bsd
    }

    var dialect = Dialect.unix
    /// `-f`
    var full = false
    /// `-F`
    var extraFull = false
    /// `-l`, `l`
    var long = false
    /// `-j`, `j`
    var jobs = false
    /// BSD's `u`
    var user = false
    /// `-L`
    var threads = false
    /// With `--interval` and no form of ps's: what changes.
    var rates = false

    /// Nothing was asked for.
    var isDefault: Bool { dialect == .unix && !full && !long && !jobs && !threads }

    func columns() throws(Failure) -> [ProcessColumn] { try ProcessColumn.list(names) }

    private var names: String {
        if rates { return "pid,user,pcpu,pwait,vcswrate,ivcswrate,majfltrate,rssrate,rss,comm" }
        return dialect == .bsd ? bsd : unix
    }

    private var bsd: String {
        if user {
            return
                "user,pid\(threads ? ",lwp" : ""),pcpu\(threads ? ",nlwp" : ""),pmem,vsz,rss,tname,stat,start_time,bsdtime,args"
        }
        if long { return "f,uid,pid,ppid\(threads ? ",lwp" : ""),priority,ni,vsz,rss,wchan,stat,tname,bsdtime,args" }
        if jobs { return "ppid,pid\(threads ? ",lwp" : ""),pgid,sid,tname,tpgid,stat,uid,bsdtime,args" }
        return "pid\(threads ? ",lwp" : ""),tname,stat,bsdtime,args"
    }

    private var unix: String {
        var names: [String] = []
        if long { names += ["f", "s"] }
        if full { names.append("user=UID") } else if long { names.append("uid") }
        names.append("pid")
        if full || long { names.append("ppid") }
        if jobs { names += ["pgid", "sid"] }
        if threads { names.append("lwp") }
        if full || long { names.append("c") }
        if threads, full || long { names.append("nlwp") }
        if long { names += ["opri", "ni", "addr:1", "sz", "wchan"] }
        if extraFull, !long { names += ["sz", "rss"] }
        if extraFull { names.append("psr") }
        if full { names.append("stime") }
        return (names + ["tname", "time", full ? "cmd" : "comm=CMD"]).joined(separator: ",")
    }
}
