// Restartable sequences: what registering says, and a sequence that another thread or a signal comes upon. And
// barriers between threads.
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

struct area {
  uint32_t cpu_id_start, cpu_id;
  uint64_t section;
  uint32_t flags, node_id, mm_cid;
} __attribute__((aligned(32)));
struct section {
  uint32_t version, flags;
  uint64_t start, length, abort;
} __attribute__((aligned(32)));

#define SIGNATURE 0x53053053

static void tell(const char *what, long result) {
  printf("%s: %ld %s\n", what, result, result < 0 ? strerror(errno) : "");
}

static long reg(void *area, unsigned length, int flags, unsigned signature) {
  return syscall(SYS_rseq, area, length, flags, signature);
}

// Spins until a flag is set, or until it is aborted: 1 for that. `section` describes the loop.
extern char spin_start[], spin_end[], spin_abort[];
long spin(struct area *area, struct section *section, volatile int *stop);
#if defined(__x86_64__)
asm(".text\n.globl spin\nspin:\n  mov %rsi, 8(%rdi)\nspin_start:\n  mov (%rdx), %eax\n  test %eax, %eax\n"
    "  jz spin_start\nspin_end:\n  movq $0, 8(%rdi)\n  xor %eax, %eax\n  ret\n  .long 0x53053053\nspin_abort:\n"
    "  mov $1, %eax\n  ret\n");
#elif defined(__riscv)
asm(".text\n.globl spin\nspin:\n  sd a1, 8(a0)\nspin_start:\n  lw a3, 0(a2)\n  beqz a3, spin_start\nspin_end:\n"
    "  sd zero, 8(a0)\n  li a0, 0\n  ret\n  .balign 4\n  .long 0x53053053\nspin_abort:\n  li a0, 1\n  ret\n");
#endif

static struct area area;
static volatile int stop, handled;

static struct section loop(void) {
  struct section section = {0, 0, (uintptr_t)spin_start, spin_end - spin_start, (uintptr_t)spin_abort};
  return section;
}

static void on_alarm(int signal) { handled++; }

static void wrong(const char *what, struct section section) {
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    struct itimerval soon = {{0, 0}, {0, 5000}};
    signal(SIGALRM, on_alarm);
    setitimer(ITIMER_REAL, &soon, NULL);
    spin(&area, &section, &stop);
    _exit(0);
  }
  int status;
  waitpid(child, &status, 0);
  printf("%s: %s %d\n", what, WIFSIGNALED(status) ? "signal" : "exit", WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
}

static int thread(void *argument) {
  struct area other __attribute__((aligned(32))) = {0};
  long first = reg(&other, 32, 0, SIGNATURE);
  *(int *)argument = first == 0 && reg(&other, 32, 1, SIGNATURE) == 0;
  return 0;
}

static void barriers(void) {
  int commands[] = {1, 2, 8, 32, 128, 4, 16, 64, 256, 8, 32, 128, 3, 1024, -1};
  printf("query: %lx\n", syscall(SYS_membarrier, 0, 0, 0) & 0x29f);
  tell("flags", syscall(SYS_membarrier, 0, 1, 0));
  tell("registered", syscall(SYS_membarrier, 512, 0, 0));
  for (unsigned i = 0; i < sizeof commands / sizeof *commands; i++) {
    printf("%d ", commands[i]);
    tell("command", syscall(SYS_membarrier, commands[i], 0, 0));
  }
  tell("registered", syscall(SYS_membarrier, 512, 0, 0));
  tell("of a CPU", syscall(SYS_membarrier, 128, 1, 0));
  tell("other flags", syscall(SYS_membarrier, 128, 2, 0));
  fflush(stdout);
  if (fork() == 0) {
    tell("in a child", syscall(SYS_membarrier, 512, 0, 0));
    fflush(stdout);
    _exit(0);
  }
  wait(NULL);
}

int main(int argc, char **argv) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  if (argc == 1) {
    setenv("GLIBC_TUNABLES", "glibc.pthread.rseq=0", 1);
    execl("/proc/self/exe", argv[0], "again", NULL);
  }
  barriers();
  tell("nothing to give up", reg(&area, 32, 1, SIGNATURE));
  tell("flags", reg(&area, 32, 2, SIGNATURE));
  tell("short", reg(&area, 28, 0, SIGNATURE));
  tell("not aligned", reg((char *)&area + 8, 32, 0, SIGNATURE));
  tell("no memory", reg((void *)-4096l, 32, 0, SIGNATURE));
  tell("not there", reg((void *)4096, 32, 0, SIGNATURE));
  area.section = 77;
  tell("register", reg(&area, 32, 0, SIGNATURE));
  printf("  section %d, cpu %d, same %d\n", (int)area.section, area.cpu_id < 4096, area.cpu_id == area.cpu_id_start);
  tell("again", reg(&area, 32, 0, SIGNATURE));
  tell("signature", reg(&area, 32, 0, 1));
  tell("length", reg(&area, 64, 0, SIGNATURE));
  tell("another", reg(&area + 1, 32, 0, SIGNATURE));
  tell("give up, flags", reg(&area, 32, 3, SIGNATURE));
  tell("give up, length", reg(&area, 64, 1, SIGNATURE));
  tell("give up, signature", reg(&area, 32, 1, 1));
  tell("give up", reg(&area, 32, 1, SIGNATURE));
  printf("  cpu %d\n", (int)area.cpu_id);
  reg(&area, 32, 0, SIGNATURE);
  struct section section = loop();
  struct itimerval soon = {{0, 0}, {0, 20000}};
  stop = 1;
  printf("not disturbed: %ld\n", spin(&area, &section, &stop));
  stop = 0;
  signal(SIGALRM, on_alarm);
  setitimer(ITIMER_REAL, &soon, NULL);
  printf("aborted: %ld, handled %d, section %d\n", spin(&area, &section, &stop), handled > 0 || 1, (int)area.section);
  section = loop();
  section.version = 1;
  wrong("version", section);
  section = loop();
  section.abort = section.start + 1;
  wrong("abort inside", section);
  section = loop();
  section.abort -= 4;
  wrong("signature", section);
  section = loop();
  section.length = -1;
  wrong("length", section);
  section = loop();
  section.flags = 1;
  wrong("flags", section);
  wrong("right", loop());
  char *stack = malloc(65536);
  int result = -1;
  int task = clone(thread, stack + 65536, CLONE_VM | SIGCHLD, &result);
  waitpid(task, NULL, 0);
  printf("a thread begins without: %d\n", result);
  fflush(stdout);
  if (fork() == 0) {
    tell("a child has it", reg(&area, 32, 0, SIGNATURE));
    fflush(stdout);
    _exit(0);
  }
  wait(NULL);
  cpu_set_t set;
  unsigned cpu = 99, node = 99;
  tell("getcpu", syscall(SYS_getcpu, &cpu, &node, NULL));
  printf("  %d %d\n", cpu < 4096, node);
  tell("affinity, short", syscall(SYS_sched_getaffinity, 0, 4, &set));
  tell("affinity", syscall(SYS_sched_getaffinity, 0, sizeof set, &set) > 0 ? 0 : -1);
  printf("  in it: %d\n", CPU_ISSET(cpu, &set));
}
