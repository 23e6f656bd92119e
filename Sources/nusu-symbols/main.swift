// nusu-symbols: says at which offsets the fields of classes lie: of C++ classes as the debug information of ELF files has
// it, of Swift classes as the Swift project's own library reads it from a process's memory.
//
// Both were written by whoever wrote the target, and the libraries trust them; so they are read in this program, which has
// no rights, and whose crash costs names and nothing else. It gets open files as descriptors, and opens none that nusu or a
// target names; libdw looks for detached debug information under /usr/lib/debug.
//
// Input, for C++: "c++ COUNT", then one class a line; descriptors 3 and up are COUNT files.
// For Swift: "swift COUNT", then COUNT lines with what was added to each file's addresses when it was loaded, then
// "METADATA CLASS" a line; descriptor 3 is a socket that answers for memory (TargetMemory), those behind it are the files.
// Output: "=CLASS", then "OFFSET SIZE FIELD" a line.

import CLinux
import Glibc

/// The user and group "nobody", where the program was started as root.
let nobody: UInt32 = 65_534
let classLimit = 65_536

guard clinux_drop_rights(nobody) == 0 else { exit(77) }
let words = (readLine() ?? "").split(separator: " ")
guard words.count == 2, let count = Int32(words[1]), (0...256).contains(count) else { exit(64) }
switch words[0] {
case "c++":
    var wanted: Set<String> = []
    while let name = readLine(), wanted.count < classLimit { wanted.insert(name) }
    var members = ClassMembers(wanted: wanted)
    for descriptor in 3..<3 + count where !members.isDone { members.search(descriptor) }
case "swift":
    var modules: [ModuleFile] = []
    for descriptor in 4..<4 + count {
        guard let bias = readLine().flatMap({ UInt64($0) }) else { exit(64) }
        if let module = ModuleFile(descriptor: descriptor, bias: bias) { modules.append(module) }
    }
    let memory = TargetMemory(channel: 3, modules: modules)
    guard let library = MirrorLibrary.path(), let mirror = RemoteMirror(library: library, memory: memory) else {
        exit(0)
    }
    modules.forEach(mirror.add)
    for _ in 0..<classLimit {
        guard let parts = readLine()?.split(separator: " ", maxSplits: 1), parts.count == 2,
            let metadata = UInt64(parts[0])
        else { break }
        print((["=" + parts[1]] + mirror.fields(of: metadata)).joined(separator: "\n"))
    }
default: exit(64)
}
