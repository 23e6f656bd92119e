package import Model

/// Descriptors that lead to the same thing, or to like things.
package struct DescriptorGroup: Hashable, Sendable {
    package var kind: Descriptor.Kind
    package var subject: DescriptorSubject
    /// Ascending by number; never empty.
    package var members: [Descriptor]

    package var count: Int { members.count }
}

/// Puts descriptors together by kind and subject, and paths that differ only in a number, or lie in one folder, as well.
package struct DescriptorGrouping {
    /// More than this many paths of one folder are shown as the folder.
    private static let pathsOfFolder = 8

    private struct Key: Hashable {
        var kind: Descriptor.Kind
        var subject: DescriptorSubject
    }

    /// Per descriptor, in their order.
    private let keys: [Key]

    /// - Parameter descriptors: of one moment or of several: like ones get one name in all of them.
    private init(_ descriptors: [Descriptor]) {
        let own = descriptors.map { Key(kind: $0.kind, subject: DescriptorSubject($0)) }
        keys = DescriptorGrouping.joined(
            DescriptorGrouping.joined(own, by: PathPattern.numbers) { _, paths in paths > 1 }, by: PathPattern.folder
        ) { _, paths in paths > DescriptorGrouping.pathsOfFolder }
    }

    /// Gives those keys whose paths have one pattern that pattern's name, where enough different paths have it.
    private static func joined(
        _ keys: [Key], by pattern: ([UInt8]) -> [UInt8], where isEnough: (Key, Int) -> Bool
    ) -> [Key] {
        func patternKey(_ key: Key) -> Key? {
            guard case .path(let path, let isDeleted) = key.subject, key.kind == .file || key.kind == .directory else {
                return nil
            }
            return Key(kind: key.kind, subject: .path(pattern(path), isDeleted: isDeleted))
        }
        var known: [Key: Key?] = [:]
        var paths: [Key: (count: Int, common: [UInt8])] = [:]
        for key in keys where known[key] == nil {
            let joint = patternKey(key)
            known[key] = .some(joint)
            guard let joint, case .path(let path, _) = key.subject, case .path(let pattern, _) = joint.subject else {
                continue
            }
            let before = paths[joint] ?? (0, path)
            paths[joint] = (before.count + 1, PathPattern.common(before.common, path, else: pattern))
        }
        return keys.map { key in
            guard let joint = known[key] ?? nil, let found = paths[joint], isEnough(joint, found.count),
                case .path(_, let isDeleted) = joint.subject
            else { return key }
            return Key(kind: key.kind, subject: .path(found.common, isDeleted: isDeleted))
        }
    }

    /// The groups of one look, largest first.
    package static func groups(of descriptors: [Descriptor]) -> [DescriptorGroup] {
        groups(descriptors, DescriptorGrouping(descriptors).keys[...])
    }

    /// Of two looks the groups of both, each with the same names.
    static func groups(of first: [Descriptor], and second: [Descriptor]) -> (
        first: [DescriptorGroup], second: [DescriptorGroup]
    ) {
        let keys = DescriptorGrouping(first + second).keys
        return (groups(first, keys.prefix(first.count)), groups(second, keys.dropFirst(first.count)))
    }

    private static func groups(_ descriptors: [Descriptor], _ keys: ArraySlice<Key>) -> [DescriptorGroup] {
        var numbers: [Key: Int] = [:]
        var groups: [DescriptorGroup] = []
        for (descriptor, key) in zip(descriptors, keys) {
            if let number = numbers[key] {
                groups[number].members.append(descriptor)
            } else {
                numbers[key] = groups.count
                groups.append(DescriptorGroup(kind: key.kind, subject: key.subject, members: [descriptor]))
            }
        }
        return groups.sorted { ($0.count, $1.members[0].number) > ($1.count, $0.members[0].number) }
    }
}

/// What is common to like paths.
enum PathPattern {
    /// Shorter words of hexadecimal digits are words.
    private static let shortestIdentifier = 8

    /// With `*` for every number, and for every long word of hexadecimal digits: "/tmp/upload-*.part".
    static func numbers(_ path: [UInt8]) -> [UInt8] {
        var result: [UInt8] = []
        var rest = path[...]
        while let first = rest.first {
            guard isWord(first) else {
                result.append(first)
                rest = rest.dropFirst()
                continue
            }
            let word = rest.prefix(while: isWord)
            rest = rest[word.endIndex...]
            if word.count >= shortestIdentifier, word.allSatisfy(isHexadecimal), word.contains(where: isDigit) {
                result.append(UInt8(ascii: "*"))
            } else {
                appendWithoutNumbers(word, to: &result)
            }
        }
        return result
    }

    private static func appendWithoutNumbers(_ word: ArraySlice<UInt8>, to result: inout [UInt8]) {
        var wasDigit = false
        for byte in word {
            if !isDigit(byte) { result.append(byte) } else if !wasDigit { result.append(UInt8(ascii: "*")) }
            wasDigit = isDigit(byte)
        }
    }

    /// Two paths of one pattern: each part in which they differ is the pattern's.
    static func common(_ one: [UInt8], _ other: [UInt8], else pattern: [UInt8]) -> [UInt8] {
        guard one != other else { return one }
        func parts(_ path: [UInt8]) -> [ArraySlice<UInt8>] {
            path.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        }
        let (ones, others, patterns) = (parts(one), parts(other), parts(pattern))
        guard ones.count == others.count, ones.count == patterns.count else { return pattern }
        let common = ones.indices.map { ones[$0].elementsEqual(others[$0]) ? ones[$0] : patterns[$0] }
        return Array(common.joined(separator: [UInt8(ascii: "/")]))
    }

    /// "/usr/lib/*"; what lies in no folder stays as it is.
    static func folder(_ path: [UInt8]) -> [UInt8] {
        guard let slash = path.lastIndex(of: UInt8(ascii: "/")), slash > 0 else { return path }
        return path[...slash] + [UInt8(ascii: "*")]
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

    private static func isHexadecimal(_ byte: UInt8) -> Bool {
        isDigit(byte) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte | 0x20)
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        isDigit(byte) || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    }
}
