/* A crash handler that reads the memory of its own process through /proc/self/mem. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static sigjmp_buf back;
static int mem;

static void show(const char *what, uintptr_t at) {
  unsigned char bytes[8];
  ssize_t n = pread(mem, bytes, sizeof bytes, (off_t)at);
  if (n < 0) {
    printf("  %s: %s\n", what, strerror(errno));
    return;
  }
  printf("  %s: %zd bytes:", what, n);
  for (ssize_t i = 0; i < n; i++) printf(" %02x", bytes[i]);
  printf("\n");
}

/** The line of /proc/self/maps that an address lies in, without addresses. */
static void line_of(uintptr_t at) {
  FILE *maps = fopen("/proc/self/maps", "r");
  char line[512];
  while (fgets(line, sizeof line, maps)) {
    unsigned long start, end;
    char permissions[5];
    if (sscanf(line, "%lx-%lx %4s", &start, &end, permissions) != 3) continue;
    if (at < start || at >= end) continue;
    printf("  mapped %s, %ld pages\n", permissions, (long)(end - start) / 4096);
    fclose(maps);
    return;
  }
  printf("  not mapped\n");
  fclose(maps);
}

static void crash(int signal, siginfo_t *info, void *context) {
  (void)context;
  uintptr_t at = (uintptr_t)info->si_addr;
  printf("signal %d code %d\n", signal, info->si_code);
  line_of(at);
  show("there", at);
  siglongjmp(back, 1);
}

int main(void) {
  setvbuf(stdout, NULL, _IONBF, 0);
  struct sigaction action = {.sa_sigaction = crash, .sa_flags = SA_SIGINFO};
  sigaction(SIGSEGV, &action, NULL);
  mem = open("/proc/self/mem", O_RDWR);
  char *pages = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  memcpy(pages + 100, "secret!", 8);
  mprotect(pages, 4096, PROT_READ);
  munmap(pages + 8192, 4096);
  if (!sigsetjmp(back, 1)) pages[100] = 'x';
  mprotect(pages, 4096, PROT_NONE);
  if (!sigsetjmp(back, 1)) *(volatile char *)(pages + 100);
  if (!sigsetjmp(back, 1)) *(volatile char *)(pages + 8192);
  if (!sigsetjmp(back, 1)) *(volatile char *)8;
  ssize_t n = pwrite(mem, "changed", 8, (off_t)(uintptr_t)(pages + 100));
  mprotect(pages, 4096, PROT_READ);
  printf("written through it: %zd '%s'\n", n, pages + 100);
  n = pwrite(mem, "xyz", 3, (off_t)(uintptr_t)(pages + 8192));
  printf("into a hole: %zd %s\n", n, strerror(errno));
  struct iovec local = {&action, 8}, remote = {pages + 100, 8};
  n = process_vm_readv(getpid(), &local, 1, &remote, 1, 0);
  printf("process_vm_readv: %zd\n", n);
  pid_t child = fork();
  if (child == 0) {
    mprotect(pages, 4096, PROT_READ | PROT_WRITE);
    strcpy(pages + 100, "child's");
    raise(SIGSTOP);
    _exit(pages[100] == 'C');
  }
  int status;
  char path[64], text[8] = "";
  waitpid(child, &status, WUNTRACED);
  snprintf(path, sizeof path, "/proc/%d/mem", child);
  int other = open(path, O_RDWR);
  n = pread(other, text, 8, (off_t)(uintptr_t)(pages + 100));
  printf("of a child: %zd '%s', own '%s'\n", n, text, pages + 100);
  n = pwrite(other, "C", 1, (off_t)(uintptr_t)(pages + 100));
  kill(child, SIGCONT);
  waitpid(child, &status, 0);
  printf("it saw the change: %d\n", WEXITSTATUS(status));
  n = pread(other, text, 8, (off_t)(uintptr_t)(pages + 100));
  printf("after its end: %zd\n", n);
  return 0;
}
