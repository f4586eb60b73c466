// How many page faults there are: getrusage, wait4, /proc/self/stat.
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096
#ifndef RUSAGE_THREAD
#define RUSAGE_THREAD 1
#endif

/** In memory that is here already: asking must not fault. */
static struct rusage before, after;
static char text[1024];

static void begin(void) { getrusage(RUSAGE_THREAD, &before); }
static long faults(void) {
  getrusage(RUSAGE_THREAD, &after);
  return after.ru_minflt - before.ru_minflt;
}
static void told(const char *what, long count) { printf("%s: %ld\n", what, count); }

static char *pages(int count, int flags) {
  char *all = mmap(0, (count + 1024) * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  madvise(all, (count + 1024) * PAGE, MADV_NOHUGEPAGE);
  if (flags & MAP_POPULATE) madvise(all, count * PAGE, MADV_POPULATE_WRITE);
  return all;
}
static void store(char *from, int count) {
  for (int i = 0; i < count; i++) *(volatile char *)(from + i * PAGE) = 1;
}
static void load(char *from, int count) {
  for (int i = 0; i < count; i++) (void)*(volatile char *)(from + i * PAGE);
}

static long field(const char *path, int number) {
  int fd = open(path, O_RDONLY);
  ssize_t length = read(fd, text, sizeof text - 1);
  close(fd);
  text[length] = 0;
  char *at = strrchr(text, ')') + 2;
  for (int i = 3; i < number; i++) at = strchr(at, ' ') + 1;
  return atol(at);
}

static void *thread(void *all) {
  begin();
  store(all, 30);
  told("a thread stores 30", faults());
  return 0;
}

int main(void) {
  char *all = pages(200, 0);
  char byte;
  printf("warm %ld\n", faults() * 0);
  field("/proc/self/stat", 10);
  begin();
  told("nothing", faults());
  begin();
  store(all, 100);
  told("stores 100", faults());
  begin();
  store(all, 100);
  load(all, 100);
  told("again", faults());
  begin();
  load(all + 100 * PAGE, 50);
  told("loads 50", faults());
  begin();
  store(all + 100 * PAGE, 50);
  told("stores them", faults());
  madvise(all, 100 * PAGE, MADV_DONTNEED);
  begin();
  load(all, 100);
  told("loads what was dropped", faults());
  mprotect(all, 200 * PAGE, PROT_READ);
  mprotect(all, 200 * PAGE, PROT_READ | PROT_WRITE);
  begin();
  store(all + 100 * PAGE, 50);
  told("stores after mprotect", faults());

  // The kernel's stores are faults, too.
  int zero = open("/dev/zero", O_RDONLY);
  char *more = pages(40, 0);
  begin();
  read(zero, more, 40 * PAGE);
  told("a read of 40 pages", faults());
  more = pages(40, 0);
  begin();
  madvise(more, 40 * PAGE, MADV_POPULATE_WRITE);
  told("MADV_POPULATE_WRITE of 40", faults());
  more = pages(40, 0);
  begin();
  mlock(more, 5 * PAGE);
  told("mlock of 5", faults());

  // A file in memory.
  int file = memfd_create("faults", 0);
  ftruncate(file, 64 * PAGE);
  for (int i = 0; i < 64; i++) pwrite(file, "x", 1, i * PAGE);
  char *shared = mmap(0, 64 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  begin();
  store(shared, 64);
  told("stores 64 shared", faults());
  char *private = mmap(0, 64 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0);
  begin();
  store(private, 64);
  told("stores 64 private", faults());

  // A child, on the pages of its parent.
  store(all, 100);
  fflush(stdout);
  int ends[2];
  pipe(ends);
  pid_t pid = fork();
  if (!pid) {
    static struct rusage own;
    store((char *)&own, 1);
    begin();
    store(all, 100);
    faults();
    long count = after.ru_minflt - before.ru_minflt;
    write(ends[1], &count, sizeof count);
    _exit(0);
  }
  long count;
  struct rusage usage, children;
  read(ends[0], &count, sizeof count);
  told("a child stores 100", count);
  waitpid(pid, 0, WNOWAIT);
  wait4(pid, 0, 0, &usage);
  getrusage(RUSAGE_CHILDREN, &children);
  printf("wait4 has them: %d, so do children: %d\n", usage.ru_minflt >= 100, children.ru_minflt == usage.ru_minflt);
  long told_cmin = field("/proc/self/stat", 11);
  printf("cmin_flt is that: %d\n", told_cmin == children.ru_minflt);
  begin();
  store(all, 100);
  told("the parent stores 100", faults());

  more = pages(40, 0);
  pthread_t other;
  pthread_create(&other, 0, thread, more);
  pthread_join(other, 0);
  getrusage(RUSAGE_SELF, &usage);
  getrusage(RUSAGE_THREAD, &after);
  printf("the process has more than a thread: %d\n", usage.ru_minflt >= after.ru_minflt + 30);
  long first = field("/proc/self/stat", 10), second = field("/proc/thread-self/stat", 10);
  getrusage(RUSAGE_SELF, &usage);
  printf("min_flt is that: %d, of a thread less: %d\n", first >= usage.ru_minflt - 2 && first <= usage.ru_minflt, second < first);
}
