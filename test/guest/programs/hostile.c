/* Programs that mean harm: each takes all it can get, and says what it was given. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static void loop(void) {
  while (1) asm volatile("");
}

static void fork_bomb(void) {
  while (1) fork();
}

/** As many children as it may have. */
static void many(void) {
  struct rlimit limit = {50, 50};
  setrlimit(RLIMIT_NPROC, &limit);
  setuid(1000);
  int children = 0;
  while (1) {
    pid_t child = fork();
    if (child == 0) {
      pause();
      _exit(0);
    }
    if (child < 0) break;
    children++;
  }
  printf("%d children, then %s\n", children, strerror(errno));
  kill(0, SIGKILL);
}

static void *sleep_on(void *argument) {
  pause();
  return argument;
}

static void many_threads(void) {
  pthread_attr_t small;
  pthread_attr_init(&small);
  pthread_attr_setstacksize(&small, 16384);
  pthread_t thread;
  for (int i = 0; i < 500; i++)
    if (pthread_create(&thread, &small, sleep_on, NULL) != 0) break;
  printf("threads sleep\n");
  exit(0);
}

static void map_all(void) {
  unsigned long pages = 0;
  for (size_t size = 1ul << 40; size >= 4096; size /= 2)
    while (mmap(NULL, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0) !=
           MAP_FAILED)
      pages += size / 4096;
  printf("mapped everything: %d\n", pages > 1ul << 34);
}

static void touch_all(void) {
  while (1) {
    char *at = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (at == MAP_FAILED) break;
    for (int i = 0; i < 1 << 20; i += 4096) at[i] = 1;
  }
  printf("no more\n");
}

static void descriptors(void) {
  ssize_t n = write(1000000000, "x", 1);
  printf("write: %zd %s\n", n, strerror(errno));
  int fd = dup2(1, 1000000000);
  printf("dup2: %d %s\n", fd, strerror(errno));
  int opened = 0;
  while (open("/", O_RDONLY) >= 0) opened++;
  int error = errno;
  printf("opened %d, then %s\n", opened, strerror(error));
  n = write(1, (void *)0x7000000000000000, 10);
  printf("from nowhere: %zd %s\n", n, strerror(errno));
  n = write(1, "x", SIZE_MAX);
  printf("too much: %zd %s\n", n, n < 0 ? strerror(errno) : "");
}

static void jump_away(void) {
  signal(SIGSEGV, SIG_DFL);
  ((void (*)(void))0x123456789ab0)();
}

static void break_frame(void) {
  asm volatile("mv sp, zero\n li a7, 139\n ecall");
}

int main(int argc, char **argv) {
  static const struct {
    const char *name;
    void (*run)(void);
  } modes[] = {
      {"loop", loop},           {"fork-bomb", fork_bomb}, {"many", many},
      {"threads", many_threads}, {"map-all", map_all},    {"touch-all", touch_all},
      {"fds", descriptors},     {"jump", jump_away},      {"frame", break_frame},
  };
  (void)argc;
  setvbuf(stdout, NULL, _IONBF, 0);
  for (unsigned i = 0; i < sizeof modes / sizeof *modes; i++)
    if (!strcmp(argv[1], modes[i].name)) modes[i].run();
  return 0;
}
