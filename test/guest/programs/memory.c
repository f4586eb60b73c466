/* Mappings as programs use them: protections, growth, files, sharing, what fork copies. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long futex(atomic_int *word, int op, int value, void *timeout, atomic_int *other, int third) {
  return syscall(SYS_futex, word, op, value, timeout, other, third);
}

static void heap(void) {
  char *start = sbrk(0);
  int same = sbrk(100000) == start;
  printf("brk: %d %d\n", same, (char *)sbrk(0) - start == 100000);
  memset(start, 7, 100000);
  sbrk(-100000);
  printf("back: %d\n", sbrk(0) == start);
  unsigned char *many[200];
  for (int i = 0; i < 200; i++) memset(many[i] = malloc(1000 * i + 1), i, 1000 * i + 1);
  long sum = 0;
  for (int i = 0; i < 200; i++) sum += many[i][500 * i], free(many[i]);
  printf("malloc: %ld\n", sum);
}

static void moves(void) {
  char *at = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  strcpy(at + 5000, "moved");
  char *to = mremap(at, 8192, 1 << 20, MREMAP_MAYMOVE);
  printf("mremap: %s %d\n", to + 5000, to[1 << 19]);
  madvise(to, 8192, MADV_DONTNEED);
  printf("given back: %d\n", to[5000]);
  int first = munmap(to, 1 << 20);
  printf("unmapped: %d, again %d\n", first, munmap(to, 1 << 20));
  int error = mprotect((void *)4096, 4096, PROT_READ);
  printf("mprotect of nothing: %d %s\n", error, strerror(errno));
}

static void files(void) {
  int fd = memfd_create("file", 0);
  ftruncate(fd, 10000);
  pwrite(fd, "in the file", 12, 4096);
  char *shared = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  char *private = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
  printf("%s, %s\n", shared + 4096, private + 4096);
  strcpy(private + 4096, "mine");
  strcpy(shared + 4096, "ours");
  char text[16] = "";
  pread(fd, text, 5, 4096);
  printf("%s, %s, %s\n", shared + 4096, private + 4096, text);
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    strcpy(shared + 4096, "child");
    strcpy(private + 4096, "child");
    _exit(0);
  }
  waitpid(child, NULL, 0);
  printf("%s, %s\n", shared + 4096, private + 4096);
}

static void words(void) {
  atomic_int *word =
      mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  struct timespec soon = {0, 2000000};
  long result = futex(word, FUTEX_WAIT, 1, NULL, NULL, 0);
  printf("other value: %ld %s\n", result, strerror(errno));
  result = futex(word, FUTEX_WAIT, 0, &soon, NULL, 0);
  printf("in time: %ld %s\n", result, strerror(errno));
  result = futex((atomic_int *)((char *)word + 2), FUTEX_WAIT, 0, &soon, NULL, 0);
  printf("not aligned: %ld %s\n", result, strerror(errno));
  result = futex(word, FUTEX_WAIT_BITSET, 0, &soon, NULL, 0);
  printf("no bits: %ld %s\n", result, strerror(errno));
  result = futex(word, 77, 0, &soon, NULL, 0);
  printf("no operation: %ld %s\n", result, strerror(errno));
  fflush(stdout);
  for (int i = 0; i < 4; i++)
    if (fork() == 0) {
      atomic_fetch_add(&word[8], 1);
      while (atomic_load(&word[0]) == 0) futex(&word[0], FUTEX_WAIT, 0, NULL, NULL, 0);
      _exit(0);
    }
  while (atomic_load(&word[8]) < 4) usleep(200);
  usleep(20000);
  result = futex(&word[0], FUTEX_CMP_REQUEUE, 1, (void *)2, &word[1], 0);
  printf("woken and moved: %ld\n", result);
  atomic_store(&word[0], 1);
  result = futex(&word[1], FUTEX_WAKE, 10, NULL, NULL, 0);
  printf("woken there: %ld\n", result);
  futex(&word[0], FUTEX_WAKE, 10, NULL, NULL, 0);
  int reaped = 0;
  while (wait(NULL) > 0) reaped++;
  printf("reaped %d\n", reaped);
  atomic_store(&word[2], 5);
  result = futex(&word[0], FUTEX_WAKE_OP, 1, (void *)1, &word[2],
                 FUTEX_OP(FUTEX_OP_ADD, 3, FUTEX_OP_CMP_GT, 4));
  printf("wake op: %ld, then %d\n", result, atomic_load(&word[2]));
}

static void limits(void) {
  struct rlimit limit = {64 << 20, 64 << 20};
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    setrlimit(RLIMIT_AS, &limit);
    void *big = mmap(NULL, 1l << 30, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    printf("beyond the limit: %d %s\n", big == MAP_FAILED, strerror(errno));
    fflush(stdout);
    _exit(malloc(200 << 20) == NULL);
  }
  int status;
  waitpid(child, &status, 0);
  printf("malloc refuses: %d\n", WEXITSTATUS(status));
}

int main(void) {
  setvbuf(stdout, NULL, _IONBF, 0);
  heap();
  moves();
  files();
  words();
  limits();
  return 0;
}
