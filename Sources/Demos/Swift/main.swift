// Programs of known truth in Swift: objects lost by hand, and a ring of every kind that the language has.

import DemoTruth
import Glibc

private let known: [(name: StaticString, about: StaticString, setUp: @convention(c) (UnsafePointer<CChar>?) -> Void)] =
    [
        ("objects", "lost objects, rings of two, rings through a closure", objects),
        ("classes", "rings of classes, generic classes, actors and closures", classCycles),
        ("collections", "rings through arrays, dictionaries, sets, locks and own storage", collectionCycles),
        ("memory", "rings through memory that objects allocate themselves", memoryCycles),
        ("values", "rings through enumerations, existentials, structures and errors", valueCycles),
        ("tasks", "rings through tasks that never go on; timers in use", taskCycles),
        ("controls", "what looks like a ring and is none", controls),
        ("connections", "lost objects that keep the numbers of descriptors", connections),
        ("crowd", "100,000 objects in use", crowd),
        ("lost-crowd", "100,000 objects in rings", lostCrowd),
        ("acyclic", "the same, lost by a missing release", uncountedLost),
    ]

let cases: UnsafeMutablePointer<demo_case> = .allocate(capacity: known.count + 1)
cases.initialize(repeating: demo_case(), count: known.count + 1)
for (number, entry) in known.enumerated() {
    cases[number] = demo_case(name: constant(entry.name), about: constant(entry.about), set_up: entry.setUp)
}
exit(demo_main(CommandLine.argc, CommandLine.unsafeArgv, cases))
