// Filters of system calls: what they may hold, what they compute, and each of their answers.
#include "filter.h"

#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/ptrace.h>

static const struct {
  const char *what;
  struct sock_filter filter[6];
  int length;
} PROGRAMS[] = {
    {"no end", {LOAD(0)}, 1},
    {"data too far", {LOAD(64), RETURN(0)}, 2},
    {"data askew", {LOAD(2), RETURN(0)}, 2},
    {"halfword", {BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 0), RETURN(0)}, 2},
    {"indirect", {BPF_STMT(BPF_LD | BPF_W | BPF_IND, 0), RETURN(0)}, 2},
    {"modulo", {BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, 3), RETURN(0)}, 2},
    {"division by zero", {BPF_STMT(BPF_ALU | BPF_DIV | BPF_K, 0), RETURN(0)}, 2},
    {"shift by 32", {BPF_STMT(BPF_ALU | BPF_LSH | BPF_K, 32), RETURN(0)}, 2},
    {"shift by 31", {BPF_STMT(BPF_ALU | BPF_LSH | BPF_K, 31), RETURN(SECCOMP_RET_ALLOW)}, 2},
    {"jump out", {BPF_STMT(BPF_JMP | BPF_JA, 1), RETURN(0)}, 2},
    {"jump to the end", {BPF_STMT(BPF_JMP | BPF_JA, 0), RETURN(SECCOMP_RET_ALLOW)}, 2},
    {"jump back", {BPF_STMT(BPF_JMP | BPF_JA, -1), RETURN(0)}, 2},
    {"condition out", {BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1), RETURN(0)}, 2},
    {"scratch not written", {BPF_STMT(BPF_LD | BPF_MEM, 3), RETURN(0)}, 2},
    {"scratch written on one way",
     {LOAD(0), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 1, 0, 1), BPF_STMT(BPF_ST, 3), BPF_STMT(BPF_LD | BPF_MEM, 3),
      RETURN(SECCOMP_RET_ALLOW)},
     5},
    {"scratch written", {BPF_STMT(BPF_ST, 3), BPF_STMT(BPF_LDX | BPF_MEM, 3), RETURN(SECCOMP_RET_ALLOW)}, 3},
    {"scratch beyond", {BPF_STMT(BPF_ST, 16), RETURN(0)}, 2},
    {"unknown code", {{0xff, 0, 0, 0}, RETURN(0)}, 2},
    {"returns X", {BPF_STMT(BPF_RET | BPF_X, 0)}, 1},
    {"length zero", {RETURN(0)}, 0},
    {"length", {BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0), RETURN(SECCOMP_RET_ALLOW)}, 2},
};

static void programs(void) {
  for (unsigned i = 0; i < COUNT(PROGRAMS); i++)
    said(PROGRAMS[i].what, install(0, (struct sock_filter *)PROGRAMS[i].filter, PROGRAMS[i].length));
  static struct sock_filter many[4097];
  for (unsigned i = 0; i < COUNT(many); i++) many[i] = (struct sock_filter)RETURN(SECCOMP_RET_ALLOW);
  said("4097", install(0, many, 4097));
  said("4096", install(0, many, 4096));
  int more = 0;
  while (install(0, many, 4096) == 0) more++;
  said("one more", -1);
  printf("after %d more\n", more);
}

static const struct {
  const char *what;
  unsigned code, k, a, x;
} SUMS[] = {
    {"add", BPF_ADD | BPF_K, 0xffffffff, 5, 0}, {"add x", BPF_ADD | BPF_X, 0, 5, 0xfffffffe},
    {"sub", BPF_SUB | BPF_K, 7, 5, 0},          {"sub x", BPF_SUB | BPF_X, 0, 5, 7},
    {"mul", BPF_MUL | BPF_K, 0x10001, 0x12345, 0}, {"mul x", BPF_MUL | BPF_X, 0, 0x87654321, 0x12345678},
    {"div", BPF_DIV | BPF_K, 7, 0xfffffff0, 0}, {"div x", BPF_DIV | BPF_X, 0, 0xfffffff0, 0x80000000},
    {"or", BPF_OR | BPF_K, 0x80000001, 6, 0},   {"and x", BPF_AND | BPF_X, 0, 0xf0f0f0f0, 0xff00ff00},
    {"xor", BPF_XOR | BPF_K, 0xffffffff, 6, 0}, {"lsh", BPF_LSH | BPF_K, 31, 3, 0},
    {"rsh", BPF_RSH | BPF_K, 31, 0xc0000000, 0}, {"lsh x", BPF_LSH | BPF_X, 0, 3, 33},
    {"rsh x", BPF_RSH | BPF_X, 0, 0xc0000000, 65}, {"neg", BPF_NEG, 0, 5, 0},
};

// The value, seven bits at a time: as errors of getppid(n).
static void sums(void) {
  for (unsigned i = 0; i < COUNT(SUMS); i++) {
    int pipes[2];
    pipe(pipes);
    pid_t pid = fork();
    if (pid == 0) {
      struct sock_filter filter[] = {
          LOAD(NR),
          BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 1, 0),
          RETURN(SECCOMP_RET_ALLOW),
          LOAD(ARG0),
          BPF_STMT(BPF_ST, 0),
          BPF_STMT(BPF_LDX | BPF_IMM, SUMS[i].x),
          BPF_STMT(BPF_LD | BPF_IMM, SUMS[i].a),
          BPF_STMT(BPF_ALU | SUMS[i].code, SUMS[i].k),
          BPF_STMT(BPF_LDX | BPF_MEM, 0),
          BPF_STMT(BPF_ALU | BPF_RSH | BPF_X, 0),
          BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0x7f),
          BPF_STMT(BPF_ALU | BPF_ADD | BPF_K, 1),
          BPF_STMT(BPF_ALU | BPF_OR | BPF_K, SECCOMP_RET_ERRNO),
          BPF_STMT(BPF_RET | BPF_A, 0),
      };
      if (install(0, filter, COUNT(filter)) != 0) _exit(1);
      unsigned value = 0;
      for (int shift = 0; shift < 32; shift += 7) {
        errno = 0;
        syscall(SYS_getppid, shift);
        value |= (unsigned)(errno - 1) << shift;
      }
      write(pipes[1], &value, 4);
      _exit(0);
    }
    unsigned value = 0;
    close(pipes[1]);
    read(pipes[0], &value, 4);
    waitpid(pid, 0, 0);
    printf("%s: %x\n", SUMS[i].what, value);
    close(pipes[0]);
  }
}

static void divides_by_zero(void) {
  struct sock_filter filter[] = {
      LOAD(NR),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 1, 0),
      RETURN(SECCOMP_RET_ALLOW),
      BPF_STMT(BPF_LDX | BPF_IMM, 0),
      BPF_STMT(BPF_ALU | BPF_DIV | BPF_X, 0),
      RETURN(SECCOMP_RET_ALLOW),
  };
  said("install", install(0, filter, COUNT(filter)));
  syscall(SYS_getppid);
}

static void status_lines(void) {
  char line[128];
  FILE *file = fopen("/proc/self/status", "r");
  while (fgets(line, sizeof line, file))
    if (strncmp(line, "Seccomp", 7) == 0 || strncmp(line, "NoNewPrivs", 10) == 0) fputs(line, stdout);
  fclose(file);
}

static void errors(void) {
  said("errno 5", answer_call(0, SYS_getppid, SECCOMP_RET_ERRNO | 5));
  said("getppid", syscall(SYS_getppid));
  said("errno 0", answer_call(0, SYS_getpgid, SECCOMP_RET_ERRNO));
  said("getpgid", getpgid(0));
  said("errno 65535", answer_call(0, SYS_getsid, SECCOMP_RET_ERRNO | 0xffff));
  said("getsid", syscall(SYS_getsid, 0));
  printf("%d\n", errno);
  said("a stronger one", answer_call(0, SYS_getppid, SECCOMP_RET_ERRNO | 6));
  said("getppid", syscall(SYS_getppid));
  said("a weaker one", answer_call(0, SYS_getppid, SECCOMP_RET_LOG));
  said("getppid", syscall(SYS_getppid));
  said("mode", prctl(PR_GET_SECCOMP));
  status_lines();
  pid_t pid = fork();
  if (pid == 0) {
    said("child's getppid", syscall(SYS_getppid));
    status_lines();
    fflush(stdout);
    _exit(0);
  }
  waitpid(pid, 0, 0);
  said("strict now", prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT));
}

static void refused(void) {
  struct sock_filter allow[] = {RETURN(SECCOMP_RET_ALLOW)};
  said("flags", install(64, allow, 1));
  said("tsync and listener", install(SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_NEW_LISTENER, allow, 1));
  said("killable alone", install(32, allow, 1));
  said("no program", syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, 0));
  said("no instructions", install(0, 0, 1));
  said("operation", syscall(SYS_seccomp, 9, 0, 0));
  said("strict with flags", syscall(SYS_seccomp, SECCOMP_SET_MODE_STRICT, 1, 0));
  unsigned action = SECCOMP_RET_USER_NOTIF, unknown = 0x10000;
  said("action", syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action));
  said("unknown action", syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &unknown));
  struct seccomp_notif_sizes sizes = {0};
  said("sizes", syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes));
  printf("%d %d %d\n", sizes.seccomp_notif, sizes.seccomp_notif_resp, sizes.seccomp_data);
  said("prctl mode 3", prctl(PR_SET_SECCOMP, 3, 0, 0, 0));
  said("prctl filter", prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, 0, 0, 0));
}

static void kills_process(void) {
  answer_call(0, SYS_getppid, SECCOMP_RET_KILL_PROCESS);
  syscall(SYS_getppid);
}

static void *ask_parent(void *arg) {
  syscall(SYS_getppid);
  return arg;
}

static void kills_thread(void) {
  pthread_t thread;
  answer_call(0, SYS_getppid, SECCOMP_RET_KILL_THREAD);
  pthread_create(&thread, 0, ask_parent, 0);
  pthread_join(thread, 0);
  printf("the thread is gone\n");
  fflush(stdout);
  syscall(SYS_getppid);
}

static void strict(void) {
  prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT);
  write(1, "still writes\n", 13);
  syscall(SYS_exit, 7);
}

static void strict_dies(void) {
  syscall(SYS_seccomp, SECCOMP_SET_MODE_STRICT, 0, 0);
  syscall(SYS_getpid);
}

static volatile int trapped, trapped_error, trapped_nr, trapped_code;
static void on_trap(int signal, siginfo_t *info, void *context) {
  trapped = signal;
  trapped_code = info->si_code;
  trapped_error = info->si_errno;
  trapped_nr = info->si_syscall;
}

static void traps(void) {
  struct sigaction action = {.sa_sigaction = on_trap, .sa_flags = SA_SIGINFO};
  sigaction(SIGSYS, &action, 0);
  answer_call(0, SYS_getppid, SECCOMP_RET_TRAP | 77);
  syscall(SYS_getppid);
  printf("signal %d code %d errno %d same call %d\n", trapped, trapped_code, trapped_error, trapped_nr == SYS_getppid);
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGSYS);
  sigprocmask(SIG_BLOCK, &set, 0);
  fflush(stdout);
  syscall(SYS_getppid);
}

static void no_tracer(void) {
  answer_call(0, SYS_getppid, SECCOMP_RET_TRACE | 9);
  said("getppid", syscall(SYS_getppid));
}

static void tracer(void) {
  pid_t pid = fork();
  if (pid == 0) {
    ptrace(PTRACE_TRACEME, 0, 0, 0);
    raise(SIGSTOP);
    answer_call(0, SYS_getppid, SECCOMP_RET_TRACE | 9);
    printf("getppid works: %d\n", syscall(SYS_getppid) > 0);
    fflush(stdout);
    _exit(3);
  }
  int status;
  waitpid(pid, &status, 0);
  ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESECCOMP);
  ptrace(PTRACE_CONT, pid, 0, 0);
  waitpid(pid, &status, 0);
  unsigned long message = 0;
  ptrace(PTRACE_GETEVENTMSG, pid, 0, &message);
  printf("stop %x message %lu\n", status, message);
  struct sock_filter filter[4];
  said("filter", ptrace(0x420c, pid, 0, filter));
  printf("%x %x\n", filter[2].code, filter[2].k);
  said("filter 1", ptrace(0x420c, pid, 1, filter));
  uint64_t metadata[2] = {0, 1};
  said("metadata", ptrace(0x420d, pid, 16, metadata));
  printf("%d\n", (int)metadata[1]);
  said("suspend", ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_SUSPEND_SECCOMP));
  ptrace(PTRACE_CONT, pid, 0, 0);
  waitpid(pid, &status, 0);
  printf("end %x\n", status);
}

static int go[2];
static void *wait_then_ask(void *arg) {
  char byte;
  read(go[0], &byte, 1);
  *(long *)arg = syscall(SYS_getppid) < 0 ? errno : 0;
  return 0;
}

static void tsync(void) {
  pthread_t thread;
  long seen = -1;
  pipe(go);
  pthread_create(&thread, 0, wait_then_ask, &seen);
  said("tsync", answer_call(SECCOMP_FILTER_FLAG_TSYNC, SYS_getppid, SECCOMP_RET_ERRNO | 11));
  write(go[1], "a", 1);
  pthread_join(thread, 0);
  printf("the other thread has %ld\n", seen);
}

static void *filter_and_wait(void *arg) {
  char byte;
  struct sock_filter allow[] = {RETURN(SECCOMP_RET_ALLOW)};
  install(0, allow, 1);
  write(*(int *)arg, "a", 1);
  read(go[0], &byte, 1);
  return 0;
}

static void tsync_fails(void) {
  pthread_t thread;
  int ready[2];
  char byte;
  pipe(go);
  pipe(ready);
  pthread_create(&thread, 0, filter_and_wait, &ready[1]);
  read(ready[0], &byte, 1);
  long other = answer_call(SECCOMP_FILTER_FLAG_TSYNC, SYS_getppid, SECCOMP_RET_ERRNO | 11);
  printf("a thread beside: %d\n", other > 0);
  said("by errno",
       answer_call(SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_TSYNC_ESRCH, SYS_getppid, SECCOMP_RET_ERRNO));
  write(go[1], "a", 1);
  pthread_join(thread, 0);
}

int main(void) {
  setvbuf(stdout, 0, _IOFBF, 1 << 16);
  in_child("programs", programs);
  in_child("sums", sums);
  in_child("division by zero", divides_by_zero);
  in_child("errors", errors);
  in_child("refused", refused);
  in_child("kills the process", kills_process);
  in_child("kills a thread", kills_thread);
  in_child("strict", strict);
  in_child("strict dies", strict_dies);
  in_child("traps", traps);
  in_child("no tracer", no_tracer);
  in_child("tracer", tracer);
  in_child("tsync", tsync);
  in_child("tsync fails", tsync_fails);
  return 0;
}
