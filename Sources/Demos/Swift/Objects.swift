// Objects lost by hand, rings of two objects, rings through a closure: every block's fate is known by its address.

import DemoTruth

private final class Token {
    var payload = (1, 2, 3, 4)
}

private final class Room {
    var member: Member?
    var name = (0, 0)
}

private final class Member {
    var room: Room?
}

private final class Session {
    var onClose: (() -> Void)?
    var count = 0
}

@inline(never)
private func loseTokens() {
    for _ in 0..<20 {
        let token = Token()
        demo_note(DEMO_DEFINITE, UnsafeRawPointer(Unmanaged.passRetained(token).toOpaque()), constant("Token"))
    }
}

@inline(never)
private func loseRooms() {
    for _ in 0..<15 {
        let room = Room()
        let member = Member()
        room.member = member
        member.room = room
        loseRing(room, member)
    }
}

@inline(never)
private func loseSessions() {
    for _ in 0..<10 {
        let session = Session()
        // It captures only the session: the closure's context is the session itself.
        session.onClose = { session.count += 1 }
        loseRing(session)
    }
}

@inline(never)
private func keepSome() {
    for _ in 0..<10 {
        let token = Token()
        kept.append(token)
        demo_note(DEMO_REACHABLE, address(of: token), nil)
    }
}

func objects(_ argument: UnsafePointer<CChar>?) {
    loseTokens()
    loseRooms()
    loseSessions()
    keepSome()
}
