/* What a userfaultfd tells of faults that wait, and what its files look like: a line a question.
 * userfaultfd.txt is what Linux 6.18 says. Build: cc -O1 -Wall -pthread -o userfaultfd userfaultfd.c */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define ARENA 0x100000000000UL
#define PAGE 4096UL
/* Not in the headers of older distributions. */
#define WP_UNPOPULATED 0x2000

static int uffd, memfd;
static char source[2 * PAGE] __attribute__((aligned(4096)));
static volatile long tid, value;

static const char *outcome(long ret) { return ret < 0 ? strerrorname_np(errno) : "ok"; }

static int open_with(uint64_t features, int flags) {
  int fd = syscall(SYS_userfaultfd, flags);
  struct uffdio_api api = {.api = UFFD_API, .features = features};
  ioctl(fd, UFFDIO_API, &api);
  return fd;
}

static void enrol(uint64_t mode) {
  struct uffdio_register arg = {.range = {ARENA, 4 * PAGE}, .mode = mode};
  printf("register %llx: %s", (unsigned long long)mode, outcome(ioctl(uffd, UFFDIO_REGISTER, &arg)));
  printf(" ioctls %llx\n", (unsigned long long)arg.ioctls);
}

static void protect(uint64_t at, uint64_t mode) {
  struct uffdio_writeprotect arg = {.range = {at, PAGE}, .mode = mode};
  ioctl(uffd, UFFDIO_WRITEPROTECT, &arg);
}

static void fdinfo(const char *name) {
  char path[64], text[512], *at;
  snprintf(path, sizeof path, "/proc/self/fdinfo/%d", uffd);
  int fd = open(path, O_RDONLY);
  text[read(fd, text, sizeof text - 1)] = 0;
  close(fd);
  unsigned flags;
  sscanf(strstr(text, "flags:"), "flags: %o", &flags);
  at = strstr(text, "pending:");
  for (char *p = at; *p; p++)
    if (*p == '\n' || *p == '\t') *p = ' ';
  printf("%s: flags %o %s\n", name, flags, at);
}

/* The accesses that wait, each by a thread of its own. */
static void *do_load(void *at) { tid = gettid(); value = *(volatile char *)at; return 0; }
static void *do_store(void *at) { tid = gettid(); *(volatile char *)at = 7; value = 7; return 0; }
static void *do_read(void *at) {
  tid = gettid();
  int fd = open("/proc/self/mem", O_RDONLY);
  char byte = 0;
  value = pread(fd, &byte, 1, (off_t)(uintptr_t)at) == 1 ? byte : -1;
  close(fd);
  return 0;
}
static void *do_call(void *at) { tid = gettid(); value = chdir(at) < 0 ? -errno : 0; return 0; }

static void show(const struct uffd_msg *msg) {
  uint32_t ptid = msg->arg.pagefault.feat.ptid;
  printf(" event %x flags %llx at %llx thread %s", msg->event,
         (unsigned long long)msg->arg.pagefault.flags,
         (unsigned long long)(msg->arg.pagefault.address - ARENA),
         ptid == 0 ? "none" : ptid == (uint32_t)tid ? "its" : "other");
}

static void resolve(const struct uffd_msg *msg) {
  uint64_t at = msg->arg.pagefault.address & ~(PAGE - 1), flags = msg->arg.pagefault.flags;
  if (flags & UFFD_PAGEFAULT_FLAG_WP) protect(at, 0);
  else if (flags & UFFD_PAGEFAULT_FLAG_MINOR) {
    struct uffdio_continue arg = {.range = {at, PAGE}};
    ioctl(uffd, UFFDIO_CONTINUE, &arg);
  } else {
    struct uffdio_copy arg = {.dst = at, .src = (uintptr_t)source, .len = PAGE};
    ioctl(uffd, UFFDIO_COPY, &arg);
  }
}

/* One access, every message that it makes, and what it gives once they are resolved. */
static void waits(const char *name, void *(*act)(void *), uint64_t at) {
  pthread_t thread;
  struct pollfd ready = {.fd = uffd, .events = POLLIN};
  printf("%s:", name);
  value = 0;
  pthread_create(&thread, 0, act, (void *)at);
  while (pthread_tryjoin_np(thread, 0) == EBUSY) {
    struct uffd_msg msg;
    if (poll(&ready, 1, 5) != 1 || read(uffd, &msg, sizeof msg) != sizeof msg) continue;
    show(&msg);
    resolve(&msg);
  }
  printf(" value %ld\n", value);
}

static void map(int flags, int fd) {
  munmap((void *)ARENA, 4 * PAGE);
  mmap((void *)ARENA, 4 * PAGE, PROT_READ | PROT_WRITE, flags | MAP_FIXED, fd, 0);
}

static void files(void) {
  char link[64], path[64];
  struct uffd_msg msg;
  struct pollfd ready = {.fd = uffd, .events = POLLIN | POLLOUT};
  uffd = syscall(SYS_userfaultfd, O_NONBLOCK | O_CLOEXEC);
  snprintf(path, sizeof path, "/proc/self/fd/%d", uffd);
  link[readlink(path, link, sizeof link - 1)] = 0;
  printf("link: %s\n", link);
  fdinfo("before the api");
  ready.fd = uffd;
  poll(&ready, 1, 0);
  printf("poll before the api: %x\n", ready.revents);
  printf("read before the api: %s\n", outcome(read(uffd, &msg, sizeof msg)));
  close(uffd);
  uffd = open_with(0, O_NONBLOCK);
  fdinfo("after the api");
  poll(&ready, 1, 0);
  printf("poll with nothing: %x\n", ready.revents);
  printf("read with nothing: %s\n", outcome(read(uffd, &msg, sizeof msg)));
  printf("read of too little: %s\n", outcome(read(uffd, &msg, sizeof msg - 1)));
  printf("write: %s\n", outcome(write(uffd, &msg, sizeof msg)));
  printf("seek: %s\n", outcome(lseek(uffd, 1, SEEK_SET)));
  printf("pread: %s\n", outcome(pread(uffd, &msg, sizeof msg, 0)));
  printf("map: %s\n", outcome(mmap(0, PAGE, PROT_READ, MAP_SHARED, uffd, 0) == MAP_FAILED ? -1 : 0));
  fcntl(uffd, F_SETFL, 0);
  poll(&ready, 1, 0);
  printf("poll of what would block: %x\n", ready.revents);
  close(uffd);
}

static void device(void) {
  int fd = open("/dev/userfaultfd", O_RDWR | O_CLOEXEC);
  uffd = ioctl(fd, USERFAULTFD_IOC_NEW, O_NONBLOCK);
  fdinfo("of the device");
  close(uffd);
  printf("its flags: %s\n", outcome(ioctl(fd, USERFAULTFD_IOC_NEW, 2)));
  printf("another command: %s\n", outcome(ioctl(fd, 0xaa01, 0)));
  printf("read of it: %s\n", outcome(read(fd, source, 1)));
  printf("write to it: %s\n", outcome(write(fd, source, 1)));
  close(fd);
}

int main(void) {
  setvbuf(stdout, 0, _IONBF, 0);
  memset(source, 3, sizeof source);
  files();
  device();
  uffd = open_with(0, O_NONBLOCK);
  map(MAP_PRIVATE | MAP_ANONYMOUS, -1);
  enrol(UFFDIO_REGISTER_MODE_MISSING | UFFDIO_REGISTER_MODE_WP);
  waits("a load", do_load, ARENA + 5);
  waits("a load of what is there", do_load, ARENA + 6);
  waits("a store", do_store, ARENA + PAGE + 9);
  waits("a read of mem", do_read, ARENA + 2 * PAGE + 1);
  waits("a call", do_call, ARENA + 3 * PAGE);
  protect(ARENA, UFFDIO_WRITEPROTECT_MODE_WP);
  waits("a load of a protected page", do_load, ARENA);
  waits("a store to a protected page", do_store, ARENA + 8);
  close(uffd);
  uffd = open_with(UFFD_FEATURE_THREAD_ID | UFFD_FEATURE_EXACT_ADDRESS | WP_UNPOPULATED,
                   O_NONBLOCK);
  map(MAP_PRIVATE | MAP_ANONYMOUS, -1);
  enrol(UFFDIO_REGISTER_MODE_MISSING);
  waits("a load, exactly", do_load, ARENA + 5);
  waits("a store, exactly", do_store, ARENA + PAGE + 9);
  waits("a read of mem, exactly", do_read, ARENA + 2 * PAGE + 1);
  enrol(UFFDIO_REGISTER_MODE_WP);
  protect(ARENA + 3 * PAGE, UFFDIO_WRITEPROTECT_MODE_WP);
  waits("a store to a protected page that is not there", do_store, ARENA + 3 * PAGE + 2);
  close(uffd);
  uffd = open_with(UFFD_FEATURE_MINOR_SHMEM, O_NONBLOCK);
  memfd = memfd_create("file", 0);
  printf("size: %s\n", outcome(ftruncate(memfd, 4 * PAGE)));
  printf("a page: %s\n", outcome(pwrite(memfd, "A", 1, 0)));
  map(MAP_SHARED, memfd);
  enrol(UFFDIO_REGISTER_MODE_MISSING | UFFDIO_REGISTER_MODE_MINOR);
  waits("a load of what the file has", do_load, ARENA);
  waits("a store to what it has not", do_store, ARENA + PAGE);
  map(MAP_PRIVATE, memfd);
  enrol(UFFDIO_REGISTER_MODE_MISSING | UFFDIO_REGISTER_MODE_WP);
  waits("a private load of what the file has", do_load, ARENA);
  waits("a private store to what it has not", do_store, ARENA + 2 * PAGE);
  protect(ARENA, UFFDIO_WRITEPROTECT_MODE_WP);
  waits("a private store to a protected page", do_store, ARENA);
  return 0;
}
