// Locks with priority inheritance by their words, and waiting for several words.
#define _GNU_SOURCE
#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void tell(const char *what, long result) {
  printf("%s: %ld %s\n", what, result, result < 0 ? strerror(errno) : "");
}

static long futex(uint32_t *word, int op, uint32_t value, void *timeout, uint32_t *other, uint32_t value3) {
  return syscall(SYS_futex, word, op, value, timeout, other, value3);
}

// A word with the caller's own number as `me`.
static void word(const char *what, uint32_t value) {
  uint32_t tid = value & FUTEX_TID_MASK;
  printf("  %s: %s%s%s\n", what, value & FUTEX_WAITERS ? "waiters " : "", value & FUTEX_OWNER_DIED ? "died " : "",
         tid == 0 ? "nobody" : tid == gettid() ? "me" : "another");
}

static uint32_t a, b, c;

static void refused(void) {
  struct timespec past = {1, 0}, bad = {0, -1};
  tell("lock", futex(&a, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
  word("word", a);
  tell("again", futex(&a, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
  tell("try again", futex(&a, FUTEX_TRYLOCK_PI, 0, NULL, NULL, 0));
  tell("lock2", futex(&b, FUTEX_LOCK_PI2, 0, NULL, NULL, 0));
  tell("unlock2", futex(&b, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
  word("word", b);
  tell("unlock what nobody has", futex(&b, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
  b = 1;
  tell("unlock another's", futex(&b, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
  b = 0x3ffffff0;
  tell("owner is gone", futex(&b, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
  printf("  %x\n", b);
  b = 0x3ffffff0;
  tell("try, owner is gone", futex(&b, FUTEX_TRYLOCK_PI, 0, NULL, NULL, 0));
  printf("  %x\n", b);
  b = FUTEX_OWNER_DIED;
  tell("owner died", futex(&b, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
  word("word", b);
  tell("unlock", futex(&b, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
  b = FUTEX_OWNER_DIED | FUTEX_WAITERS;
  tell("owner died, try", futex(&b, FUTEX_TRYLOCK_PI, 0, NULL, NULL, 0));
  word("word", b);
  b = 0;
  tell("not aligned", futex((uint32_t *)((char *)&b + 1), FUTEX_LOCK_PI, 0, NULL, NULL, 0));
  tell("no memory", futex((uint32_t *)8, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
  tell("unlock no memory", futex((uint32_t *)8, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
  tell("time", futex(&b, FUTEX_LOCK_PI, 0, &bad, NULL, 0));
  tell("clock", futex(&b, FUTEX_LOCK_PI | FUTEX_CLOCK_REALTIME, 0, NULL, NULL, 0));
  tell("past but free", futex(&b, FUTEX_LOCK_PI, 0, &past, NULL, 0));
  tell("unlock", futex(&b, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
  void *page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  tell("read-only", futex(page, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
  tell("requeue to itself", futex(&b, FUTEX_CMP_REQUEUE_PI, 1, (void *)1, &b, 0));
  tell("requeue two awake", futex(&b, FUTEX_CMP_REQUEUE_PI, 2, (void *)1, &c, 0));
  tell("requeue value", futex(&b, FUTEX_CMP_REQUEUE_PI, 1, (void *)1, &c, 5));
  tell("requeue nobody", futex(&b, FUTEX_CMP_REQUEUE_PI, 1, (void *)1, &c, 0));
  tell("wait for itself", futex(&b, FUTEX_WAIT_REQUEUE_PI, 0, NULL, &b, 0));
  tell("wait value", futex(&b, FUTEX_WAIT_REQUEUE_PI, 5, NULL, &c, 0));
  tell("wait past", futex(&b, FUTEX_WAIT_REQUEUE_PI, 0, &past, &c, 0));
  tell("unknown", futex(&b, 14, 0, NULL, NULL, 0));
}

static volatile int stage;
static void reach(int wanted) {
  while (stage < wanted) usleep(1000);
}

static uint32_t l1, l2;
static void *second(void *argument) {
  tell("second takes l2", futex(&l2, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
  stage = 1;
  long result = futex(&l1, FUTEX_LOCK_PI, 0, NULL, NULL, 0);
  reach(2);
  tell("second wants l1", result);
  word("l1", l1);
  word("l2", l2);
  tell("second gives l1", futex(&l1, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
  tell("second gives l2", futex(&l2, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
  return argument;
}

static void two_locks(void) {
  pthread_t thread;
  struct timespec moment;
  futex(&l1, FUTEX_LOCK_PI, 0, NULL, NULL, 0);
  pthread_create(&thread, NULL, second, NULL);
  reach(1);
  while (!(*(volatile uint32_t *)&l1 & FUTEX_WAITERS)) usleep(1000);
  usleep(20000);
  tell("deadlock", futex(&l2, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
  tell("try", futex(&l2, FUTEX_TRYLOCK_PI, 0, NULL, NULL, 0));
  tell("wake who waits for a lock", futex(&l1, FUTEX_WAKE, 1, NULL, NULL, 0));
  word("l1", l1);
  word("l2", l2);
  tell("first gives l1", futex(&l1, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
  stage = 2;
  pthread_join(thread, NULL);
  word("l1", l1);
  word("l2", l2);
}

static void *holds(void *argument) {
  futex(&l1, FUTEX_LOCK_PI, 0, NULL, NULL, 0);
  stage = 2;
  reach(3);
  usleep(20000);
  // Without giving it up.
  return argument;
}

static void *waits(void *argument) {
  reach(2);
  futex(&l1, FUTEX_LOCK_PI, 0, NULL, NULL, 0);
  return argument;
}

static void timeouts_and_death(void) {
  pthread_t thread;
  struct timespec moment;
  l1 = 0;
  stage = 0;
  pthread_create(&thread, NULL, holds, NULL);
  reach(2);
  clock_gettime(CLOCK_REALTIME, &moment);
  moment.tv_nsec += 10000000;
  if (moment.tv_nsec > 999999999) moment.tv_sec++, moment.tv_nsec -= 1000000000;
  tell("timeout", futex(&l1, FUTEX_LOCK_PI, 0, &moment, NULL, 0));
  word("l1", l1);
  clock_gettime(CLOCK_MONOTONIC, &moment);
  moment.tv_nsec += 10000000;
  if (moment.tv_nsec > 999999999) moment.tv_sec++, moment.tv_nsec -= 1000000000;
  tell("timeout2", futex(&l1, FUTEX_LOCK_PI2, 0, &moment, NULL, 0));
  tell("try", futex(&l1, FUTEX_TRYLOCK_PI, 0, NULL, NULL, 0));
  stage = 3;
  tell("owner dies", futex(&l1, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
  word("l1", l1);
  pthread_join(thread, NULL);
  tell("unlock", futex(&l1, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
  word("l1", l1);
}

static uint32_t at, lock;
static int turn;
static void *moved(void *argument) {
  long result = futex(&at, FUTEX_WAIT_REQUEUE_PI, 0, NULL, &lock, 0);
  reach(++turn);
  printf("moved: %ld %s, %s\n", result, result < 0 ? strerror(errno) : "",
         (lock & FUTEX_TID_MASK) == gettid() ? "has it" : "has it not");
  if (futex(&lock, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0) < 0) tell("gives", -1);
  return argument;
}

static void requeue(void) {
  pthread_t threads[3];
  stage = 0;
  for (int i = 0; i < 3; i++) pthread_create(&threads[i], NULL, moved, NULL);
  usleep(50000);
  tell("wake", futex(&at, FUTEX_WAKE, 1, NULL, NULL, 0));
  tell("plain requeue", futex(&at, FUTEX_CMP_REQUEUE, 1, (void *)1, &lock, 0));
  tell("another lock", futex(&at, FUTEX_CMP_REQUEUE_PI, 1, (void *)1, &c, 0));
  futex(&lock, FUTEX_LOCK_PI, 0, NULL, NULL, 0);
  tell("requeue", futex(&at, FUTEX_CMP_REQUEUE_PI, 1, (void *)1, &lock, 0));
  word("lock", lock);
  usleep(20000);
  tell("give", futex(&lock, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
  word("lock", lock);
  stage = 2;
  for (int i = 0; i < 2000 && *(volatile uint32_t *)&lock != 0; i++) usleep(1000);
  word("lock", lock);
  tell("the last", futex(&at, FUTEX_CMP_REQUEUE_PI, 1, (void *)9, &lock, 0));
  stage = 3;
  for (int i = 0; i < 3; i++) pthread_join(threads[i], NULL);
  word("lock", lock);
}

static pthread_mutex_t mutex;
static void *dies(void *argument) {
  pthread_mutex_lock(&mutex);
  return argument;
}

static void robust(void) {
  pthread_t thread;
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_INHERIT);
  pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
  pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_ERRORCHECK);
  pthread_mutex_init(&mutex, &attributes);
  pthread_create(&thread, NULL, dies, NULL);
  pthread_join(thread, NULL);
  printf("robust: %s\n", strerror(pthread_mutex_lock(&mutex)));
  pthread_mutex_consistent(&mutex);
  printf("errorcheck: %s\n", strerror(pthread_mutex_lock(&mutex)));
  printf("unlock: %s\n", strerror(pthread_mutex_unlock(&mutex)));
  printf("unlock again: %s\n", strerror(pthread_mutex_unlock(&mutex)));
}

static void between_processes(void) {
  pthread_mutex_t *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_INHERIT);
  pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
  pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
  pthread_mutex_init(shared, &attributes);
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    pthread_mutex_lock(shared);
    usleep(30000);
    _exit(0);
  }
  usleep(10000);
  printf("died meanwhile: %s\n", strerror(pthread_mutex_lock(shared)));
  pthread_mutex_consistent(shared);
  printf("unlock: %s\n", strerror(pthread_mutex_unlock(shared)));
  waitpid(child, NULL, 0);
}

struct waitv { uint64_t value, word; uint32_t flags, reserved; };
static struct waitv list[129];
static uint32_t words[3];
static void *wakes(void *argument) {
  usleep(20000);
  tell("wake the second", futex(&words[1], FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1, NULL, NULL, 0));
  return argument;
}

static void several(void) {
  struct timespec moment;
  pthread_t thread;
  for (int i = 0; i < 129; i++) list[i] = (struct waitv){0, (uintptr_t)&words[i % 3], 2 | 128, 0};
  clock_gettime(CLOCK_MONOTONIC, &moment);
  moment.tv_nsec += 5000000;
  if (moment.tv_nsec > 999999999) moment.tv_sec++, moment.tv_nsec -= 1000000000;
  tell("waitv none", syscall(SYS_futex_waitv, list, 0, 0, NULL, 0));
  tell("waitv too many", syscall(SYS_futex_waitv, list, 129, 0, NULL, 0));
  tell("waitv flags", syscall(SYS_futex_waitv, list, 3, 1, NULL, 0));
  tell("waitv null", syscall(SYS_futex_waitv, NULL, 3, 0, NULL, 0));
  tell("waitv clock", syscall(SYS_futex_waitv, list, 3, 0, &moment, 7));
  tell("waitv timeout", syscall(SYS_futex_waitv, list, 3, 0, &moment, 1));
  list[1].value = 5;
  tell("waitv value", syscall(SYS_futex_waitv, list, 3, 0, &moment, 1));
  list[1].value = 1ul << 32;
  tell("waitv large value", syscall(SYS_futex_waitv, list, 3, 0, &moment, 1));
  list[1].value = 0;
  list[1].flags = 1 | 128;
  tell("waitv size", syscall(SYS_futex_waitv, list, 3, 0, &moment, 1));
  list[1].flags = 2 | 128;
  list[1].reserved = 1;
  tell("waitv reserved", syscall(SYS_futex_waitv, list, 3, 0, &moment, 1));
  list[1].reserved = 0;
  list[1].word |= 2;
  tell("waitv not aligned", syscall(SYS_futex_waitv, list, 3, 0, &moment, 1));
  list[1].word -= 2;
  pthread_create(&thread, NULL, wakes, NULL);
  long woken = syscall(SYS_futex_waitv, list, 3, 0, NULL, 0);
  pthread_join(thread, NULL);
  tell("waitv", woken);
  tell("wait2 value", syscall(455, &words[0], 1, 0xffffffffUL, 2 | 128, NULL, 0));
  tell("wait2 timeout", syscall(455, &words[0], 0, 0xffffffffUL, 2 | 128, &moment, 1));
  tell("wait2 mask", syscall(455, &words[0], 0, 0, 2 | 128, NULL, 1));
  tell("wake2 nobody", syscall(454, &words[0], 0xffffffffUL, 1, 2 | 128));
  tell("wake2 none", syscall(454, &words[0], 0xffffffffUL, 0, 2 | 128));
  tell("wake2 mask", syscall(454, &words[0], 0, 1, 2 | 128));
  tell("wake2 size", syscall(454, &words[0], 0xffffffffUL, 1, 128));
  tell("requeue2", syscall(456, list, 0, 1, 1));
  tell("requeue2 flags", syscall(456, list, 1, 1, 1));
}

int main(void) {
  setvbuf(stdout, NULL, _IONBF, 0);
  refused();
  two_locks();
  timeouts_and_death();
  requeue();
  robust();
  between_processes();
  several();
}
