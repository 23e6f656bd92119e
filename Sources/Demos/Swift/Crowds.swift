// Many objects of a few types, for measurements: ten to a choir, alive or lost.

import DemoTruth
import Glibc

private final class Choir {
    var singers: [Singer] = []
    var first: Critic?
    var second: Critic?
    var number = 0
}

private final class Singer {
    unowned let choir: Choir
    /// What makes a ring of a lost choir.
    var owner: Choir?
    var score = 0

    init(_ choir: Choir) { self.choir = choir }
}

private final class Critic {
    var onChange: (() -> Void)?
}

/// The choir, its array's buffer, four singers, two critics, and the contexts of two closures.
private let objectsPerChoir: UInt = 10
private let largestCrowd: UInt = 10_000_000

@inline(never)
private func critic(_ winner: Singer, _ loser: Singer) -> Critic {
    let critic = Critic()
    critic.onChange = {
        winner.score += 1
        loser.score -= 1
    }
    return critic
}

@inline(never)
private func choir(_ number: UInt) -> Choir {
    let choir = Choir()
    choir.number = Int(number)
    choir.singers.reserveCapacity(4)
    for _ in 0..<4 { choir.singers.append(Singer(choir)) }
    choir.first = critic(choir.singers[0], choir.singers[1])
    choir.second = critic(choir.singers[2], choir.singers[3])
    return choir
}

@inline(never)
private func choirs(_ argument: UnsafePointer<CChar>?, _ body: (Choir) -> Void) {
    let count = argument.map { strtoul($0, nil, 10) } ?? 100_000
    if count < objectsPerChoir || count > largestCrowd { demo_give_up("between ten and ten million objects") }
    for number in 0..<count / objectsPerChoir { body(choir(number)) }
    demo_say("objects", Int(count / objectsPerChoir * objectsPerChoir))
}

func crowd(_ argument: UnsafePointer<CChar>?) {
    silent("Choir", "Singer", "Critic")
    choirs(argument) { kept.append($0) }
}

func lostCrowd(_ argument: UnsafePointer<CChar>?) {
    choirs(argument) { choir in
        for singer in choir.singers { singer.owner = choir }
    }
}
