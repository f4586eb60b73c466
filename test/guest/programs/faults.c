/* Instructions that fault: their signals, addresses, and what a handler can make of them. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

static sigjmp_buf back;
static siginfo_t seen;
static uintptr_t seen_pc;

static void catch(int signal, siginfo_t *info, void *context) {
  seen = *info;
#ifdef __riscv
  seen_pc = ((ucontext_t *)context)->uc_mcontext.__gregs[0];
#else
  (void)context;
#endif
  siglongjmp(back, signal);
}

static void set_all(void) {
  struct sigaction action = {.sa_sigaction = catch, .sa_flags = SA_SIGINFO | SA_ONSTACK};
  static const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGTRAP};
  for (int i = 0; i < 4; i++) sigaction(signals[i], &action, NULL);
}

static void show(const char *what, int signal, char *base) {
  printf("%s: signal %d code %d", what, signal, seen.si_code);
  if (base) printf(" at +%td", (char *)seen.si_addr - base);
  printf("\n");
}

static void memory(void) {
  char *page = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  int signal;
  if (!(signal = sigsetjmp(back, 1))) *(volatile char *)NULL;
  show("read of nothing", signal, NULL);
  printf("  at %p\n", seen.si_addr);
  mprotect(page + 4096, 4096, PROT_READ);
  if (!(signal = sigsetjmp(back, 1))) page[4096 + 17] = 1;
  show("write to a read-only page", signal, page);
  mprotect(page + 4096, 4096, PROT_NONE);
  if (!(signal = sigsetjmp(back, 1))) *(volatile char *)(page + 4100);
  show("read of a closed page", signal, page);
  munmap(page + 4096, 4096);
  if (!(signal = sigsetjmp(back, 1))) *(volatile long *)(page + 4096);
  show("read of a hole", signal, page);
  if (!(signal = sigsetjmp(back, 1))) ((void (*)(void))page)();
  show("jump into data", signal, page);
  int fd = memfd_create("short", 0);
  ftruncate(fd, 100);
  char *file = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (!(signal = sigsetjmp(back, 1))) *(volatile char *)(file + 4096);
  show("read behind a file", signal, file);
  printf("  %d bytes before its end\n", file[99] + 99);
}

static void instructions(void) {
  int signal;
#ifdef __riscv
  if (!(signal = sigsetjmp(back, 1))) asm volatile(".word 0");
  printf("illegal: %d code %d at pc %d\n", signal, seen.si_code, (uintptr_t)seen.si_addr == seen_pc);
  if (!(signal = sigsetjmp(back, 1))) asm volatile("ebreak");
  printf("ebreak: %d code %d\n", signal, seen.si_code);
#else
  (void)signal;
#endif
}

static void repair(int signal, siginfo_t *info, void *context) {
  (void)signal;
  (void)context;
  mprotect((void *)((uintptr_t)info->si_addr & ~4095ul), 4096, PROT_READ | PROT_WRITE);
}

static void repaired(void) {
  struct sigaction action = {.sa_sigaction = repair, .sa_flags = SA_SIGINFO};
  sigaction(SIGSEGV, &action, NULL);
  char *pages = mmap(NULL, 16 * 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  for (int i = 0; i < 16; i++) pages[i * 4096 + i] = i;
  int sum = 0;
  for (int i = 0; i < 16; i++) sum += pages[i * 4096 + i];
  printf("repaired by the handler: %d\n", sum);
}

static int deep(int n) {
  volatile char frame[4096];
  frame[n % 4096] = (char)n;
  return deep(n + 1) + frame[n % 4096];
}

static void overflow(void) {
  static char alternate[65536];
  stack_t stack = {.ss_sp = alternate, .ss_size = sizeof alternate};
  sigaltstack(&stack, NULL);
  set_all();
  int signal = sigsetjmp(back, 1);
  if (!signal) deep(0);
  printf("stack overflow: %d code %d\n", signal, seen.si_code);
}

static void die(const char *what, void (*how)(void)) {
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    how();
    _exit(99);
  }
  int status;
  waitpid(child, &status, 0);
  printf("%s: signaled %d, %d\n", what, WIFSIGNALED(status),
         WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
}

static void by_default(void) {
  signal(SIGSEGV, SIG_DFL);
  *(volatile char *)8 = 1;
}

static void ignored(void) {
  signal(SIGSEGV, SIG_IGN);
  *(volatile char *)8 = 1;
}

static void held_back(void) {
  set_all();
  sigset_t set;
  sigfillset(&set);
  sigprocmask(SIG_BLOCK, &set, NULL);
  *(volatile char *)8 = 1;
}

static void fault_again(int signal) {
  (void)signal;
  *(volatile char *)8 = 1;
}

static void in_the_handler(void) {
  signal(SIGSEGV, fault_again);
  *(volatile char *)8 = 1;
}

static void no_stack(void) {
  struct sigaction action = {.sa_handler = fault_again};
  sigaction(SIGSEGV, &action, NULL);
  deep(0);
}

int main(void) {
  setvbuf(stdout, NULL, _IONBF, 0);
  set_all();
  memory();
  instructions();
  repaired();
  overflow();
  die("by default", by_default);
  die("ignored", ignored);
  die("held back", held_back);
  die("in the handler", in_the_handler);
  die("without a stack", no_stack);
  return 0;
}
