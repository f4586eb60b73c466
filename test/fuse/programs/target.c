// A process to look at from outside: named functions on its stack, a secret in its memory, a second
// thread. It prints the addresses of the functions and of the secret, and waits to be copied.
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { SIZE = 4 << 20 };

static volatile int sink;

__attribute__((noinline)) static void *worker(void *arg) {
  pause();
  sink++;
  return arg;
}

__attribute__((noinline)) void leaf(void) {
  pause();
  sink++;
}

__attribute__((noinline)) void mid(void) {
  leaf();
  sink++;
}

int main(void) {
  // Between two pages that nobody may touch, so that it is a mapping of its own.
  char *fence = mmap(NULL, SIZE + 8192, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  char *secret = fence + 4096;
  mprotect(secret, SIZE, PROT_READ | PROT_WRITE);
  for (int i = 0; i < SIZE; i++) secret[i] = (char)(i * 31 + (i >> 12));
  strcpy(secret, "procmem-secret-0123456789");
  pthread_t thread;
  pthread_create(&thread, NULL, worker, NULL);
  printf("leaf %p\nmid %p\nmain %p\nsecret %p\n", (void *)leaf, (void *)mid, (void *)main, secret);
  fflush(stdout);
  mid();
}
