/* What smaps and numa_maps say of an arena, step by step, and what clear_refs does to it: a line a
 * mapping, with the fields that are not 0. proc-memory.txt is what Linux 6.18 prints.
 * Build: cc -O1 -Wall -o proc-memory proc-memory.c */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define ARENA 0x100000000000UL
#define ARENA_END 0x100001000000UL
#define PAGE 4096UL
#define GUARD_INSTALL 102

/* One block of smaps on one line: its range in the arena, its fields, its flags. */
static void print_smaps(void) {
  FILE *file = fopen("/proc/self/smaps", "r");
  char line[4096], flags[256];
  unsigned long start = 0, from, end, value;
  while (file && fgets(line, sizeof line, file)) {
    char name[64];
    if (sscanf(line, "%lx-%lx ", &from, &end) == 2) {
      start = from;
      if (start >= ARENA && start < ARENA_END) printf("  %lx-%lx", start - ARENA, end - ARENA);
      continue;
    }
    if (start < ARENA || start >= ARENA_END) continue;
    if (sscanf(line, "VmFlags: %255[^\n]", flags) == 1) printf(" %s\n", flags);
    else if (sscanf(line, "%63[^:]: %lu", name, &value) == 2 && value && !strstr(name, "PageSize"))
      printf(" %s=%lu", name, value);
  }
  if (file) fclose(file);
}

static void print_numa(void) {
  FILE *file = fopen("/proc/self/numa_maps", "r");
  char line[4096];
  unsigned long start;
  while (file && fgets(line, sizeof line, file))
    if (sscanf(line, "%lx", &start) == 1 && start >= ARENA && start < ARENA_END)
      printf("  %lx%s", start - ARENA, strchr(line, ' '));
  if (file) fclose(file);
}

static void show(const char *step) {
  printf("%s\n", step);
  print_smaps();
}

static void clear_refs(const char *text) {
  int fd = open("/proc/self/clear_refs", O_WRONLY);
  long ret = write(fd, text, strlen(text));
  char step[64];
  snprintf(step, sizeof step, "clear_refs '%.*s': %s", (int)strcspn(text, "\n"), text,
           ret < 0 ? strerrorname_np(errno) : "taken");
  close(fd);
  if (ret < 0) printf("%s\n", step);
  else show(step);
}

static char *map(uint64_t at, size_t length, int prot, int flags, int fd) {
  return mmap((void *)at, length, prot, flags | MAP_FIXED, fd, 0);
}

int main(void) {
  setvbuf(stdout, NULL, _IOFBF, 1 << 16);
  prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
  volatile char *anon = map(ARENA, 64 * PAGE, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1);
  int fd = memfd_create("a b=c", 0);
  if (ftruncate(fd, 16 * PAGE)) return 1;
  volatile char *shared = map(ARENA + 0x400000, 4 * PAGE, 3, MAP_SHARED, fd);
  volatile char *private = map(ARENA + 0x600000, 4 * PAGE, 3, MAP_PRIVATE, fd);
  volatile char *zero = map(ARENA + 0x800000, 4 * PAGE, 3, MAP_SHARED | MAP_ANONYMOUS, -1);
  for (int i = 0; i < 6; i++) anon[i * PAGE] = 1;
  shared[0] = shared[PAGE] = zero[0] = 1;
  (void)private[0];
  private[2 * PAGE] = 1;
  show("touched");
  print_numa();
  clear_refs("1");
  clear_refs(" 4 \n");
  /* A CPU need not notice that it should mark a page again before its translations are gone. */
  if (mprotect((void *)anon, 64 * PAGE, 1) || mprotect((void *)anon, 64 * PAGE, 3)) return 1;
  if (mprotect((void *)shared, 4 * PAGE, 1) || mprotect((void *)shared, 4 * PAGE, 3)) return 1;
  anon[0] = 2;
  shared[0] = 2;
  show("used again");
  clear_refs("2");
  clear_refs("3");
  clear_refs("5");
  clear_refs("6");
  clear_refs("1x");
  clear_refs("99999999999");
  fflush(stdout);
  if (fork() == 0) {
    show("a child");
    print_numa();
    anon[0] = 3;
    show("a child that stores");
    fflush(stdout);
    _exit(0);
  }
  wait(NULL);
  show("without the child");
  anon[0] = anon[PAGE] = 4;
  if (mlock((void *)anon, 2 * PAGE)) return 1;
  if (mprotect((void *)(anon + 4 * PAGE), PAGE, 0)) return 1;
  show("locked and protected");
  if (madvise((void *)(private + 3 * PAGE), PAGE, GUARD_INSTALL)) return 1;
  if (madvise((void *)(anon + 32 * PAGE), PAGE, MADV_MERGEABLE)) return 1;
  if (madvise((void *)(anon + 40 * PAGE), PAGE, MADV_DONTDUMP)) return 1;
  show("advised");
  return 0;
}
