import Glibc

/// Seconds that the calling thread has run. A bound on work is put on these: others may run between.
func secondsOfProcessor() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}
