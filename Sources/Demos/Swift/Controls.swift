// What looks like a ring and is none: each class here is in use or has ended, and must not be reported.

import DemoTruth

final class WeakOwner {
    var pet: WeakPet?
}

final class WeakPet {
    weak var owner: WeakOwner?
}

final class UnownedOwner {
    var pet: UnownedPet?
}

final class UnownedPet {
    unowned let owner: UnownedOwner

    init(_ owner: UnownedOwner) { self.owner = owner }
}

final class UnsafeOwner {
    var pet: UnsafePet?
}

final class UnsafePet {
    unowned(unsafe) let owner: UnsafeOwner
    let raw: Unmanaged<UnsafeOwner>
    let address: UnsafeRawPointer

    init(_ owner: UnsafeOwner) {
        self.owner = owner
        raw = .passUnretained(owner)
        address = UnsafeRawPointer(raw.toOpaque())
    }
}

final class WeakModel {
    var onChange: (() -> Void)?
    var onEnd: (() -> Void)?
    var value = 0
}

protocol ControlDelegate: AnyObject {}

final class WeakScreen: ControlDelegate {
    var list: WeakList?
}

final class WeakList {
    weak var delegate: (any ControlDelegate)?
    var number = 1
}

struct WeakReference {
    var id = 1
    weak var target: Observed?
}

struct UnownedReference {
    unowned var target: Observed
    var id = 1
}

final class Observed {
    var observer: Observer?
}

final class Observer {
    var single = WeakReference()
    var many: [WeakReference] = []
    var byName: [String: WeakReference] = [:]
    var unownedOnes: [UnownedReference] = []
    var box: Any?
}

final class LiveOwner {
    var pet: LivePet?
}

final class LivePet {
    var owner: LiveOwner?
    var onChange: (() -> Void)?
}

final class LiveTree {
    var parent: LiveTree?
    var children: [LiveTree] = []
    var byName: [String: LiveTree] = [:]
}

/// In use, and it watches a ring that is lost.
final class Watcher {
    weak var seen: Watched?
}

final class Watched {
    var loop: Watched?
}

/// Reached by nothing but a lost ring, and nothing of it is a ring.
final class Leaf {
    var value = 1
}

final class Branch {
    var branch: Branch?
    var leaf = Leaf()
}

/// Held on behalf of code that is not Swift.
final class Foreign {
    var loop: Foreign?
}

nonisolated(unsafe) private var liveOwner: LiveOwner?
nonisolated(unsafe) private var liveTree: LiveTree?
nonisolated(unsafe) private var foreign: UnsafeMutableRawPointer?

/// Objects with uncounted references: their rings are not closed, but stand in memory all the same.
@inline(never)
private func uncounted(_ take: (AnyObject) -> Void) {
    repeatedly {
        let owner = WeakOwner()
        let pet = WeakPet()
        owner.pet = pet
        pet.owner = owner
        take(owner)
        let unownedOwner = UnownedOwner()
        unownedOwner.pet = UnownedPet(unownedOwner)
        take(unownedOwner)
        let unsafeOwner = UnsafeOwner()
        unsafeOwner.pet = UnsafePet(unsafeOwner)
        take(unsafeOwner)
        let screen = WeakScreen()
        let list = WeakList()
        screen.list = list
        list.delegate = screen
        take(screen)
        let model = WeakModel()
        model.onChange = { [weak model] in model?.value += 1 }
        model.onEnd = { [unowned model] in model.value += 1 }
        take(model)
    }
}

@inline(never)
private func uncountedInValues(_ take: (AnyObject) -> Void) {
    repeatedly {
        let observed = Observed()
        let observer = Observer()
        observed.observer = observer
        observer.single.target = observed
        observer.many = [WeakReference(id: 1, target: observed), WeakReference(id: 2, target: observed)]
        observer.byName["it"] = WeakReference(id: 3, target: observed)
        observer.unownedOnes = [UnownedReference(target: observed)]
        observer.box = WeakReference(id: 4, target: observed)
        take(observed)
    }
}

@inline(never)
private func live() {
    let owner = LiveOwner()
    let pet = LivePet()
    owner.pet = pet
    pet.owner = owner
    pet.onChange = { pet.owner = owner }
    liveOwner = owner
    let root = LiveTree()
    for number in 0..<20 {
        let child = LiveTree()
        child.parent = root
        root.children.append(child)
        root.byName["child \(number)"] = child
    }
    liveTree = root
    let loop = Foreign()
    loop.loop = loop
    foreign = Unmanaged.passRetained(loop).toOpaque()
}

/// What is never read may be left out by the optimizer.
@inline(never)
private func checkLive() {
    if liveOwner == nil || liveTree == nil || foreign == nil { demo_give_up("not kept") }
}

@inline(never)
private func beside() {
    expect("Watched.loop -> Watched")
    repeatedly {
        let watcher = Watcher()
        let watched = Watched()
        watched.loop = watched
        watcher.seen = watched
        kept.append(watcher)
        loseRing(watched)
    }
    expect("Branch.branch -> Branch")
    repeatedly {
        let branch = Branch()
        branch.branch = branch
        loseRing(branch)
    }
}

/// What must stay silent.
func controls(_ argument: UnsafePointer<CChar>?) {
    silent("WeakOwner", "WeakPet", "UnownedOwner", "UnownedPet", "UnsafeOwner", "UnsafePet", "WeakModel")
    silent("WeakScreen", "WeakList", "Observed", "Observer", "LiveOwner", "LivePet", "LiveTree", "Foreign")
    silent("Watcher", "Leaf")
    let keep: (AnyObject) -> Void = { kept.append($0) }
    uncounted(keep)
    uncountedInValues(keep)
    live()
    checkLive()
    beside()
}

/// The same objects, retained once too often: lost, but no ring holds them.
func uncountedLost(_ argument: UnsafePointer<CChar>?) {
    acyclic("WeakOwner", "UnownedOwner", "UnsafeOwner", "WeakModel", "WeakScreen", "Observed")
    let lose: (AnyObject) -> Void = { _ = Unmanaged.passRetained($0) }
    uncounted(lose)
    uncountedInValues(lose)
}
