// What calls that split, add or move mappings answer when vm.max_map_count is near. One line a call;
// for each number of mappings still allowed (-1: one too many) its result, and by how much the count
// of mappings then differs.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define P 4096ul
#define A ((char *)0x100000000000)
#define SHARED (A + (1ul << 30))
#define STACK (A + (2ul << 30))
#define FAR (A + (1ul << 39))
#define FILL (A + (1ul << 40))
#define FIXED (MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED)
#define RW (PROT_READ | PROT_WRITE)
#define MSEAL 462
#define LEAST (-1)
#define MOST 6

#define QUERY 0xc0686611
#define COVERING_OR_NEXT 0x10

// struct procmap_query of newer headers.
struct query {
  uint64_t size, flags, addr, start, end, vma_flags, page_size, offset, inode;
  uint32_t major, minor, name_size, build_id_size;
  uint64_t name, build_id;
};

static long limit, fillers;
static int maps_fd, segment;
static char *heap;

static void need(int fine, const char *what) {
  if (fine) return;
  perror(what);
  exit(1);
}

// Mappings that begin at `from` or above, and below `to`.
static long count(char *from, char *to) {
  long found = 0;
  struct query query;

  for (uint64_t at = (uint64_t)from; at < (uint64_t)to; at = query.end) {
    query = (struct query){.size = sizeof query, .flags = COVERING_OR_NEXT, .addr = at};
    if (ioctl(maps_fd, QUERY, &query) || query.start >= (uint64_t)to) break;
    found++;
  }
  return found;
}

static long count_others(void) {
  return count(0, FILL) + count(FILL + (1ul << 40), (char *)0x7ffffffff000);
}

static void arrange(void) {
  brk(heap);
  munmap(A, FILL - A);
  need(mmap(A, 16 * P, RW, FIXED, -1, 0) == A, "mmap");
  memset(A, 1, 2 * P);
  need(mmap(SHARED, 8 * P, RW, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == SHARED, "mmap");
  need(mmap(A + 16 * P, P, PROT_READ, FIXED, -1, 0) == A + 16 * P, "mmap");
  need(mmap(STACK, P, RW, FIXED | MAP_GROWSDOWN, -1, 0) == STACK, "mmap");
}

static void fill(long wanted) {
  for (; fillers < wanted; fillers++)
    need(mmap(FILL + 2 * fillers * P, P, PROT_READ, FIXED, -1, 0) != MAP_FAILED, "filling");
  for (; fillers > wanted; fillers--)
    munmap(FILL + 2 * (fillers - 1) * P, P);
}

static long map(char *addr, unsigned long length, int prot, int flags) {
  return mmap(addr, length, prot, flags, -1, 0) == MAP_FAILED ? -1 : 0;
}

static long remap(char *from, unsigned long old, unsigned long new, int flags, char *to) {
  return mremap(from, old, new, flags, to) == MAP_FAILED ? -1 : 0;
}

static long child(void) {
  pid_t pid = fork();

  if (pid == 0) _exit(0);
  if (pid > 0) waitpid(pid, NULL, 0);
  return pid < 0 ? -1 : 0;
}

#define CALLS(X) \
  X("mmap apart", map(FAR, P, RW, FIXED)) \
  X("mmap that merges", map(A + 17 * P, P, PROT_READ, FIXED)) \
  X("mmap over the middle", map(A + 5 * P, P, PROT_READ, FIXED)) \
  X("mmap over the start", map(A, P, PROT_READ, FIXED)) \
  X("mmap over all of it", map(A, 16 * P, PROT_READ, FIXED)) \
  X("mmap of shared memory", map(FAR, P, RW, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED)) \
  X("mmap with POPULATE", map(FAR, P, RW, FIXED | MAP_POPULATE)) \
  X("munmap of the middle", munmap(A + 5 * P, P)) \
  X("munmap of the start", munmap(A, P)) \
  X("munmap of all", munmap(A, 16 * P)) \
  X("munmap of nothing", munmap(FAR, P)) \
  X("mprotect of the middle", mprotect(A + 5 * P, P, PROT_READ)) \
  X("mprotect of the start", mprotect(A, P, PROT_READ)) \
  X("mprotect of all", mprotect(A, 16 * P, PROT_READ)) \
  X("pkey_mprotect of the middle", syscall(SYS_pkey_mprotect, A + 5 * P, P, PROT_READ, -1)) \
  X("madvise DONTFORK of the middle", madvise(A + 5 * P, P, MADV_DONTFORK)) \
  X("madvise DONTFORK of the start", madvise(A, P, MADV_DONTFORK)) \
  X("madvise SEQUENTIAL of the middle", madvise(A + 5 * P, P, MADV_SEQUENTIAL)) \
  X("madvise WIPEONFORK of the middle", madvise(A + 5 * P, P, MADV_WIPEONFORK)) \
  X("madvise DONTDUMP of the end", madvise(A + 15 * P, P, MADV_DONTDUMP)) \
  X("madvise DONTNEED of the middle", madvise(A + 5 * P, P, MADV_DONTNEED)) \
  X("madvise FREE of the middle", madvise(A + 5 * P, P, MADV_FREE)) \
  X("madvise GUARD_INSTALL of the middle", madvise(A + 5 * P, P, 102)) \
  X("mlock of the middle", mlock(A + 5 * P, P)) \
  X("mlock of the start", mlock(A, P)) \
  X("mlock of all", mlock(A, 16 * P)) \
  X("mlock2 with ONFAULT of the middle", mlock2(A + 5 * P, P, MLOCK_ONFAULT)) \
  X("mremap that shrinks", remap(A, 16 * P, 4 * P, 0, 0)) \
  X("mremap that shrinks the middle", remap(A + 4 * P, 4 * P, 2 * P, 0, 0)) \
  X("mremap that grows in place", remap(A + 16 * P, P, 3 * P, 0, 0)) \
  X("mremap that moves to grow", remap(A, 2 * P, 3 * P, MREMAP_MAYMOVE, 0)) \
  X("mremap of all to a place", remap(A, 16 * P, 16 * P, MREMAP_MAYMOVE | MREMAP_FIXED, FAR)) \
  X("mremap of the middle to a place", \
    remap(A + 5 * P, P, P, MREMAP_MAYMOVE | MREMAP_FIXED, FAR)) \
  X("mremap of two mappings", \
    remap(A, 17 * P, 17 * P, MREMAP_MAYMOVE | MREMAP_FIXED, FAR)) \
  X("mremap that duplicates", remap(SHARED, 0, 8 * P, MREMAP_MAYMOVE | MREMAP_FIXED, FAR)) \
  X("mremap with DONTUNMAP", \
    remap(A, 16 * P, 16 * P, MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP, FAR)) \
  X("mremap of the middle with DONTUNMAP", \
    remap(A + 5 * P, P, P, MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP, FAR)) \
  X("brk that makes the heap", syscall(SYS_brk, heap + P) == (long)(heap + P) ? 0 : -1) \
  X("remap_file_pages", remap_file_pages(SHARED + 2 * P, P, 0, 5, 0)) \
  X("shmat", shmat(segment, FAR, 0) == (void *)-1 ? -1 : 0) \
  X("a store that grows a stack", (*(volatile char *)(STACK - 1) = 1, 0)) \
  X("fork", child()) \
  X("mseal of the middle", syscall(MSEAL, A + 5 * P, P, 0)) \
  X("mseal of the start", syscall(MSEAL, A, P, 0))

static void show(long result, long change) {
  printf(" %s%+ld", result == 0 ? "ok" : errno ? strerrorname_np(errno) : "fails", change);
}

// What is sealed stays: such calls are made by a child.
#define TRY(NAME, CALL) \
  printf("%s:", NAME); \
  for (long room = LEAST; room <= MOST; room++) { \
    arrange(); \
    long others = count_others(); \
    fill(limit - room - others); \
    fflush(stdout); \
    int apart = strncmp(NAME, "mseal", 5) == 0; \
    pid_t pid = apart ? fork() : 0; \
    if (pid == 0) { \
      if (apart) maps_fd = open("/proc/self/maps", O_RDONLY); \
      errno = 0; \
      long result = CALL; \
      int error = errno; \
      long change = count_others() - others; \
      errno = error; \
      show(result, change); \
      fflush(stdout); \
      if (apart) _exit(0); \
    } else { \
      waitpid(pid, NULL, 0); \
    } \
  } \
  printf("\n");

int main(void) {
  static char buffer[4096];
  char number[32] = "";
  int file = open("/proc/sys/vm/max_map_count", O_RDONLY);

  need(read(file, number, sizeof number - 1) > 0, "max_map_count");
  limit = atol(number);
  need((maps_fd = open("/proc/self/maps", O_RDONLY)) >= 0, "maps");
  need((segment = shmget(IPC_PRIVATE, P, 0600)) >= 0, "shmget");
  // Nothing else makes a heap: the library writes to a buffer of ours.
  setvbuf(stdout, buffer, _IOFBF, sizeof buffer);
  heap = sbrk(0);
  printf("mappings still allowed: -1 to 6\n");
  CALLS(TRY)
  shmctl(segment, IPC_RMID, NULL);
  return 0;
}
