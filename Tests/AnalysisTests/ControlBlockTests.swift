import Testing

@testable import Analysis

@Suite("Control blocks of shared pointers, by the names of their classes")
struct ControlBlockTests {
    @Test(
        "The object's class is the first argument",
        arguments: [
            (
                "std::_Sp_counted_ptr_inplace<app::Peer, std::allocator<void>, (__gnu_cxx::_Lock_policy)2>",
                "app::Peer (make_shared)"
            ),
            (
                "std::_Sp_counted_ptr_inplace<std::map<int, f(int, int)>, std::allocator<void>, (_Lock_policy)2>",
                "std::map<int, f(int, int)> (make_shared)"
            ),
            ("std::_Sp_counted_ptr<app::Peer*, (_Lock_policy)2>", "shared_ptr control block of app::Peer"),
            (
                "std::_Sp_counted_deleter<app::Peer*, run()::{lambda(app::Peer*, int)#1}, std::allocator<void>>",
                "shared_ptr control block of app::Peer"
            ),
        ])
    func names(name: String, expected: String) {
        #expect(ControlBlock(className: name)?.name == expected)
        #expect(ControlBlock(name: expected) == ControlBlock(className: name))
    }

    @Test(
        "Other classes, and names that were cut off, are none",
        arguments: [
            "app::Peer", "std::_Sp_counted_ptr<", "std::_Sp_counted_ptr<>", "std::_Sp_counted_ptr<app::Peer",
            "std::_Sp_counted_ptr<app::Peer, x>", "std::_Sp_counted_ptr_inplace<, x>",
            "std::_Sp_counted_ptr_inplace<std::map<int, x",
        ])
    func none(name: String) { #expect(ControlBlock(className: name) == nil) }
}
