// A tracer that sees its child's system calls begin and end, changes one, and gives it signals.
#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/procfs.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

struct info {
  unsigned char op, pad[3];
  unsigned arch;
  unsigned long long ip, sp;
  union {
    struct { unsigned long long nr, args[6]; } entry;
    struct { long long rval; unsigned char is_error; } exit;
  };
};

static volatile int handled;
static void handler(int signal) { handled = signal; }

static void child(int fd) {
  char byte;
  struct sigaction action = {.sa_handler = handler};
  sigaction(SIGUSR1, &action, NULL);
  ptrace(PTRACE_TRACEME, 0, 0, 0);
  syscall(SYS_kill, getpid(), SIGSTOP);
  syscall(SYS_close, -1);
  syscall(SYS_getpgid, 0);
  syscall(SYS_read, fd, &byte, 1);
  syscall(SYS_exit_group, handled == SIGUSR1 ? 3 : 4);
}

static const char *name(unsigned long long nr) {
  switch (nr) {
    case SYS_close: return "close";
    case SYS_getpgid: return "getpgid";
    case SYS_read: return "read";
    case SYS_kill: return "kill";
    case SYS_exit_group: return "exit_group";
    case SYS_rt_sigreturn: return "rt_sigreturn";
    default: return "another";
  }
}

/** Prints where in a call the child is. */
static void show(int pid) {
  struct info info;
  memset(&info, 0, sizeof info);
  long size = ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof info, &info);
  unsigned long message = 0;
  ptrace(PTRACE_GETEVENTMSG, pid, 0, &message);
  printf("  op %d, %ld bytes, message %lu", info.op, size, message);
  if (info.op == 1) printf(", %s\n", name(info.entry.nr));
  else if (info.op == 2 && info.exit.is_error) printf(", error %lld\n", info.exit.rval);
  else printf("\n");
}

int main(void) {
  int status, pipes[2];
  pipe(pipes);
  setvbuf(stdout, NULL, _IONBF, 0);
  int pid = fork();
  if (pid == 0) child(pipes[0]);
  waitpid(pid, &status, 0);
  printf("first stop %x\n", status);
  printf("options %ld\n", ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD));
  long words[128];
  struct iovec iov = {words, sizeof words};
  printf("registers %ld\n", ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &iov));
  printf("all of them %d\n", iov.iov_len == ELF_NGREG * sizeof(long));
  show(pid);
  int sent = 0;
  for (long signal = 0; ptrace(PTRACE_SYSCALL, pid, 0, signal) == 0;) {
    if (!sent) {
      // It sleeps in read() by the second time that it is told to go on; it must be interrupted there.
      usleep(20000);
      sent = waitpid(pid, &status, WNOHANG) == 0;
      if (sent) kill(pid, SIGUSR1), waitpid(pid, &status, 0);
    } else if (waitpid(pid, &status, 0) != pid) break;
    signal = 0;
    printf("status %x\n", status);
    if (!WIFSTOPPED(status)) break;
    if (WSTOPSIG(status) == (SIGTRAP | 0x80)) show(pid);
    else signal = WSTOPSIG(status);
  }
  printf("gone: %d\n", ptrace(PTRACE_CONT, pid, 0, 0) == -1 && errno == ESRCH);
  return 0;
}
