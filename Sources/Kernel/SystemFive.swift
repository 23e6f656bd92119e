import CLinux

/// What only system calls tell of System V's queues and semaphores (man 7 sysvipc), of the calling thread's namespace.
package enum SystemFive {
    /// The process that changed a semaphore last, and the semaphore's value; nil where that may not be read. 0: nobody yet.
    ///
    /// The corresponding C function is `semctl` (GETPID, GETVAL).
    package static func semaphore(set: Int32, number: Int32) -> (user: Int32, value: Int)? {
        let user = clinux_semaphore_user(set, number)
        let value = clinux_semaphore_value(set, number)
        return user < 0 || value < 0 ? nil : (user, Int(value))
    }

    /// The bytes that a queue may hold; nil where that may not be read.
    ///
    /// The corresponding C function is `msgctl` (IPC_STAT).
    package static func messageCapacity(queue: Int32) -> Int? {
        let bytes = clinux_message_capacity(queue)
        return bytes < 0 ? nil : bytes
    }
}
