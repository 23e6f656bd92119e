extension RandomAccessCollection {
    /// The first index whose element fulfils `isSecond`, where all that do stand behind all that do not.
    func partitioningIndex(where isSecond: (Element) -> Bool) -> Index {
        var low = startIndex
        var length = count
        while length > 0 {
            let half = length / 2
            let middle = index(low, offsetBy: half)
            if isSecond(self[middle]) {
                length = half
            } else {
                low = index(after: middle)
                length -= half + 1
            }
        }
        return low
    }
}
