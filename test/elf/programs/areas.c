// Does what its input says with memory at fixed addresses, and crashes: its core shows what the kernel
// dumps of each kind. Lines: m ADDR LENGTH PROT FLAGS FILE OFFSET, t ADDR (store), r ADDR (load),
// p ADDR LENGTH PROT, a ADDR LENGTH ADVICE, u ADDR LENGTH; FILE is the index of an argument or -1.
// With AREAS_WAIT it says so and waits for the signal instead.
// Arguments: the coredump_filter, how many threads more, then files; `memfd` is one, `-PATH` is unlinked.
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

static sigjmp_buf failed;

static void on_fault(int signal) {
  (void)signal;
  siglongjmp(failed, 1);
}

static void *rest(void *arg) {
  pause();
  return arg;
}

static int open_file(const char *name) {
  int fd;
  if (strcmp(name, "memfd") == 0) {
    char page[4096];
    fd = memfd_create("areas", 0);
    for (int i = 0; i < 4; i++) {
      memset(page, 'A' + i, sizeof page);
      if (write(fd, page, sizeof page) < 0) exit(4);
    }
    return fd;
  }
  fd = open(name + (name[0] == '-'), O_RDWR);
  if (fd < 0) exit(5);
  if (name[0] == '-' && unlink(name + 1) != 0) exit(6);
  return fd;
}

int main(int argc, char **argv) {
  struct rlimit unlimited = {RLIM_INFINITY, RLIM_INFINITY};
  int fds[16] = {0};
  if (setrlimit(RLIMIT_CORE, &unlimited) != 0 || argc < 3) return 2;
  prctl(PR_SET_DUMPABLE, 1);
  FILE *filter = fopen("/proc/self/coredump_filter", "w");
  if (filter == NULL || fprintf(filter, "%s\n", argv[1]) < 0 || fclose(filter) != 0) return 3;
  for (int i = 3; i < argc; i++) fds[i - 3] = open_file(argv[i]);
  char line[256];
  signal(SIGSEGV, on_fault);
  signal(SIGBUS, on_fault);
  while (fgets(line, sizeof line, stdin) != NULL) {
    unsigned long a = 0, b = 0, c = 0, d = 0;
    long file = 0, offset = 0;
    sscanf(line + 1, "%lx %lx %lx %lx %ld %lx", &a, &b, &c, &d, &file, (unsigned long *)&offset);
    if (line[0] == 'm') mmap((void *)a, b, c, d, file < 0 ? -1 : fds[file], offset);
    if (line[0] == 't' && sigsetjmp(failed, 1) == 0) *(volatile char *)a = 7;
    if (line[0] == 'r' && sigsetjmp(failed, 1) == 0) (void)*(volatile char *)a;
    if (line[0] == 'p') mprotect((void *)a, b, c);
    if (line[0] == 'a') madvise((void *)a, b, c);
    if (line[0] == 'u') munmap((void *)a, b);
  }
  signal(SIGSEGV, SIG_DFL);
  signal(SIGBUS, SIG_DFL);
  for (int i = atoi(argv[2]); i > 0; i--) {
    pthread_t thread;
    pthread_create(&thread, NULL, rest, NULL);
  }
  if (atoi(argv[2]) > 0) usleep(50000);
  if (getenv("AREAS_WAIT") != NULL) {
    puts("waiting");
    fflush(stdout);
    while (1) pause();
  }
  *(volatile int *)0x1234 = 1;
}
