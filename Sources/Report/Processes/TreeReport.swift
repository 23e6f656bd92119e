package import Analysis
import Model

/// What `nusu tree` shows: the family of all processes, or that of one.
package struct TreeReport: Sendable {
    package struct Options: Hashable, Sendable {
        /// Threads of the kernel one by one.
        package var kernel: Bool
        /// Every process, however many lines that takes.
        package var all: Bool

        package init(kernel: Bool = false, all: Bool = false) {
            self.kernel = kernel
            self.all = all
        }
    }

    package let tree: ProcessTree
    let context: ProcessContext
    /// The process that was asked for; nil for all of them.
    let target: Int?
    /// nusu's own.
    let own: Int32

    package init(_ tree: ProcessTree, _ context: ProcessContext, target: Int32? = nil, own: Int32) {
        self.tree = tree
        self.context = context
        self.target = target.flatMap { tree.index(of: $0) }
        self.own = own
    }

    func row(_ index: Int) -> ProcessRow { ProcessRow(record: tree.nodes[index].record, context: context) }

    /// The processes that the report is about.
    var subjects: [Int] { target.map { tree.family(of: $0) } ?? Array(tree.nodes.indices) }

    /// Of those, what somebody should look at.
    var concerned: [Int] { subjects.filter { tree.nodes[$0].concern != nil } }

    func name(_ index: Int) -> String { TerminalText.escaped(tree.nodes[index].record.stat.commandBytes) }

    func user(_ index: Int) -> String? {
        tree.nodes[index].record.owner.map { TerminalText.escaped(context.facts.userName($0.user)) }
    }

    /// It leads the group that its terminal's keys go to.
    func leadsForeground(_ index: Int) -> Bool {
        let stat = tree.nodes[index].record.stat
        return stat.terminal != 0 && stat.processGroup == stat.terminalGroup && stat.processGroup == stat.pid
    }

    /// The namespaces that it does not share with its parent; empty where that cannot be told.
    func ownNamespaces(_ index: Int) -> [ProcessRecord.Namespaces.Kind] {
        guard let parent = tree.nodes[index].parent, let own = tree.nodes[index].record.namespaces,
            let above = tree.nodes[parent].record.namespaces
        else { return [] }
        return ProcessRecord.Namespaces.Kind.isolating.filter { kind in
            guard let inside = own.inodes[kind], let outside = above.inodes[kind] else { return false }
            return inside != outside
        }
    }

    /// The container that begins with it.
    func ownContainer(_ index: Int) -> String? {
        guard let container = tree.nodes[index].record.containerBytes else { return nil }
        if let parent = tree.nodes[index].parent, tree.nodes[parent].record.containerBytes == container { return nil }
        return TerminalText.escaped(Array(container.prefix(12)))
    }

    var containerCount: Int { Set(subjects.compactMap { tree.nodes[$0].record.containerBytes }).count }
}
