// nusu-symbols: says at which offsets the fields of C++ classes lie, as the debug information of ELF files has it.
//
// That information is written by whoever wrote the target, and libdw trusts it; so it is read in this program, which has no
// rights, and whose crash costs names and nothing else. It gets open files as descriptors 3 and up, and opens none that
// nusu names; libdw looks for detached debug information under /usr/lib/debug.
//
// Input: the number of descriptors, then one class a line. Output: "=CLASS", then "OFFSET SIZE FIELD" a line.

import CLinux
import Glibc

/// The user and group "nobody", where the program was started as root.
let nobody: UInt32 = 65_534

guard clinux_drop_rights(nobody) == 0 else { exit(77) }
guard let line = readLine(), let count = Int32(line), (0...256).contains(count) else { exit(64) }
var wanted: Set<String> = []
while let name = readLine(), wanted.count < 65_536 { wanted.insert(name) }
var members = ClassMembers(wanted: wanted)
for descriptor in 3..<3 + count where !members.isDone { members.search(descriptor) }
