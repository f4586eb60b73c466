/* What PROCMAP_QUERY answers about an arena and about a program with a build id: a line a question.
 * procmap-query.txt is what Linux 6.18 says.
 * Build: cc -O1 -Wall -Wl,--build-id=0x0123456789abcdef -o procmap-query procmap-query.c */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define ARENA 0x100000000000UL
#define PAGE 4096UL
#define QUERY 0xc0686611UL

struct query {
  uint64_t size, flags, addr, start, end, vma_flags, page_size, offset, inode;
  uint32_t major, minor, name_size, id_size;
  uint64_t name, id;
};

static int maps;
static char name[4097];
static unsigned char id[64];

static void print_answer(const struct query *q) {
  if (q->end == 0) return;
  printf(" %lx-%lx flags %lx page %lu offset %lx", q->start - ARENA, q->end - ARENA, q->vma_flags,
         q->page_size, q->offset);
  printf("%s", q->inode ? " inode" : "");
  if (q->name_size) {
    printf(" name %u ", q->name_size);
    for (char *c = name; *c; c++) printf(*c == '\n' ? "<newline>" : "%c", *c);
  }
  if (q->id_size) printf(" id ");
  for (uint32_t i = 0; i < q->id_size; i++) printf("%02x", id[i]);
}

static void ask(const char *label, int fd, struct query q) {
  int failed = ioctl(fd, QUERY, &q);
  printf("%s:", label);
  if (failed) printf(" %s", strerrorname_np(errno));
  else print_answer(&q);
  printf("\n");
}

static struct query about(uint64_t addr) {
  memset(name, 0, sizeof name);
  memset(id, 0xff, sizeof id);
  return (struct query){.size = sizeof(struct query), .addr = addr, .name_size = 4096,
                        .name = (uintptr_t)name};
}

#define ASK(label, at, ...)       \
  do {                            \
    struct query q = about(at);   \
    __VA_ARGS__;                  \
    ask(label, maps, q);          \
  } while (0)
#define WITH_ID (q.id = (uintptr_t)id, q.id_size = 20)

int main(void) {
  int fd = memfd_create("my\nfd", 0);
  if (ftruncate(fd, 16 * PAGE)) return 1;
  mmap((void *)ARENA, PAGE, 3, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  mmap((void *)(ARENA + 0x10000), PAGE, 1, MAP_SHARED | MAP_FIXED, fd, PAGE);
  mmap((void *)(ARENA + 0x20000), PAGE, 5, MAP_PRIVATE | MAP_FIXED, fd, 2 * PAGE);
  int self = open("/proc/self/exe", O_RDONLY);
  mmap((void *)(ARENA + 0x30000), PAGE, 1, MAP_PRIVATE | MAP_FIXED, self, 0);
  mmap((void *)(ARENA + 0x40000), PAGE, 1, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  maps = open("/proc/self/maps", O_RDONLY);
  ASK("anonymous", ARENA);
  ASK("its last byte", ARENA + PAGE - 1);
  ASK("behind it", ARENA + PAGE);
  ASK("behind it, or what follows", ARENA + PAGE, q.flags = 0x10);
  ASK("a shared file", ARENA + 0x10000);
  ASK("a shared file without a name", ARENA + 0x10000, q.name = q.name_size = 0);
  ASK("a private file", ARENA + 0x20000);
  ASK("what may be executed from here", ARENA, q.flags = 0x14);
  ASK("what is shared from here", ARENA, q.flags = 0x18);
  ASK("what is of a file from here", ARENA, q.flags = 0x30);
  ASK("what may be written here", ARENA, q.flags = 2);
  ASK("what may be executed here", ARENA, q.flags = 4);
  ASK("a build id", ARENA + 0x30000, WITH_ID; q.name = q.name_size = 0);
  ASK("a build id of what is no program", ARENA + 0x10000, WITH_ID);
  ASK("a build id of no file", ARENA, WITH_ID);
  ASK("no room for the build id", ARENA + 0x30000, WITH_ID; q.id_size = 7);
  ASK("no room for the name", ARENA + 0x10000, q.name_size = 10);
  ASK("just room for the name", ARENA + 0x10000, q.name_size = 23);
  ASK("half a place for the name", ARENA, q.name = 0);
  ASK("half a place for the build id", ARENA, q.id_size = 20);
  ASK("a name at a hole", ARENA + 0x10000, q.name = 8);
  ASK("an unknown flag", ARENA, q.flags = 0x40);
  ASK("too small", ARENA, q.size = 23);
  ASK("the least", ARENA, q.size = 24; q.name = q.name_size = 0);
  ASK("too large", ARENA, q.size = PAGE + 1);
  ASK("an address beyond", 1UL << 63, q.flags = 0x10);
  maps = open("/proc/self/smaps", O_RDONLY);
  ASK("of smaps", ARENA);
  return 0;
}
