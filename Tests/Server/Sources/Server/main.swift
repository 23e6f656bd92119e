// An HTTP server as people write them with SwiftNIO. SEEDED=1 makes every request leave one retain cycle behind.
// Prints "ready PORT", and ends when its standard input does.

import Glibc
import NIOCore
import NIOHTTP1
import NIOPosix

let isSeeded = getenv("SEEDED") != nil

let group = MultiThreadedEventLoopGroup(numberOfThreads: 2)
let server = try ServerBootstrap(group: group)
    .serverChannelOption(.backlog, value: 256)
    .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
    .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
            try channel.pipeline.syncOperations.configureHTTPServerPipeline(withErrorHandling: true)
            try channel.pipeline.syncOperations.addHandler(RequestHandler())
        }
    }
    .bind(host: "127.0.0.1", port: 0).wait()
print("ready \(server.localAddress?.port ?? 0)")
fflush(nil)
while readLine() != nil {}
try server.close().wait()
try group.syncShutdownGracefully()
