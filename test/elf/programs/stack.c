// Crashes three calls deep, in one of several threads, with something on the heap, in data and on stacks.
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

char label[] = "in the data";
char *note;

__attribute__((noinline)) int leaf(int *where) {
  *where = 1;
  return note[0];
}

__attribute__((noinline)) int middle(int *where) { return leaf(where) + 1; }

static void *rest(void *arg) {
  pause();
  return arg;
}

int main(void) {
  pthread_t thread;
  note = strcpy(malloc(100), "on the heap");
  for (int i = 0; i < 2; i++) pthread_create(&thread, NULL, rest, NULL);
  usleep(50000);
  return middle((int *)0x1234) + label[0];
}
