// Mutexes with priority inheritance: threads that want one, and a handler that comes meanwhile.
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static volatile int stage;
static pthread_mutex_t mutex;
static long total;
static void *counts(void *argument) {
  for (int i = 0; i < 200; i++) {
    pthread_mutex_lock(&mutex);
    long before = total;
    if (i % 16 == 0) sched_yield();
    total = before + 1;
    pthread_mutex_unlock(&mutex);
  }
  return argument;
}

static void on_signal(int signal) { stage = signal; }
static void *is_interrupted(void *argument) {
  int error = pthread_mutex_lock(&mutex);
  printf("lock after a handler: %s, handler %d\n", strerror(error), stage == SIGUSR1);
  pthread_mutex_unlock(&mutex);
  return argument;
}

static void mutexes(void) {
  pthread_t threads[4];
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_INHERIT);
  pthread_mutex_init(&mutex, &attributes);
  for (int i = 0; i < 4; i++) pthread_create(&threads[i], NULL, counts, NULL);
  for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
  printf("counted %ld\n", total);
  signal(SIGUSR1, on_signal);
  struct sigaction action = {0};
  action.sa_handler = on_signal;
  sigaction(SIGUSR1, &action, NULL);
  pthread_mutex_lock(&mutex);
  stage = 0;
  pthread_create(&threads[0], NULL, is_interrupted, NULL);
  usleep(20000);
  pthread_kill(threads[0], SIGUSR1);
  while (stage != SIGUSR1) usleep(1000);
  pthread_mutex_unlock(&mutex);
  pthread_join(threads[0], NULL);
}

int main(void) {
  setvbuf(stdout, NULL, _IONBF, 0);
  mutexes();
}
