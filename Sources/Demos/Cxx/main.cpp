// Programs of known truth in C++: what the language and its library make of blocks.

#include "demo.h"

#include <cstring>
#include <sys/socket.h>
#include <unistd.h>
#include <deque>
#include <exception>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <vector>

namespace app {

struct Widget {
    virtual ~Widget() = default;
    virtual void draw() {}
    long payload[6] = {1, 2, 3, 4, 5, 6};
};

template <typename Value>
struct Box : Widget {
    Value value{};
};

struct Named {
    virtual ~Named() = default;
    long number = 7;
};

struct Model : Widget, Named {
    long more[4] = {};
};

struct Counted {
    ~Counted() {}
    long value = 3;
    long other = 4;
};

struct Peer {
    std::shared_ptr<Peer> other;
    long payload[8] = {};
};

struct Child;

struct Parent {
    std::vector<std::shared_ptr<Child>> children;
    long payload[3] = {};
};

struct Child {
    std::weak_ptr<Parent> parent;
    long payload[9] = {};
};

struct Itself : std::enable_shared_from_this<Itself> {
    long payload[5] = {};
    std::shared_ptr<Itself> kept;
};

struct Endpoint {
    virtual ~Endpoint() = default;
    bool is_open = true;
    int m_fd = -1;
};

struct Connection : Endpoint {
    long bytes = 1 << 20;
    int retries = 0;
};

struct Ends {
    virtual ~Ends() = default;
    int fds[2] = {-1, -1};
};

struct Link {
    long number = 1 << 20;
    int sock_ = -1;
};

// Has such a number, and another name for it.
struct Gauge {
    virtual ~Gauge() = default;
    int level = 0;
    int fd_count = 0;
};

struct WithText {
    long number = 1;
    std::string text;
    char payload[40] = {};
};

}  // namespace app

namespace {

// What the cases hold. Never destroyed: a demo ends by a signal or at once.
void *volatile visible[4096];

template <typename Value>
Value *lose(Value *object, const char *type) {
    demo_note(DEMO_DEFINITE, object, type);
    return object;
}

void use(const void *object) { demo_note(DEMO_REACHABLE, object, nullptr); }

void set_up_virtual(const char *) {
    for (int index = 0; index < 50; index++) lose(new app::Widget, "app::Widget");
    for (int index = 0; index < 20; index++) lose(new app::Box<double>, "app::Box<double>");
    for (int index = 0; index < 10; index++) {
        auto *used = new app::Widget;
        use(used);
        visible[index] = used;
    }
}

void set_up_bases(const char *) {
    // Held only by a pointer to its second base, which lies in the middle.
    for (int index = 0; index < 30; index++) {
        auto *model = new app::Model;
        use(model);
        visible[index] = static_cast<app::Named *>(model);
        lose(new app::Model, "app::Model");
    }
}

void set_up_cookie(const char *) {
    // An array of objects with a destructor has its length in front; the pointer lies behind it.
    for (int index = 0; index < 30; index++) {
        auto *array = new app::Counted[static_cast<unsigned>(5 + index)];
        use(reinterpret_cast<char *>(array) - sizeof(size_t));
        visible[index] = array;
    }
    demo_note(DEMO_DEFINITE, new char[100], nullptr);
}

void set_up_strings(const char *) {
    // Short strings lie in the object itself: the object has a pointer into its own middle.
    for (unsigned index = 0; index < 30; index++) {
        auto *object = new app::WithText;
        object->text = index % 2 == 0 ? "short" : "a text that is too long for its place in the object";
        use(object);
        if (index % 2 == 1) use(object->text.data());
        visible[index] = object;
    }
    auto *lost = new app::WithText;
    lost->text = "short";
    // It points to itself: a ring of one.
    lose(lost, nullptr);
    auto *strings = new std::vector<std::string>;
    for (unsigned index = 0; index < 100; index++) {
        strings->push_back(std::string(index, 'x'));
    }
    use(strings);
    visible[30] = strings;
}

void set_up_shared(const char *) {
    for (unsigned ring = 0; ring < 25; ring++) {
        // One block each: make_shared puts the object behind its counters.
        auto first = std::make_shared<app::Peer>();
        auto second = std::make_shared<app::Peer>();
        first->other = second;
        second->other = first;
        demo_note_ring(ring, reinterpret_cast<char *>(first.get()) - 2 * sizeof(void *));
        demo_note_ring(ring, reinterpret_cast<char *>(second.get()) - 2 * sizeof(void *));
    }
    auto used = std::make_shared<app::Peer>();
    used->other = std::make_shared<app::Peer>();
    visible[0] = new std::shared_ptr<app::Peer>(used);
    visible[1] = new std::weak_ptr<app::Peer>(used);
}

void set_up_shared_new(const char *) {
    for (unsigned ring = 0; ring < 25; ring++) {
        // Two blocks each: the object, and its counters.
        std::shared_ptr<app::Peer> first(new app::Peer);
        std::shared_ptr<app::Peer> second(new app::Peer, [](app::Peer *peer) { delete peer; });
        first->other = second;
        second->other = first;
        demo_note_ring(ring, first.get());
        demo_note_ring(ring, second.get());
    }
    for (unsigned ring = 25; ring < 30; ring++) {
        // Each has a weak pointer to itself as well, which is none of the ring.
        auto itself = std::make_shared<app::Itself>();
        itself->kept = itself;
        demo_note_ring(ring, reinterpret_cast<char *>(itself.get()) - 2 * sizeof(void *));
    }
}

// Forgets an owner: the count stays as if somebody held the object.
template <typename Value>
void forget(std::shared_ptr<Value> &pointer) {
    memset(static_cast<void *>(&pointer), 0, sizeof pointer);
}

void set_up_weak(const char *) {
    // A weak reference back is no ring, lost or not.
    for (int index = 0; index < 20; index++) {
        auto parent = index % 2 == 0 ? std::make_shared<app::Parent>() : std::shared_ptr<app::Parent>(new app::Parent);
        auto child = std::make_shared<app::Child>();
        child->parent = parent;
        parent->children.push_back(child);
        if (index < 10) {
            visible[index] = new std::shared_ptr<app::Parent>(parent);
        } else {
            if (index % 2 == 0) lose(reinterpret_cast<char *>(parent.get()) - 2 * sizeof(void *), nullptr);
            forget(parent);
        }
    }
    // Objects that are gone; the weak pointers keep their counters.
    for (int index = 20; index < 30; index++) {
        auto parent = std::make_shared<app::Parent>();
        visible[index] = new std::weak_ptr<app::Parent>(parent);
    }
    // And one that nothing but itself refers to, weakly.
    auto itself = std::make_shared<app::Itself>();
    lose(reinterpret_cast<char *>(itself.get()) - 2 * sizeof(void *), nullptr);
    forget(itself);
}

void set_up_containers(const char *) {
    // Whatever the library keeps: nothing of it is lost, nothing doubtful.
    auto *numbers = new std::vector<int>(1000);
    auto *map = new std::map<int, std::string>;
    auto *hashes = new std::unordered_map<int, std::string>;
    auto *list = new std::list<std::string>;
    auto *deque = new std::deque<std::string>;
    auto *set = new std::multiset<std::string>;
    auto *function = new std::function<void()>;
    for (int index = 0; index < 500; index++) {
        std::string text(static_cast<unsigned>(index % 40), 'x');
        (*map)[index * 37 % 501] = text;
        (*hashes)[index] = text;
        list->push_front(text);
        deque->push_back(text);
        if (index % 3 == 0) deque->pop_front();
        set->insert(text);
    }
    auto *captured = new app::Widget;
    use(captured);
    *function = [captured, text = std::string(100, 'y')] { captured->draw(); };
    visible[0] = numbers;
    visible[1] = map;
    visible[2] = hashes;
    visible[3] = list;
    visible[4] = deque;
    visible[5] = set;
    visible[6] = function;
    use(numbers);
    use(map);
    use(hashes);
    use(list);
    use(deque);
    use(set);
    use(function);
}

void set_up_exceptions(const char *) {
    // An exception lies behind the header that the run-time needs for it: every pointer to it is one into the middle.
    for (int index = 0; index < 10; index++) {
        try {
            throw std::runtime_error("a message in a block of its own");
        } catch (...) {
            visible[index] = new std::exception_ptr(std::current_exception());
            use(visible[index]);
        }
        lose(new app::Widget, "app::Widget");
    }
}

void set_up_lost_map(const char *) {
    // The nodes know their parent and the root knows the map: all of it is one ring.
    auto *map = new std::map<int, int>;
    for (int index = 0; index < 500; index++) (*map)[index] = index;
    demo_note_ring(0, map);
    for (auto &entry : *map) {
        // A node's value lies behind its links: colour, parent, left, right.
        demo_note_ring(0, reinterpret_cast<char *>(&entry) - 4 * sizeof(void *));
    }
    // No way back here: the vector is lost, its elements hang below.
    auto *vector = new std::vector<app::Widget *>;
    vector->reserve(10);
    for (int index = 0; index < 10; index++) {
        vector->push_back(new app::Widget);
        demo_note(DEMO_INDIRECT, vector->back(), nullptr);
    }
    demo_note(DEMO_INDIRECT, vector->data(), nullptr);
    lose(vector, nullptr);
}

// One end of a pair of sockets; the other end stays in use.
int socket_pair(int index) {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) demo_give_up("no pair of sockets");
    auto *used = new app::Connection;
    used->m_fd = ends[0];
    use(used);
    visible[index] = used;
    demo_say("held", ends[0]);
    return ends[1];
}

int owned(int number) {
    demo_say("owned", number);
    return number;
}

void set_up_connections(const char *) {
    int place = 0;
    for (int index = 0; index < 4; index++) {
        auto *connection = new app::Connection;
        connection->m_fd = owned(socket_pair(place++));
        lose(connection, "app::Connection");
    }
    for (int index = 0; index < 2; index++) {
        auto *both = new app::Ends;
        both->fds[0] = owned(socket_pair(place++));
        both->fds[1] = owned(socket_pair(place++));
        lose(both, "app::Ends");
    }
    // Without virtual functions: the block of their counts tells what they are.
    for (int index = 0; index < 4; index++) {
        bool is_apart = index % 2 == 0;
        auto link = is_apart ? std::shared_ptr<app::Link>(new app::Link) : std::make_shared<app::Link>();
        link->sock_ = owned(socket_pair(place++));
        // The second word of a shared_ptr leads to the counts.
        void *words[2];
        memcpy(words, static_cast<void *>(&link), sizeof words);
        if (is_apart) demo_note(DEMO_INDIRECT, link.get(), nullptr);
        lose(words[1], nullptr);
        forget(link);
    }
    int number = socket_pair(place++);
    demo_say("held", number);
    auto *gauge = new app::Gauge;
    gauge->level = gauge->fd_count = number;
    lose(gauge, "app::Gauge");
    // Closed, none, and one that is in use as well.
    int closed = dup(number);
    close(closed);
    auto *used = new app::Connection;
    used->m_fd = number;
    use(used);
    visible[place++] = used;
    int other = socket_pair(place++);
    demo_say("held", other);
    auto *ends = new app::Ends;
    ends->fds[1] = other;
    use(ends);
    visible[place++] = ends;
    // This one has as much of it in a field of another name.
    auto *level = new app::Gauge;
    level->level = 4;
    use(level);
    visible[place++] = level;
    for (int value : {closed, -1, 0, number, other}) {
        auto *connection = new app::Connection;
        connection->m_fd = value;
        connection->retries = number;
        lose(connection, "app::Connection");
    }
}

const demo_case cases[] = {
    {"virtual", "objects with virtual functions, lost and named", set_up_virtual},
    {"bases", "objects held by a pointer to their second base", set_up_bases},
    {"cookie", "arrays whose length lies in front", set_up_cookie},
    {"strings", "short and long strings, nothing but one object lost", set_up_strings},
    {"shared", "rings of shared_ptr", set_up_shared},
    {"shared-new", "rings of shared_ptr to objects with counters of their own", set_up_shared_new},
    {"weak", "weak references back, which close no ring", set_up_weak},
    {"containers", "containers in use, nothing lost", set_up_containers},
    {"exceptions", "exceptions kept for later", set_up_exceptions},
    {"connections", "lost objects that keep the numbers of descriptors", set_up_connections},
    {"lost-map", "a lost map and a lost vector", set_up_lost_map},
    {nullptr, nullptr, nullptr},
};

}  // namespace

int main(int argc, char **argv) { return demo_main(argc, argv, cases); }
