// What a case says of itself: lines that a test compares with nusu's answer, and the rings by address.

import DemoTruth
import Glibc

/// How many rings of each kind are made.
let ringCount = 5

nonisolated(unsafe) private var nextRing: UInt32 = 0

/// Keeps what is in use.
nonisolated(unsafe) var kept: [AnyObject] = []

private func say(_ parts: StaticString...) {
    // No String: it could leave blocks behind.
    for part in parts { _ = write(STDOUT_FILENO, part.utf8Start, part.utf8CodeUnitCount) }
}

/// `expect 5 A.b -> B.a -> A | ADVICE`: there are `ringCount` rings that read like this. `suspect` where their counts alone
/// do not prove it.
func expect(_ path: StaticString, breakAt advice: StaticString? = nil, isCertain: Bool = true) {
    say(isCertain ? "expect 5 " : "suspect 5 ", path)
    if let advice { say(" | ", advice) }
    say("\n")
}

/// `silent TYPE`: in use, or ended; no finding may name it.
func silent(_ types: StaticString...) {
    for type in types { say("silent ", type, "\n") }
}

/// `acyclic TYPE`: lost, but not by a ring.
func acyclic(_ types: StaticString...) {
    for type in types { say("acyclic ", type, "\n") }
}

/// In a function of its own that is not inlined: the optimizer would else see that nobody uses the object, and leave it
/// out.
@inline(never)
func address(of object: AnyObject) -> UnsafeRawPointer {
    UnsafeRawPointer(Unmanaged.passUnretained(object).toOpaque())
}

/// Notes that these objects are the members of one lost ring.
@inline(never)
func loseRing(_ first: AnyObject, _ second: AnyObject? = nil, _ third: AnyObject? = nil) {
    demo_note_ring(nextRing, address(of: first))
    if let second { demo_note_ring(nextRing, address(of: second)) }
    if let third { demo_note_ring(nextRing, address(of: third)) }
    nextRing += 1
}

/// Makes `ringCount` rings of a kind, each in a frame that is gone afterwards.
@inline(never)
func repeatedly(_ make: () -> Void) {
    for _ in 0..<ringCount { make() }
}

/// A constant that lives as long as the program.
func constant(_ text: StaticString) -> UnsafePointer<CChar> {
    UnsafeRawPointer(text.utf8Start).assumingMemoryBound(to: CChar.self)
}
