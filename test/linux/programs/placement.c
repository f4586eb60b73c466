// Where mmap and mremap place memory that is given no place: a line for each request. An address is
// shown by how far the memory ends below the lowest mapping, and by its place within 2 MiB; with
// MAP_32BIT as it is. placement.txt is what Linux 6.18 says.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <unistd.h>

#define P 4096ul
#define MIB (1ul << 20)
#define HUGE (2 * MIB)
#define RW (PROT_READ | PROT_WRITE)
#define PRIVATE (MAP_PRIVATE | MAP_ANONYMOUS)
#define SHARED (MAP_SHARED | MAP_ANONYMOUS)

// The lowest mapping: what comes next ends here. It begins at 0x5000 within 2 MiB.
static char *lowest;

static char *reserve(size_t length) {
  char *at = mmap(0, length, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);

  if (at == MAP_FAILED) exit(1);
  return at;
}

// Fills every hole above, the larger ones first, and then goes down to the wanted place.
static void fill_holes(void) {
  lowest = reserve(1ul << 36);
  for (size_t size = 1ul << 35; size >= P; size /= 2) {
    // Whole units of 2 MiB would be aligned, and leave holes.
    size_t odd = size >= HUGE ? size + P : size;
    char *at = reserve(odd);
    while (at > lowest) at = reserve(odd);
    lowest = at;
  }
  size_t rest = ((size_t)lowest - 0x5000) % HUGE + HUGE;
  lowest = mmap(lowest - rest, rest, PROT_NONE, PRIVATE | MAP_FIXED_NOREPLACE, -1, 0);
  if (lowest == MAP_FAILED) exit(1);
}

static void show(const char *name, size_t length, char *at) {
  printf("%s, %lx: ", name, length);
  if (at == MAP_FAILED) {
    printf("%s\n", strerrorname_np(errno));
    return;
  }
  if (at < (char *)(1ul << 32)) printf("at %lx\n", (size_t)at);
  else printf("%ld below, %lx within\n", (long)(lowest - at - length), (size_t)at % HUGE);
  munmap(at, length);
}

static void try(const char *name, size_t length, int flags, int fd, off_t offset, void *hint) {
  show(name, length, mmap(hint, length, RW, flags, fd, offset));
}

// Memory of `old` bytes, `within` 2 MiB at its place, that has to move to grow.
static void grow(const char *name, size_t old, size_t length, size_t within) {
  char *from = (char *)0x100000000000 + within;

  mmap(from, old, RW, PRIVATE | MAP_FIXED, -1, 0);
  mmap(from + old, P, PROT_NONE, PRIVATE | MAP_FIXED, -1, 0);
  char *to = mremap(from, old, length, MREMAP_MAYMOVE);
  show(name, length, to);
  munmap(from + old, P);
}

int main(int argc, char **argv) {
  static const size_t lengths[] = {P, MIB, HUGE, HUGE + P, 3 * MIB, 2 * HUGE, 3 * HUGE + P};
  static char buffer[1 << 16];

  (void)argc;
  if (!(personality(0xffffffff) & ADDR_NO_RANDOMIZE)) {
    personality(ADDR_NO_RANDOMIZE);
    execv("/proc/self/exe", argv);
    return 1;
  }
  setvbuf(stdout, buffer, _IOFBF, sizeof buffer);
  int zero = open("/dev/zero", O_RDWR);
  int memfd = memfd_create("x", 0);
  if (zero < 0 || memfd < 0) return 1;
  fill_holes();
  for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
    size_t length = lengths[i];
    try("private", length, PRIVATE, -1, 0, 0);
    try("private at an offset", length, PRIVATE, -1, P, 0);
    try("private with a hint that is taken", length, PRIVATE, -1, 0, lowest);
    try("stack", length, PRIVATE | MAP_STACK, -1, 0, 0);
    try("shared", length, SHARED, -1, 0, 0);
    try("a memfd, shared", length, MAP_SHARED, memfd, 0, 0);
    try("a memfd, private", length, MAP_PRIVATE, memfd, 0, 0);
    try("zeros, private", length, MAP_PRIVATE, zero, 0, 0);
    try("zeros, private, at 4096", length, MAP_PRIVATE, zero, P, 0);
    try("zeros, private, at 1 MiB", length, MAP_PRIVATE, zero, MIB, 0);
    try("zeros, private, with a hint that is taken", length, MAP_PRIVATE, zero, 0, lowest);
    try("zeros, private, with a hint", length, MAP_PRIVATE, zero, 0, (void *)0x30000000);
    try("zeros, shared", length, MAP_SHARED, zero, 0, 0);
    try("below 2 GiB", length, PRIVATE | MAP_32BIT, -1, 0, 0);
    try("below 2 GiB, with a hint", length, PRIVATE | MAP_32BIT, -1, 0, (void *)0x20000000);
    try("below 2 GiB, with a hint above", length, PRIVATE | MAP_32BIT, -1, 0, lowest - MIB);
    try("below 2 GiB, shared", length, SHARED | MAP_32BIT, -1, 0, 0);
    try("below 2 GiB, zeros", length, MAP_PRIVATE | MAP_32BIT, zero, 0, 0);
    if (length == P) continue;
    grow("grown from an aligned place", P, length, 0);
    grow("grown from elsewhere", P, length, 0x3000);
  }
  try("all below 2 GiB", 1ul << 30, PRIVATE | MAP_32BIT | MAP_NORESERVE, -1, 0, 0);
  try("more than is below 2 GiB", (1ul << 30) + P, PRIVATE | MAP_32BIT | MAP_NORESERVE, -1, 0, 0);
  mmap((void *)0x40001000, P, RW, PRIVATE | MAP_FIXED, -1, 0);
  mmap((void *)0x40300000, P, RW, PRIVATE | MAP_FIXED | MAP_GROWSDOWN, -1, 0);
  try("below 2 GiB, before the first", P, PRIVATE | MAP_32BIT, -1, 0, 0);
  try("below 2 GiB, behind the first", 2 * P, PRIVATE | MAP_32BIT, -1, 0, 0);
  try("below 2 GiB, up to the guard gap", 510 * P, PRIVATE | MAP_32BIT, -1, 0, 0);
  try("below 2 GiB, behind the stack", 600 * P, PRIVATE | MAP_32BIT, -1, 0, 0);
  return 0;
}
