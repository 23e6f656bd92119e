// Programs of known truth in Swift: objects lost by hand, rings of two objects, rings through a closure.

import DemoTruth
import Glibc

final class Token {
    var payload = (1, 2, 3, 4)
}

final class Room {
    var member: Member?
    var name = (0, 0)
}

final class Member {
    var room: Room?
}

final class Session {
    var onClose: (() -> Void)?
    var count = 0
}

/// Keeps what is in use.
nonisolated(unsafe) var kept: [AnyObject] = []

/// In functions of their own that are not inlined: the optimizer would else see that nobody uses the objects, and
/// leave them out.
@inline(never)
func address(of object: AnyObject) -> UnsafeRawPointer {
    UnsafeRawPointer(Unmanaged.passUnretained(object).toOpaque())
}

@inline(never)
func loseTokens() {
    for _ in 0..<20 {
        let token = Token()
        demo_note(DEMO_DEFINITE, UnsafeRawPointer(Unmanaged.passRetained(token).toOpaque()), typeName("Token"))
    }
}

@inline(never)
func loseRooms() {
    for ring in 0..<15 {
        let room = Room()
        let member = Member()
        room.member = member
        member.room = room
        demo_note_ring(UInt32(ring), address(of: room))
        demo_note_ring(UInt32(ring), address(of: member))
    }
}

@inline(never)
func loseSessions() {
    for ring in 15..<25 {
        let session = Session()
        // It captures only the session: the closure's context is the session itself.
        session.onClose = { session.count += 1 }
        demo_note_ring(UInt32(ring), address(of: session))
    }
}

@inline(never)
func keepSome() {
    for _ in 0..<10 {
        let token = Token()
        kept.append(token)
        demo_note(DEMO_REACHABLE, address(of: token), nil)
    }
}

/// A constant that lives as long as the program.
func typeName(_ name: StaticString) -> UnsafePointer<CChar> {
    UnsafeRawPointer(name.utf8Start).assumingMemoryBound(to: CChar.self)
}

func objects(_ argument: UnsafePointer<CChar>?) {
    loseTokens()
    loseRooms()
    loseSessions()
    keepSome()
}

let cases: UnsafeMutablePointer<demo_case> = .allocate(capacity: 2)
cases.initialize(repeating: demo_case(), count: 2)
cases[0].name = typeName("objects")
cases[0].about = typeName("lost objects, rings of two, rings through a closure")
cases[0].set_up = objects
exit(demo_main(CommandLine.argc, CommandLine.unsafeArgv, cases))
