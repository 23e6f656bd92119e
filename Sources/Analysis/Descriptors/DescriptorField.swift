import Model

/// A field of a class that keeps the number of a descriptor: four bytes, signed.
struct DescriptorField {
    /// Bytes from the start of the object.
    let offset: UInt64
    /// "fd", "peer.socket".
    let name: String
    /// An optional: the byte behind the number is 0 where there is one.
    var isOptional = false
}

/// Any small number may look like a descriptor's. What a field is called is the only evidence that it is one, where its type
/// says no more than "a number".
enum DescriptorFieldName {
    private static let words: Set<String> = [
        "descriptor", "descriptors", "filedescriptor", "fildes", "filedes", "fileno", "sock", "socket", "sockets",
    ]
    /// "fd_in", "fdRead": which of two.
    private static let ends: Set<String> = ["in", "out", "read", "write", "r", "w"]
    /// What structures around one number call it.
    private static let wrapped: Set<String> = ["rawValue", "value", "_value"]

    /// Whether a field of this name ("peer.socket_", "fds[i]") keeps a descriptor: by its last word, so that `fdCount` does not.
    static func says(_ name: String) -> Bool {
        let words = words(of: name)
        guard let last = words.last else { return false }
        if self.words.contains(last) || isShort(last) { return true }
        return words.count == 2 && isShort(words[0]) && ends.contains(last)
    }

    /// What is left when a wrapper's own field is taken away: "source" of "source.rawValue".
    static func plain(_ name: String) -> String {
        guard let dot = name.lastIndex(of: "."), wrapped.contains(String(name[name.index(after: dot)...])) else {
            return name
        }
        return String(name[..<dot])
    }

    /// "fd", "sockfd", "epollFD", "fds".
    private static func isShort(_ word: String) -> Bool { word.hasSuffix("fd") || word.hasSuffix("fds") }

    /// The words of the last part, in lower case, without digits: "sock", "fd" of "peer.sockFd2".
    private static func words(of name: String) -> [String] {
        let last = plain(name).split(separator: ".").last ?? ""
        var words: [String] = []
        var word = ""
        var wasLower = false
        func end() {
            if !word.isEmpty { words.append(word) }
            word = ""
        }
        // "fds[i]": an array's elements.
        for character in last.prefix(while: { $0 != "[" }) {
            if !character.isLetter || (character.isUppercase && wasLower) { end() }
            if character.isLetter { word += character.lowercased() }
            wasLower = character.isLowercase
        }
        end()
        return words
    }
}

extension FieldNames {
    /// The name of the field at a place ("+16") of a class, if it keeps a descriptor by its name and size; nil otherwise. Of an
    /// array each element is a field.
    func descriptorField(at place: String, of type: String) -> String? {
        guard let offset = FieldNames.offset(place), let fields = classes[type] else { return nil }
        for field in fields where DescriptorFieldName.says(field.name) && offset >= field.offset {
            let distance = offset - field.offset
            let isElement = field.name.hasSuffix("[i]") && field.size % 4 == 0 && distance < field.size
            if field.size == 4 ? distance == 0 : isElement && distance % 4 == 0 {
                return DescriptorFieldName.plain(field.name)
            }
        }
        return nil
    }
}
