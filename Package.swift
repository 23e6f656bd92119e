// swift-tools-version: 6.2
import PackageDescription

/// What every Swift target of nusu is compiled with: the strictest language settings, and no warning left standing.
let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .treatAllWarnings(as: .error),
]

let system = Target.Dependency.product(name: "SystemPackage", package: "swift-system")
let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")

// The arrows point one way: nusu -> Terminal -> Report -> Analysis -> Model <- Capture -> Kernel -> CLinux.
// Only the executable sees both Capture and Analysis (ARCHITECTURE.md says why).
let package = Package(
    name: "nusu",
    products: [
        .executable(name: "nusu", targets: ["nusu"]),
        .executable(name: "nusu-symbols", targets: ["nusu-symbols"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
    ],
    targets: [
        .target(name: "CLinux"),
        .target(name: "Model", swiftSettings: settings),
        .target(
            name: "Kernel", dependencies: ["CLinux", "Model", system], exclude: ["README.md"], swiftSettings: settings),
        .target(
            name: "Capture", dependencies: ["Kernel", "Model", system],
            exclude: ["Images/README.md", "Scheduling/README.md"],
            swiftSettings: settings),
        .systemLibrary(name: "CZlib"),
        .systemLibrary(name: "CElfutils"),
        .systemLibrary(name: "CRemoteMirror"),
        .target(name: "CDemangle", linkerSettings: [.linkedLibrary("stdc++")]),
        .target(
            name: "Analysis", dependencies: ["CDemangle", "CZlib", "Model"],
            exclude: [
                "Heaps/Glibc/README.md", "Objects/Swift/README.md", "SavedGraph/README.md",
                "SavedTrace/README.md", "SchedulingTrace/README.md", "Schedules/README.md", "Trends/README.md",
            ],
            swiftSettings: settings),
        .target(
            name: "Report", dependencies: ["Analysis", "CDemangle", "Model"],
            exclude: ["SchedulingTrace/Perfetto/README.md"],
            swiftSettings: settings),
        .target(name: "CTerminal", linkerSettings: [.linkedLibrary("tinfo")]),
        .target(name: "Terminal", dependencies: ["CTerminal", "Report", "Analysis", "Model"], swiftSettings: settings),
        .executableTarget(
            name: "nusu",
            dependencies: ["Terminal", "Report", "Analysis", "Capture", "Kernel", "Model", argumentParser],
            swiftSettings: settings),
        // Optional at run time: reads what a target wrote with libraries that trust it, without rights.
        .executableTarget(
            name: "nusu-symbols", dependencies: ["CElfutils", "CLinux", "CRemoteMirror"], swiftSettings: settings),
        .target(name: "DemoTruth", path: "Sources/Demos/Truth"),
        .executableTarget(name: "nusu-demo", dependencies: ["DemoTruth"], path: "Sources/Demos/C"),
        .executableTarget(
            name: "nusu-demo-cxx", dependencies: ["DemoTruth"], path: "Sources/Demos/Cxx",
            linkerSettings: [.linkedLibrary("stdc++")]),
        .executableTarget(
            name: "nusu-demo-swift", dependencies: ["DemoTruth"], path: "Sources/Demos/Swift",
            swiftSettings: settings),
        // For the tests only: dies in the middle of a snapshot, as any nusu may.
        .executableTarget(
            name: "Probe", dependencies: ["Capture", "Model"], path: "Tests/Probe", swiftSettings: settings),
        // For the tests only: has the terminal as the live screen has it, and ends as it is told to.
        .executableTarget(
            name: "Screen", dependencies: ["Model", "Terminal"], path: "Tests/Screen", swiftSettings: settings),
        // For the tests only: a program on a kernel that lacks something, or ended at a step.
        .executableTarget(name: "Filtered", path: "Tests/Filtered"),
        .testTarget(name: "ModelTests", dependencies: ["Model"], swiftSettings: settings),
        .testTarget(name: "KernelTests", dependencies: ["CLinux", "Kernel", "Model", system], swiftSettings: settings),
        .testTarget(
            name: "CaptureTests", dependencies: ["Capture", "Kernel", "Model"], exclude: ["Processes/Fixtures"],
            swiftSettings: settings),
        .testTarget(name: "AnalysisTests", dependencies: ["Analysis", "Model"], swiftSettings: settings),
        .testTarget(
            name: "ReportTests", dependencies: ["Report", "Analysis", "Model"], exclude: ["Snapshots"],
            swiftSettings: settings),
        .testTarget(
            name: "TerminalTests", dependencies: ["Terminal", "Report", "Analysis", "Model"], exclude: ["Snapshots"],
            swiftSettings: settings),
        .testTarget(
            name: "LiveTests",
            dependencies: [
                "nusu", "nusu-symbols", "Probe", "Screen", "Filtered", "Capture", "Kernel", "Model", "CLinux",
            ],
            swiftSettings: settings),
    ]
)
