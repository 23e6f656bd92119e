// Channels that are objects of their own: queues of messages, semaphores, shared memory.

#define _GNU_SOURCE
#include "cases.h"
#include "channels.h"

#include <fcntl.h>
#include <mqueue.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <unistd.h>

static char posix_name[64];

void channels_make_message_queue(void) {
    channels_name(posix_name, sizeof posix_name, "/nusu-demo");
    struct mq_attr attributes = {.mq_maxmsg = 2, .mq_msgsize = 16};
    mqd_t writing = mq_open(posix_name, O_CREAT | O_EXCL | O_WRONLY | O_NONBLOCK, 0600, &attributes);
    mqd_t reading = mq_open(posix_name, O_RDONLY);
    if (writing < 0 || reading < 0) demo_give_up("no queue of messages");
    mq_unlink(posix_name);
    for (int number = 0; number < 2; number++) mq_send(writing, "a message", 9, 0);
    if (channels_split() == 0) {
        mq_close(writing);
        channels_stay();
    }
    mq_close(reading);
    channels_say("mqueue", writing, "write", reading, "read");
}

static void receive_for_ever(void) {
    struct {
        long type;
        char text[16];
    } message;
    // Of a type that nobody sends.
    msgrcv(channels_message_queue, &message, sizeof message.text, 9, 0);
}

void channels_make_sysv_messages(void) {
    channels_message_queue = msgget(IPC_PRIVATE, 0600);
    if (channels_message_queue < 0) demo_give_up("no queue of messages");
    channels_child_waits = receive_for_ever;
    if (channels_split() == 0) channels_stay();
    struct {
        long type;
        char text[16];
    } message = {1, "a message"};
    msgsnd(channels_message_queue, &message, sizeof message.text, 0);
    channels_say("sysv-msg", -1, "used", -1, "wait");
}

static void lower_for_ever(void) {
    struct sembuf lower = {0, -1, 0};
    semop(channels_semaphores, &lower, 1);
}

void channels_make_sysv_semaphores(void) {
    channels_semaphores = semget(IPC_PRIVATE, 2, 0600);
    if (channels_semaphores < 0) demo_give_up("no semaphores");
    channels_child_waits = lower_for_ever;
    if (channels_split() == 0) channels_stay();
    struct sembuf raise = {1, 1, 0};
    semop(channels_semaphores, &raise, 1);
    channels_say("sysv-sem", -1, "used", -1, "wait");
}

#define SHARED_BYTES (64 << 10)

/// Both have it in memory and none has it open.
static void share(int file) {
    void *memory = mmap(NULL, SHARED_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (memory == MAP_FAILED) demo_give_up("no mapping");
    close(file);
    memset(memory, 1, SHARED_BYTES);
    if (channels_split() == 0) channels_stay();
    channels_say("shared-memory", -1, "map", -1, "map");
}

void channels_make_posix_memory(void) {
    channels_name(posix_name, sizeof posix_name, "/nusu-demo");
    int file = shm_open(posix_name, O_CREAT | O_EXCL | O_RDWR, 0600);
    if (file < 0 || ftruncate(file, SHARED_BYTES) != 0) demo_give_up("no shared memory");
    shm_unlink(posix_name);
    share(file);
}

void channels_make_memory_file(void) {
    int file = memfd_create("nusu-demo", MFD_CLOEXEC);
    // Of the same name, and another one.
    int other = memfd_create("nusu-demo", MFD_CLOEXEC);
    if (file < 0 || other < 0 || ftruncate(file, SHARED_BYTES) != 0) demo_give_up("no shared memory");
    close(other);
    share(file);
}

void channels_make_anonymous_memory(void) {
    void *memory = mmap(NULL, SHARED_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) demo_give_up("no mapping");
    memset(memory, 1, SHARED_BYTES);
    if (channels_split() == 0) channels_stay();
    channels_say("shared-memory", -1, "map", -1, "map");
}

void channels_make_sysv_memory(void) {
    int segment = shmget(IPC_PRIVATE, SHARED_BYTES, 0600);
    void *memory = shmat(segment, NULL, 0);
    if (segment < 0 || memory == (void *)-1) demo_give_up("no segment");
    // It goes when the last one that has it attached does.
    shmctl(segment, IPC_RMID, NULL);
    memset(memory, 1, SHARED_BYTES);
    if (channels_split() == 0) channels_stay();
    channels_say("shared-memory", -1, "map", -1, "map");
}

void channels_make_mapped_file(void) {
    char path[] = "/tmp/nusu-demo-file.XXXXXX";
    int file = mkstemp(path);
    if (file < 0 || ftruncate(file, SHARED_BYTES) != 0) demo_give_up("no file");
    unlink(path);
    share(file);
}

void channels_make_semaphore(void) {
    channels_name(posix_name, sizeof posix_name, "/nusu-demo");
    sem_t *semaphore = sem_open(posix_name, O_CREAT | O_EXCL, 0600, 0);
    if (semaphore == SEM_FAILED) demo_give_up("no semaphore");
    sem_unlink(posix_name);
    if (channels_split() == 0) channels_stay();
    channels_say("semaphore", -1, "map", -1, "map");
}

static pthread_mutex_t *mutex;

static void lock_for_ever(void) { pthread_mutex_lock(mutex); }

void channels_make_futex(void) {
    mutex = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (mutex == MAP_FAILED) demo_give_up("no mapping");
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    pthread_mutex_init(mutex, &attributes);
    pthread_mutex_lock(mutex);
    channels_child_waits = lock_for_ever;
    if (channels_split() == 0) channels_stay();
    channels_say("shared-memory", -1, "map", -1, "map");
}
