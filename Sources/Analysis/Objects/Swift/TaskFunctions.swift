import Model

/// What asynchronous tasks are at: for each the functions that go on when what it waits for is there, innermost first.
///
/// A task (swift/ABI/Task.h; Swift 6.3, x86-64) keeps at +56 where it goes on and at +64 the context of that function; a
/// context begins with its caller's context and with where the caller goes on.
struct TaskFunctions {
    /// Different chains of functions: an address in each.
    private(set) var chains: [[UInt64]] = []
    /// For each task that has not ended, its chain.
    private(set) var ofTask: [(task: BlockID, chain: Int)] = []

    private static let resumeOffset: UInt64 = 56
    private static let contextOffset: UInt64 = 64
    private static let statusOffset: UInt64 = 96
    /// ActiveTaskStatus (runtime/TaskPrivate.h).
    private static let isComplete: UInt64 = 0x2000
    private static let chainLimit = 32
    /// More different ones than that are not told apart.
    private static let chainsLimit = 4096

    /// Of a process without tasks.
    init() {}

    init(image: MemoryImage, types: TypeTable, swift: SwiftReferences, index: BlockIndex) {
        let pages = PageCache(image.reader)
        var known: [[UInt64]: Int] = [:]
        for block in swift.objects.members where types.kind(of: block) == .task {
            let task = index.start(block)
            guard index.usable(block) >= 128, let status = pages.word(at: task + TaskFunctions.statusOffset),
                status & TaskFunctions.isComplete == 0
            else { continue }
            let chain = TaskFunctions.chain(of: task, image, pages)
            guard !chain.isEmpty else { continue }
            let number = known[chain] ?? chains.count
            if number == chains.count {
                guard chains.count < TaskFunctions.chainsLimit else { continue }
                chains.append(chain)
                known[chain] = number
            }
            ofTask.append((block, number))
        }
    }

    private static func chain(of task: UInt64, _ image: MemoryImage, _ pages: PageCache) -> [UInt64] {
        var result: [UInt64] = []
        var function = pages.word(at: task + resumeOffset)
        var context = pages.word(at: task + contextOffset) ?? 0
        for _ in 0..<chainLimit {
            guard let code = function, image.mapping(at: code)?.permissions.contains(.execute) == true else { break }
            if result.last != code { result.append(code) }
            guard context != 0, context & 7 == 0 else { break }
            function = pages.word(at: context &+ 8)
            context = pages.word(at: context) ?? 0
        }
        return result
    }
}
