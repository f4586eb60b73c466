// What a tracer sees of a process that sends signals to itself: the end of the call first, then the signal.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static struct sock_filter allow[] = {{BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW}};
static struct sock_fprog program = {1, allow};

static void handle(int signal) { (void)signal; }

static int child(void) {
  int pipes[2];
  sigset_t set;
  // Its group is not an orphan's: SIGTSTP stops it.
  setpgid(0, 0);
  pipe(pipes);
  close(pipes[0]);
  signal(SIGUSR1, handle);
  signal(SIGPIPE, SIG_IGN);
  ptrace(PTRACE_TRACEME, 0, 0, 0);
  kill(getpid(), SIGSTOP);
  kill(getpid(), SIGUSR1);
  syscall(SYS_tgkill, getpid(), gettid(), SIGUSR2);
  write(pipes[1], "x", 1);
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  sigprocmask(SIG_BLOCK, &set, NULL);
  kill(getpid(), SIGUSR1);
  sigprocmask(SIG_UNBLOCK, &set, NULL);
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0);
  kill(getpid(), SIGTSTP);
  kill(getpid(), SIGTERM);
  return 1;
}

/** The calls that this is about; their numbers differ. */
static const char *name(unsigned long nr) {
  switch (nr) {
    case SYS_kill: return "kill";
    case SYS_tgkill: return "tgkill";
    case SYS_write: return "write";
    case SYS_rt_sigprocmask: return "rt_sigprocmask";
    case SYS_prctl: return "prctl";
    case SYS_rt_sigreturn: return "rt_sigreturn";
    default: return NULL;
  }
}

int main(void) {
  int status, first = 1;
  const char *last = NULL;
  setvbuf(stdout, NULL, _IONBF, 0);
  int pid = fork();
  if (pid == 0) return child();
  for (long signal = 0; waitpid(pid, &status, 0) == pid && WIFSTOPPED(status);) {
    if (first) ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD);
    first = 0;
    struct __ptrace_syscall_info info;
    signal = 0;
    if (WSTOPSIG(status) == (SIGTRAP | 0x80)) {
      ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof info, &info);
      if (info.op == PTRACE_SYSCALL_INFO_ENTRY) last = name(info.entry.nr);
      else if (last) printf("%s: %lld\n", last, (long long)info.exit.rval);
    } else {
      siginfo_t about;
      int kept = ptrace(PTRACE_GETSIGINFO, pid, 0, &about);
      printf("signal %d, %s\n", WSTOPSIG(status), kept == 0 ? "sent" : "stopped");
      if (WSTOPSIG(status) != SIGSTOP && WSTOPSIG(status) != SIGUSR2) signal = WSTOPSIG(status);
    }
    ptrace(PTRACE_SYSCALL, pid, 0, signal);
  }
  printf("status %x\n", status);
  return 0;
}
