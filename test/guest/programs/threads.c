/* Threads: starting, joining, locks, conditions, storage of their own, cancellation, the end. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { THREADS = 8, ROUNDS = 2000 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static long counter, turn;
static atomic_long atomic;
static __thread long own = 7;
static pthread_barrier_t barrier;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static int onces;

static void run_once(void) { onces++; }

static void *count(void *argument) {
  long number = (long)argument;
  pthread_once(&once, run_once);
  pthread_barrier_wait(&barrier);
  for (int i = 0; i < ROUNDS; i++) {
    pthread_mutex_lock(&lock);
    counter++;
    pthread_mutex_unlock(&lock);
    atomic_fetch_add(&atomic, 1);
    own += number;
    if (i % 500 == 0) sched_yield();
  }
  return (void *)own;
}

static void counting(void) {
  pthread_t threads[THREADS];
  long sum = 0;
  pthread_barrier_init(&barrier, NULL, THREADS);
  for (long i = 0; i < THREADS; i++) pthread_create(&threads[i], NULL, count, (void *)i);
  for (int i = 0; i < THREADS; i++) {
    void *result;
    pthread_join(threads[i], &result);
    sum += (long)result;
  }
  printf("counted %ld %ld, own sum %ld, mine %ld, once %d\n", counter, atomic, sum, own, onces);
}

static void *take_turns(void *argument) {
  long number = (long)argument;
  for (int i = 0; i < 50; i++) {
    pthread_mutex_lock(&lock);
    while (turn % 4 != number) pthread_cond_wait(&changed, &lock);
    turn++;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
  }
  return NULL;
}

static void conditions(void) {
  pthread_t threads[4];
  for (long i = 0; i < 4; i++) pthread_create(&threads[i], NULL, take_turns, (void *)i);
  for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
  printf("turns %ld\n", turn);
  struct timespec soon;
  clock_gettime(CLOCK_REALTIME, &soon);
  soon.tv_nsec += 3000000;
  if (soon.tv_nsec >= 1000000000) {
    soon.tv_sec++;
    soon.tv_nsec -= 1000000000;
  }
  pthread_mutex_lock(&lock);
  int error = pthread_cond_timedwait(&changed, &lock, &soon);
  pthread_mutex_unlock(&lock);
  printf("timedwait: %s\n", strerror(error));
}

static sem_t filled, empty;
static int slot;

static void *produce(void *argument) {
  for (int i = 1; i <= 100; i++) {
    sem_wait(&empty);
    slot = i;
    sem_post(&filled);
  }
  return argument;
}

static void semaphores(void) {
  pthread_t thread;
  long sum = 0;
  sem_init(&filled, 0, 0);
  sem_init(&empty, 0, 1);
  pthread_create(&thread, NULL, produce, NULL);
  for (int i = 0; i < 100; i++) {
    sem_wait(&filled);
    sum += slot;
    sem_post(&empty);
  }
  pthread_join(thread, NULL);
  printf("passed on %ld\n", sum);
}

static int cleaned;
static void clean(void *argument) { cleaned += *(int *)argument; }

static void *wait_long(void *argument) {
  int by = 5;
  pthread_cleanup_push(clean, &by);
  sleep(100);
  pthread_cleanup_pop(0);
  return argument;
}

static void cancellation(void) {
  pthread_t thread;
  void *result;
  pthread_create(&thread, NULL, wait_long, NULL);
  usleep(1000);
  pthread_cancel(thread);
  pthread_join(thread, &result);
  printf("cancelled %d, cleaned %d\n", result == PTHREAD_CANCELED, cleaned);
}

static atomic_int got;
static void handle(int signal) {
  (void)signal;
  atomic_store(&got, (int)syscall(SYS_gettid));
}

static void *be_signalled(void *argument) {
  atomic_int *tid = argument;
  atomic_store(tid, (int)syscall(SYS_gettid));
  while (!atomic_load(&got)) usleep(200);
  return NULL;
}

static void signals_to_threads(void) {
  atomic_int tid = 0;
  pthread_t thread;
  signal(SIGUSR1, handle);
  pthread_create(&thread, NULL, be_signalled, &tid);
  while (!atomic_load(&tid)) sched_yield();
  pthread_kill(thread, SIGUSR1);
  pthread_join(thread, NULL);
  printf("handled by that thread: %d\n", got == tid);
}

static void *spin(void *argument) {
  while (1) pthread_testcancel();
  return argument;
}

static void *end_all(void *argument) {
  usleep(1000);
  exit(*(int *)argument);
}

static void ending(void) {
  static int code = 42;
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    pthread_t threads[3];
    for (int i = 0; i < 3; i++) pthread_create(&threads[i], NULL, i == 2 ? end_all : spin, &code);
    pthread_join(threads[0], NULL);
  }
  int status;
  waitpid(child, &status, 0);
  printf("a thread ended all: %d\n", WEXITSTATUS(status));
  child = fork();
  if (child == 0) {
    pthread_t thread;
    pthread_create(&thread, NULL, end_all, &code);
    pthread_exit(NULL);
  }
  waitpid(child, &status, 0);
  printf("after the first thread: %d\n", WEXITSTATUS(status));
}

int main(void) {
  setvbuf(stdout, NULL, _IONBF, 0);
  counting();
  conditions();
  semaphores();
  cancellation();
  signals_to_threads();
  ending();
  return 0;
}
