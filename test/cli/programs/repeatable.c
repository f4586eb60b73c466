/* What differs from run to run: time, random numbers, how threads share the CPU. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <sys/auxv.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static volatile long turns;
static volatile int stop;

static void *count(void *arg) {
  while (!stop) turns++;
  return 0;
}

int main(void) {
  unsigned word;
  char text[8] = { 0 };
  struct timespec now;
  struct rusage usage;
  printf("%ld\n", (long)time(0));
  getrandom(&word, sizeof word, 0);
  printf("%08x %08x\n", word, *(unsigned *)getauxval(AT_RANDOM));
  pthread_t id;
  pthread_create(&id, 0, count, 0);
  for (volatile int i = 0; i < 300000; i++) { }
  usleep(3000);
  stop = 1;
  pthread_join(id, 0);
  read(0, text, 7);
  clock_gettime(CLOCK_MONOTONIC, &now);
  getrusage(RUSAGE_SELF, &usage);
  printf("%s %ld %ld.%09ld %ld %ld\n", text, turns, (long)now.tv_sec, now.tv_nsec, usage.ru_utime.tv_usec, usage.ru_nvcsw);
  return 0;
}
