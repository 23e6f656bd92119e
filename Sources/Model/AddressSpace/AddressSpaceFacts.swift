/// All that was captured of one address space, without stopping anybody: what the analysis of regions starts from.
package struct AddressSpaceFacts: Sendable {
    /// A thread, and where it stands if the kernel tells.
    package struct Thread: Hashable, Sendable {
        package let tid: Int32
        /// Its number as it knows it itself: another one where the process has a PID namespace of its own (a container).
        package let ownNumber: Int32
        /// Raw bytes.
        package let nameBytes: [UInt8]
        /// nil while it runs, or where it may not be seen.
        package let stackPointer: UInt64?

        package init(tid: Int32, ownNumber: Int32? = nil, nameBytes: [UInt8], stackPointer: UInt64?) {
            self.tid = tid
            self.ownNumber = ownNumber ?? tid
            self.nameBytes = nameBytes
            self.stackPointer = stackPointer
        }
    }

    /// Who else has a shared object mapped.
    package struct Sharers: Hashable, Sendable {
        /// The first that were found.
        package var processes: [ProcessIdentity]
        package var count: Int

        package init(processes: [ProcessIdentity] = [], count: Int = 0) {
            self.processes = processes
            self.count = count
        }
    }

    /// What was looked at.
    package enum Source: Hashable, Sendable {
        case process
        case core(path: String)
        /// A snapshot that was saved.
        case saved(path: String)

        /// nil for a process that runs.
        package var path: String? {
            switch self {
            case .process: nil
            case .core(let path), .saved(let path): path
            }
        }
        package var isCore: Bool { if case .core = self { true } else { false } }
        package var isSaved: Bool { if case .saved = self { true } else { false } }
    }

    package let process: ProcessIdentity
    package var source = Source.process
    /// Ascending, without overlaps.
    package var mappings: [MappingUse]
    /// Ascending; nil where pagemap could not be read.
    package var pages: [PageRun]?
    package var modules: [LoadedModule] = []
    package var threads: [Thread] = []
    /// Where the kernel started the program (AT_ENTRY); nil where it is not known.
    package var entryPoint: UInt64?
    /// Reads no page that is not in memory already, so that looking changes nothing; nil where memory may not be read.
    package var reader: (any MemoryReader)?
    /// By shared object.
    package var sharers: [Mapping.FileID: Sharers] = [:]
    package var gaps: [Gap] = []

    package init(process: ProcessIdentity, mappings: [MappingUse]) {
        self.process = process
        self.mappings = mappings
    }
}

extension Array {
    /// The number of the element whose range holds `address`, by bisection; they must ascend without overlaps.
    fileprivate func index(at address: UInt64, by range: (Element) -> AddressRange) -> Int? {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if range(self[middle]).upper <= address { low = middle + 1 } else { high = middle }
        }
        return low < count && range(self[low]).contains(address) ? low : nil
    }
}

extension Array where Element == MappingUse {
    /// The number of the mapping that holds `address`; they must ascend.
    package func index(at address: UInt64) -> Int? { index(at: address) { $0.mapping.range } }
}

extension Array where Element == PageRun {
    /// The number of the run that holds `address`; they must ascend.
    package func index(at address: UInt64) -> Int? { index(at: address) { $0.range } }
}
