import NIOCore
import NIOHTTP1

/// What a handler keeps of one request.
final class RequestContext {
    let path: String
    private var chunks: [ByteBuffer] = []
    /// Told when the answer is out.
    var onFinish: ((HTTPResponseStatus) -> Void)?
    private(set) var status: HTTPResponseStatus?

    init(path: String) { self.path = path }

    func take(_ chunk: ByteBuffer) { chunks.append(chunk) }

    func finish(_ status: HTTPResponseStatus) { self.status = status }

    var answer: String { "asked for \(path) with \(chunks.reduce(0) { $0 + $1.readableBytes }) bytes\n" }
}

/// Answers every request with a line of text.
final class RequestHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private var request: RequestContext?
    private var served = 0

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head): begin(head)
        case .body(let chunk): request?.take(chunk)
        case .end: answer(context)
        }
    }

    private func begin(_ head: HTTPRequestHead) {
        let request = RequestContext(path: head.uri)
        if isSeeded {
            // The seed: the closure holds the request, and the request the closure.
            request.onFinish = { [self] status in
                served += 1
                request.finish(status)
            }
        } else {
            request.onFinish = { [self, weak request] status in
                served += 1
                request?.finish(status)
            }
        }
        self.request = request
    }

    private func answer(_ context: ChannelHandlerContext) {
        guard let request else { return }
        let text = ByteBuffer(string: request.answer)
        let headers = HTTPHeaders([("content-length", "\(text.readableBytes)"), ("content-type", "text/plain")])
        let head = HTTPResponseHead(version: .http1_1, status: .ok, headers: headers)
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.write(wrapOutboundOut(.body(.byteBuffer(text))), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        request.onFinish?(.ok)
        self.request = nil
    }
}
