// Rings through arrays, dictionaries and sets, and through storage that the program lays out itself.

import DemoTruth
import Synchronization

final class Team {
    var members: [Player] = []
}

final class Player {
    var team: Team?
}

struct Entry {
    var id = 1
    var shelf: Shelf?
    var size = 2
}

final class Shelf {
    var entries: [Entry] = []
}

final class Mixed {
    var things: [Any] = []
}

final class Bus {
    var handlers: [() -> Void] = []
    var count = 0
}

final class Grid {
    var rows: [[Grid?]] = []
}

final class Ledger {
    var pages: [String: Page] = [:]
}

final class Page {
    var ledger: Ledger?
    let number: Int

    init(_ number: Int) { self.number = number }
}

final class Club: Hashable {
    var guests: Set<Club> = []
    var ranks: [Club: Int] = [:]

    static func == (left: Club, right: Club) -> Bool { left === right }
    func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(self)) }
}

final class Guarded: Sendable {
    let state = Mutex<Guarded?>(nil)
}

final class Slots: ManagedBuffer<Int, AnyObject> {
    /// A class made by ManagedBuffer's own factory.
    static func make(_ count: Int) -> Slots {
        unsafeDowncast(Slots.create(minimumCapacity: count) { _ in count }, to: Slots.self)
    }
}

final class Shelter {
    var slots: Slots?
}

@inline(never)
private func arrays() {
    expect("Team.members[i] -> Player.team -> Team")
    repeatedly {
        let team = Team()
        let players = (Player(), Player())
        players.0.team = team
        players.1.team = team
        team.members = [players.0, players.1]
        loseRing(team, players.0, players.1)
    }
    expect("Shelf.entries[i].shelf -> Shelf")
    repeatedly {
        let shelf = Shelf()
        shelf.entries = [Entry(id: 1), Entry(id: 2, shelf: shelf), Entry(id: 3)]
        loseRing(shelf)
    }
    expect("Mixed.things[i] -> Mixed")
    repeatedly {
        let mixed = Mixed()
        mixed.things = [1, "two", mixed, 4.0]
        loseRing(mixed)
    }
    expect("Bus.handlers[i] -> Bus", breakAt: "[weak self] in the closure stored in Bus.handlers[i]")
    repeatedly {
        let bus = Bus()
        bus.handlers.append { bus.count += 1 }
        loseRing(bus)
    }
    expect("Grid.rows[i][i] -> Grid")
    repeatedly {
        let grid = Grid()
        grid.rows = [[nil, nil], [nil, grid]]
        loseRing(grid)
    }
}

@inline(never)
private func tables() {
    expect("Ledger.pages[value] -> Page.ledger -> Ledger")
    repeatedly {
        let ledger = Ledger()
        let pages = (Page(1), Page(2))
        ledger.pages["one"] = pages.0
        ledger.pages["a key that is too long to be kept in the string itself"] = pages.1
        pages.0.ledger = ledger
        pages.1.ledger = ledger
        loseRing(ledger, pages.0, pages.1)
    }
    expect("Club.guests[key] -> Club")
    repeatedly {
        let club = Club()
        club.guests.insert(club)
        loseRing(club)
    }
    expect("Club.ranks[key] -> Club")
    repeatedly {
        let club = Club()
        club.ranks[club] = 3
        loseRing(club)
    }
}

@inline(never)
private func ownStorage() {
    expect("Guarded.state -> Guarded")
    repeatedly {
        let guarded = Guarded()
        guarded.state.withLock { $0 = guarded }
        loseRing(guarded)
    }
    expect("Shelter.slots -> Slots.elements[i] -> Shelter", isCertain: false)
    repeatedly {
        let shelter = Shelter()
        let slots = Slots.make(3)
        slots.withUnsafeMutablePointerToElements { elements in
            for number in 0..<3 { (elements + number).initialize(to: shelter) }
        }
        shelter.slots = slots
        loseRing(shelter, slots)
    }
}

/// What containers do.
func collectionCycles(_ argument: UnsafePointer<CChar>?) {
    arrays()
    tables()
    ownStorage()
}
