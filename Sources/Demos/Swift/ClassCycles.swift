// Rings of classes, actors and closures.

import DemoTruth

final class Owner {
    var pet: Pet?
    var age = 1
}

final class Pet {
    var owner: Owner?
}

final class Loop {
    var next: Loop?
}

final class First {
    var second: Second?
}

final class Second {
    var third: Third?
}

final class Third {
    var first: First?
}

class Base {
    var link: Base?
}

final class Derived: Base {
    var padding = (1, 2)
    var extra: Base?
}

final class Other: Base {
    var derived: Derived?
}

final class Cell<Value> {
    var next: Cell<Value>?
    var value: Value?
}

final class Wrapper<Value> {
    var value: Value?
}

final class Wrapped {
    var wrapper: Wrapper<Wrapped>?
}

actor Account {
    // Written before anybody else knows the actor.
    nonisolated(unsafe) var partner: Account?
}

protocol ListDelegate: AnyObject {}

final class Screen: ListDelegate {
    var list: List?
}

final class List {
    var delegate: (any ListDelegate)?
}

final class Model {
    var onChange: (() -> Void)?
    var value = 0
}

final class Busy {
    var onChange: ((Int) -> Void)?
    var value = 0
}

final class Inner {
    var value = 1
}

final class Lazy {
    var name = 7
    lazy var describe: () -> Int = { self.name }
}

struct Handlers {
    var id = 1
    var onTap: (() -> Void)?
}

final class View {
    var handlers = Handlers()
    var taps = 0
}

@inline(never)
private func classes() {
    expect("Owner.pet -> Pet.owner -> Owner", breakAt: "make Pet.owner weak (a reference back)")
    repeatedly {
        let owner = Owner()
        let pet = Pet()
        owner.pet = pet
        pet.owner = owner
        loseRing(owner, pet)
    }
    expect("Loop.next -> Loop", breakAt: "make Loop.next weak, or clear it when done")
    repeatedly {
        let loop = Loop()
        loop.next = loop
        loseRing(loop)
    }
    expect("First.second -> Second.third -> Third.first -> First")
    repeatedly {
        let first = First()
        let second = Second()
        let third = Third()
        first.second = second
        second.third = third
        third.first = first
        loseRing(first, second, third)
    }
    expect("Derived.link -> Other.derived -> Derived")
    repeatedly {
        let derived = Derived()
        let other = Other()
        derived.link = other
        other.derived = derived
        loseRing(derived, other)
    }
    expect("Derived.extra -> Derived")
    repeatedly {
        let derived = Derived()
        derived.extra = derived
        loseRing(derived)
    }
    expect("Screen.list -> List.delegate -> Screen", breakAt: "make List.delegate weak (a reference back)")
    repeatedly {
        let screen = Screen()
        let list = List()
        screen.list = list
        list.delegate = screen
        loseRing(screen, list)
    }
}

@inline(never)
private func genericsAndActors() {
    expect("Cell<Swift.Int>.next -> Cell<Swift.Int>")
    repeatedly {
        let cell = Cell<Int>()
        cell.value = 5
        cell.next = cell
        loseRing(cell)
    }
    expect("Cell<AnyObject>.value -> Cell<AnyObject>")
    repeatedly {
        let cell = Cell<AnyObject>()
        cell.value = cell
        loseRing(cell)
    }
    expect("Wrapper<Wrapped>.value -> Wrapped.wrapper -> Wrapper<Wrapped>")
    repeatedly {
        let wrapper = Wrapper<Wrapped>()
        let wrapped = Wrapped()
        wrapper.value = wrapped
        wrapped.wrapper = wrapper
        loseRing(wrapper, wrapped)
    }
    expect("Account.partner -> Account")
    repeatedly {
        let account = Account()
        account.partner = account
        loseRing(account)
    }
}

@inline(never)
private func closures() {
    expect("Model.onChange -> Model", breakAt: "[weak self] in the closure stored in Model.onChange")
    repeatedly {
        let model = Model()
        model.onChange = { model.value += 1 }
        loseRing(model)
    }
    expect(
        "Busy.onChange -> closure.capture -> Busy", breakAt: "[weak self] in the closure stored in Busy.onChange")
    repeatedly {
        let busy = Busy()
        let inner = Inner()
        var calls = 0
        busy.onChange = {
            calls += $0
            busy.value += calls
            inner.value += busy.value
        }
        loseRing(busy)
    }
    expect("Lazy.describe -> Lazy", breakAt: "[weak self] in the closure stored in Lazy.describe")
    repeatedly {
        let lazy = Lazy()
        lazy.name = lazy.describe() + 1
        loseRing(lazy)
    }
    expect("View.handlers.onTap -> View", breakAt: "[weak self] in the closure stored in View.handlers.onTap")
    repeatedly {
        let view = View()
        view.handlers.onTap = { view.taps += 1 }
        loseRing(view)
    }
}

/// What objects and closures do to each other.
func classCycles(_ argument: UnsafePointer<CChar>?) {
    classes()
    genericsAndActors()
    closures()
}
