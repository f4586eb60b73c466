/* What PAGEMAP_SCAN answers about an arena: a line a question. pagemap-scan.txt is what Linux 6.18 says.
 * Build: cc -O1 -Wall -o pagemap-scan pagemap-scan.c */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#define ARENA 0x100000000000UL
#define END (ARENA + 0x1000000)
#define PAGE 4096UL
#define SCAN 0xc0606610UL
#define GUARD_INSTALL 102

struct scan {
  uint64_t size, flags, start, end, walk_end, vec, vec_len, max_pages, inverted, mask, anyof, ret;
};
struct region {
  uint64_t start, end, categories;
};

static int pagemap;
static struct region found[2000];

static void ask(const char *name, struct scan scan) {
  long ret = ioctl(pagemap, SCAN, &scan);
  printf("%s:", name);
  if (ret < 0) printf(" %s", strerrorname_np(errno));
  else printf(" %ld", ret);
  if (scan.walk_end) printf(" to %lx", scan.walk_end - ARENA);
  for (long i = 0; i < ret && i < 10; i++)
    printf(" %lx-%lx=%lx", found[i].start - ARENA, found[i].end - ARENA, found[i].categories);
  printf("\n");
}

/* A question about everything in the arena, with room for `len` answers. */
static struct scan about(uint64_t len) {
  memset(found, 0, sizeof found);
  return (struct scan){.size = sizeof(struct scan), .start = ARENA, .end = END,
                       .vec = (uintptr_t)found, .vec_len = len, .ret = 0x1ff};
}

#define ASK(name, len, ...)      \
  do {                           \
    struct scan s = about(len);  \
    __VA_ARGS__;                 \
    ask(name, s);                \
  } while (0)

static char *map(uint64_t at, size_t length, int flags, int fd) {
  return mmap((void *)at, length, PROT_READ | PROT_WRITE, flags | MAP_FIXED, fd, 0);
}

static void build(void) {
  prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
  volatile char *anon = map(ARENA, 0x400000, MAP_PRIVATE | MAP_ANONYMOUS, -1);
  anon[0] = anon[PAGE] = anon[3 * PAGE] = anon[5 * PAGE] = 1;
  madvise((void *)(anon + 6 * PAGE), 2 * PAGE, GUARD_INSTALL);
  int fd = memfd_create("scan", 0);
  if (ftruncate(fd, 16 * PAGE)) return;
  volatile char *shared = map(ARENA + 0x400000, 4 * PAGE, MAP_SHARED, fd);
  shared[0] = shared[PAGE] = 1;
  volatile char *private = map(ARENA + 0x600000, 4 * PAGE, MAP_PRIVATE, fd);
  (void)private[0];
  private[PAGE] = 1;
  volatile char *many = map(ARENA + 0xa00000, 0x600000, MAP_PRIVATE | MAP_ANONYMOUS, -1);
  for (int i = 0; i < 600; i++) many[i * 2 * PAGE] = 1;
}

int main(void) {
  build();
  pagemap = open("/proc/self/pagemap", O_RDONLY);
  ASK("everything", 100, s.end = ARENA + 0x800000);
  ASK("written", 100, s.mask = 2; s.end = ARENA + 0x800000);
  ASK("written, and nothing else shown", 100, s.mask = s.ret = 2; s.end = ARENA + 0x800000);
  ASK("present", 100, s.mask = 8; s.end = ARENA + 0x800000);
  ASK("of files", 100, s.mask = 4);
  ASK("of files or swapped", 100, s.anyof = 0x14);
  ASK("guard pages", 100, s.mask = 0x100);
  ASK("write-protectable", 100, s.mask = 1);
  ASK("not present", 100, s.mask = s.inverted = 8; s.end = ARENA + 0xa00000);
  ASK("not present, three pages", 100, s.mask = s.inverted = 8; s.max_pages = 3);
  ASK("present, three pages", 100, s.mask = 8; s.max_pages = 3);
  ASK("present, room for two", 2, s.mask = 8);
  ASK("present, no room", 0, s.mask = 8);
  ASK("present, no place", 0, s.mask = 8; s.vec = 0);
  ASK("present, and only that shown", 100, s.mask = s.ret = 8; s.end = ARENA + 0x800000);
  ASK("present, and nothing shown", 100, s.mask = 8; s.ret = 0; s.end = ARENA + 0x800000);
  ASK("to write-protect", 100, s.mask = 8; s.flags = 1);
  ASK("where a userfaultfd answers", 100, s.mask = 8; s.flags = 2);
  ASK("the same where nothing is", 100, s.flags = 2; s.start = ARENA + 0x900000;
      s.end = s.start + PAGE);
  ASK("nothing", 100, s.end = s.start);
  ASK("to an unaligned end", 100, s.mask = 8; s.end = ARENA + 1);
  ASK("600 ranges", 2000, s.mask = 8; s.start = ARENA + 0xa00000);
  ASK("600 ranges, room for 550", 550, s.mask = 8; s.start = ARENA + 0xa00000);
  ASK("600 ranges, 530 pages", 2000, s.mask = 8; s.start = ARENA + 0xa00000; s.max_pages = 530);
  ASK("an unknown flag", 100, s.flags = 4);
  ASK("an unknown category", 100, s.mask = 0x200);
  ASK("an unknown category to show", 100, s.ret = 0x200);
  ASK("a smaller structure", 100, s.size = 88);
  ASK("a larger structure", 100, s.size = 104);
  ASK("an unaligned start", 100, s.start++);
  ASK("an end before the start", 100, s.end = s.start - PAGE);
  ASK("an end beyond user memory", 100, s.end = 0x7ffffffff001);
  ASK("answers nowhere", 5, s.vec = 0);
  ASK("answers at a hole", 5, s.vec = 8; s.mask = 8);
  ASK("answers in the kernel", 5, s.vec = 1UL << 63);
  ASK("more answers than memory", 1UL << 60, s.mask = 0x100);
  printf("no structure: %s\n", ioctl(pagemap, SCAN, 0) ? strerrorname_np(errno) : "0");
  printf("another command: %s\n", ioctl(pagemap, SCAN + 2, 0) ? strerrorname_np(errno) : "0");
  return 0;
}
