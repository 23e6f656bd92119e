import Model

/// Walks the chunks of one contiguous piece of heap from header to header (glibc malloc.c: boundary tags).
///
/// Each chunk says how long it is; whether it is in use is said by the *next* one (PREV_INUSE). Everything is checked, so
/// that a heap that was caught in mid-operation, or overwritten, ends the walk instead of misleading it.
struct ChunkWalk {
    let window: WindowReader
    /// Where blocks go; nil to try a chain without keeping anything.
    var builder: BlockIndexBuilder?

    enum End: Equatable {
        /// Reached the arena's top chunk at this address; its size.
        case top(UInt64, size: UInt64)
        /// Reached a fencepost: glibc's mark for "the heap goes on elsewhere". The address behind it.
        case fencepost(UInt64)
        /// Reached the end of the piece exactly.
        case limit
        /// The chunk at this address makes no sense.
        case broken(UInt64)
    }

    struct Result {
        var end: End
        var steps = 0
        var freeBytes: UInt64 = 0
    }

    /// Walks from the chunk at `first`, adds every block in use to the builder, and stops at `top` or at `limit`.
    func walk(from first: UInt64, top: UInt64, limit: UInt64) -> Result {
        var result = Result(end: .limit)
        var chunk = first
        guard var header = window.word(at: chunk &+ 8) else {
            result.end = .broken(chunk)
            return result
        }
        while true {
            let size = header & ~MallocLayout.flagBits
            if chunk == top {
                let fits = size >= 16 && size <= limit - chunk
                result.end = fits ? .top(chunk, size: size) : .broken(chunk)
                return result
            }
            if size <= 16 {
                // A fencepost: a header of size 16 and behind it one of size 16 (main arena) or 0 (thread arena).
                let isPost = size == 16 && (window.word(at: chunk &+ 24) ?? 1) & ~MallocLayout.flagBits <= 16
                result.end = isPost ? .fencepost(chunk + 32) : .broken(chunk)
                return result
            }
            guard size >= MallocLayout.minimumChunk, size & 15 == 0, size <= limit - chunk,
                header & MallocLayout.isMapped == 0
            else {
                result.end = .broken(chunk)
                return result
            }
            result.steps += 1
            let next = chunk + size
            if next == limit {
                // No header follows that could say whether this one is in use: only the ends of heaps look like this.
                return result
            }
            guard let nextHeader = window.word(at: next &+ 8) else {
                result.end = .broken(next)
                return result
            }
            if nextHeader & ~MallocLayout.flagBits == 0 {
                // The old top of a full heap, shrunk to one fencepost of 32 bytes: it looks in use and is no block.
                result.end = size == 32 ? .fencepost(next + 16) : .broken(next)
                return result
            }
            if nextHeader & MallocLayout.previousInUse != 0 {
                builder?.add(start: chunk + MallocLayout.header, usable: size - 8)
            } else {
                result.freeBytes += size
            }
            chunk = next
            header = nextHeader
        }
    }
}
