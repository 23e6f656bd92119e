/// What the whole machine does and has, at one moment. A part that the kernel does not tell is nil.
package struct MachineSample: Hashable, Sendable {
    /// Of all processors together, since boot.
    package var total: CoreTimes?
    /// Of those that are on line, in ascending order of their numbers.
    package var cores: [Core] = []
    package var memory: Memory?
    package var load: Load?
    package var pressure = Pressure()
    /// What a container is allowed; nil outside of one, and in one without limits.
    package var bounds: Bounds?
    /// Seconds since boot.
    package var uptime: Double?

    package init() {}

    package struct Core: Hashable, Sendable {
        package var number: Int
        package var times: CoreTimes

        package init(number: Int, times: CoreTimes) {
            self.number = number
            self.times = times
        }
    }

    /// Clock ticks since boot (man 5 proc_stat). Time of guests is part of `user` and `nice`.
    package struct CoreTimes: Hashable, Sendable {
        package var user: UInt64 = 0
        package var nice: UInt64 = 0
        package var system: UInt64 = 0
        package var idle: UInt64 = 0
        /// Idle, and something waits for storage.
        package var ioWait: UInt64 = 0
        /// Of devices, and what they left to do (irq, softirq): no process is charged for it.
        package var interrupts: UInt64 = 0
        /// Ready, but the hypervisor gave the processor to somebody else.
        package var stolen: UInt64 = 0

        package init() {}
    }

    /// `/proc/meminfo`, in bytes.
    package struct Memory: Hashable, Sendable {
        package var totalBytes: UInt64
        /// What programs could still get without swapping (MemAvailable).
        package var availableBytes: UInt64
        /// Page cache and what the kernel can give back: given up when programs ask for more.
        package var cacheBytes: UInt64
        /// Shared memory and files of tmpfs.
        package var sharedBytes: UInt64
        package var swapTotalBytes: UInt64
        package var swapFreeBytes: UInt64

        package init(
            totalBytes: UInt64, availableBytes: UInt64, cacheBytes: UInt64 = 0, sharedBytes: UInt64 = 0,
            swapTotalBytes: UInt64 = 0, swapFreeBytes: UInt64 = 0
        ) {
            self.totalBytes = totalBytes
            self.availableBytes = availableBytes
            self.cacheBytes = cacheBytes
            self.sharedBytes = sharedBytes
            self.swapTotalBytes = swapTotalBytes
            self.swapFreeBytes = swapFreeBytes
        }
    }

    /// `/proc/loadavg`: threads that run, are ready or sleep in the kernel, averaged over minutes.
    package struct Load: Hashable, Sendable {
        package var one: Double
        package var five: Double
        package var fifteen: Double
        /// Threads that run or are ready just now, and all there are.
        package var running: Int
        package var threads: Int

        package init(one: Double, five: Double, fifteen: Double, running: Int, threads: Int) {
            self.one = one
            self.five = five
            self.fifteen = fifteen
            self.running = running
            self.threads = threads
        }
    }

    /// `/proc/pressure`, and `*.pressure` of a control group: the share of the last ten seconds in which some thread (`some`), or all that had something to do
    /// (`full`), waited for it; per cent. nil where the kernel does not count.
    package struct Pressure: Hashable, Sendable {
        package var cpuSome: Double?
        package var memorySome: Double?
        package var memoryFull: Double?
        package var ioSome: Double?
        package var ioFull: Double?

        package init() {}
    }

    /// The limits of the control groups that nusu is in itself, where it runs in a container.
    package struct Bounds: Hashable, Sendable {
        /// Processors' worth of time (cpu.max); nil: no limit.
        package var processors: Double?
        package var memoryLimitBytes: UInt64?
        package var memoryUsedBytes: UInt64?
        /// The part of the memory in use that is page cache.
        package var cacheBytes: UInt64?
        /// That its processes ran since the group was made, in seconds (cpu.stat).
        package var ranSeconds: Double?
        /// What its processes wait for; nil where only that of the machine is counted.
        package var pressure: Pressure?

        package init() {}
    }
}
