// Two threads, a library, known values in every kind of memory; then a crash, leaf() below middle().
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct user {
  char name[16];
  int age;
  double balance;
};

int counter = 42;
struct user users[3] = {{"ada", 36, 1.5}, {"grace", 45, 2.25}, {"linus", 21, 3.75}};
const char secret[] = "the needle in the haystack";
char *heap;

static volatile int waiting;

static void *waiter(void *argument) {
  waiting = gettid();
  pause();
  return argument;
}

__attribute__((noinline)) static int leaf(volatile int *nothing, int depth) {
  *nothing = depth;
  return depth;
}

__attribute__((noinline)) static int middle(int depth) {
  char local[32];
  strcpy(local, "on the stack");
  return leaf((volatile int *)(long)(depth - 7), depth) + local[0];
}

/** Waits until the other thread has gone to sleep, however busy the computer is. */
static void await(void) {
  char path[64], text[256] = "";
  const char *state = text;
  do {
    usleep(1000);
    snprintf(path, sizeof path, "/proc/self/task/%d/stat", waiting);
    FILE *stat = fopen(path, "r");
    if (stat == NULL) continue;
    state = fgets(text, sizeof text, stat) == NULL ? "" : strrchr(text, ')');
    fclose(stat);
  } while (state == NULL || strncmp(state, ") S", 3) != 0);
}

int main(void) {
  pthread_t thread;
  pthread_create(&thread, 0, waiter, 0);
  pthread_setname_np(thread, "waiter");
  await();
  heap = malloc(4096);
  strcpy(heap, "on the heap");
  return middle(7) + puts(heap);
}
