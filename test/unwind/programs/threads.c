// A crash in a signal handler on its own stack, below raise, recursion and qsort; two other threads wait.
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

static int deep(int n) {
  volatile char room[32 + n];
  room[0] = n;
  if (n == 0) raise(SIGUSR1);
  else deep(n - 1);
  return room[0];
}

static void handler(int signal) {
  volatile int *nothing = 0;
  *nothing = signal;
}

static void *paused(void *argument) {
  pause();
  return argument;
}

static void *asleep(void *argument) {
  sleep(1000);
  return argument;
}

static int compare(const void *a, const void *b) {
  static int calls;
  if (++calls == 5) deep(6);
  return *(const int *)a - *(const int *)b;
}

int main(void) {
  pthread_t thread;
  pthread_create(&thread, 0, paused, 0);
  pthread_create(&thread, 0, asleep, 0);
  usleep(50000);
  stack_t stack = {.ss_sp = malloc(65536), .ss_size = 65536};
  sigaltstack(&stack, 0);
  struct sigaction action = {.sa_handler = handler, .sa_flags = SA_ONSTACK};
  sigaction(SIGUSR1, &action, 0);
  int values[] = {5, 4, 3, 2, 1, 9, 8};
  qsort(values, 7, sizeof values[0], compare);
  return 0;
}
