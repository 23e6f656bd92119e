// Rings through values: enumerations, existentials, structures, tuples, errors.

import DemoTruth

enum Contact {
    case none
    case person(Friend)
}

final class Friend {
    var contact = Contact.none
}

enum Step {
    case end
    case go(Walker)
    case turn(Walker, Int)
    case jump(Runner)
}

final class Walker {
    var step = Step.end
}

final class Runner {
    var step = Step.end
}

indirect enum Chain {
    case end
    case item(Bead)
    case link(Chain, Int)
}

final class Bead {
    var chain = Chain.end
}

protocol Shape {
    var area: Int { get }
}

struct Square: Shape {
    var canvas: SmallCanvas
    var area: Int { 4 }
}

struct Polygon: Shape {
    var sides = (3, 4, 5)
    var canvas: LargeCanvas
    var area: Int { 6 }
}

final class SmallCanvas {
    var shape: (any Shape)?
}

final class LargeCanvas {
    var shape: (any Shape)?
}

final class Anything {
    var thing: Any?
}

struct Frame {
    var x = 1
    var window: Window?
    var y = 2
}

final class Window {
    var frame = Frame()
    var title = "a title"
}

final class Pair {
    var both: (Int, Pair?) = (1, nil)
}

struct Failure: Error {
    var code = 3
    var request: Request
}

final class Request: @unchecked Sendable {
    var failure: (any Error)?
}

struct Handle: ~Copyable {
    var number = 1
    var resource: Resource?
}

final class Resource {
    var handle = Handle()
}

@inline(never)
private func enumerations() {
    expect("Friend.contact -> Friend")
    repeatedly {
        let friend = Friend()
        friend.contact = .person(friend)
        loseRing(friend)
    }
    expect("Walker.step -> Walker")
    repeatedly {
        let walker = Walker()
        walker.step = .turn(walker, 4)
        loseRing(walker)
    }
    expect("Walker.step -> Runner.step -> Walker")
    repeatedly {
        let walker = Walker()
        let runner = Runner()
        walker.step = .jump(runner)
        runner.step = .go(walker)
        loseRing(walker, runner)
    }
    expect("Bead.chain -> box.value -> box.value -> Bead")
    repeatedly {
        let bead = Bead()
        bead.chain = .link(.item(bead), 1)
        loseRing(bead)
    }
}

@inline(never)
private func existentials() {
    expect("SmallCanvas.shape.canvas -> SmallCanvas")
    repeatedly {
        let canvas = SmallCanvas()
        canvas.shape = Square(canvas: canvas)
        loseRing(canvas)
    }
    expect("LargeCanvas.shape -> box.value -> LargeCanvas")
    repeatedly {
        let canvas = LargeCanvas()
        canvas.shape = Polygon(canvas: canvas)
        loseRing(canvas)
    }
    expect("Anything.thing -> Anything")
    repeatedly {
        let anything = Anything()
        anything.thing = anything
        loseRing(anything)
    }
    expect("Request.failure -> error box.value.request -> Request")
    repeatedly {
        let request = Request()
        request.failure = Failure(request: request)
        loseRing(request)
    }
}

@inline(never)
private func structures() {
    expect("Window.frame.window -> Window")
    repeatedly {
        let window = Window()
        window.frame.window = window
        loseRing(window)
    }
    expect("Pair.both -> Pair")
    repeatedly {
        let pair = Pair()
        pair.both.1 = pair
        loseRing(pair)
    }
    expect("Resource.handle -> Resource")
    repeatedly {
        let resource = Resource()
        resource.handle.resource = resource
        loseRing(resource)
    }
}

/// What values do.
func valueCycles(_ argument: UnsafePointer<CChar>?) {
    enumerations()
    existentials()
    structures()
}
