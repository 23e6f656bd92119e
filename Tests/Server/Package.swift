// swift-tools-version: 6.2
import PackageDescription

// A package of its own: nusu needs SwiftNIO for nothing but this test, and building it takes minutes.
let package = Package(
    name: "server",
    dependencies: [.package(url: "https://github.com/apple/swift-nio", from: "2.101.2")],
    targets: [
        .executableTarget(
            name: "nusu-test-server",
            dependencies: [
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
            ],
            path: "Sources/Server",
            swiftSettings: [.swiftLanguageMode(.v6)])
    ]
)
