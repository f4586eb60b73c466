// What the programs about filters share: installing one, saying what a call gave, and trying things in a child.
#define _GNU_SOURCE
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define COUNT(a) (sizeof(a) / sizeof *(a))
#define NR offsetof(struct seccomp_data, nr)
#define ARG0 offsetof(struct seccomp_data, args)
#define LOAD(at) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, at)
#define RETURN(k) BPF_STMT(BPF_RET | BPF_K, k)

static long install(unsigned flags, struct sock_filter *filter, int length) {
  struct sock_fprog program = {length, filter};
  return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
}

// `answer` for calls of one number, all others allowed.
static long answer_call(unsigned flags, int nr, unsigned answer) {
  struct sock_filter filter[] = {
      LOAD(NR), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 1), RETURN(answer), RETURN(SECCOMP_RET_ALLOW)};
  return install(flags, filter, COUNT(filter));
}

static void said(const char *what, long result) {
  printf("%s: %ld %s\n", what, result < 0 ? -1 : result, result < 0 ? strerror(errno) : "");
  fflush(stdout);
}

static void in_child(const char *what, void (*act)(void)) {
  printf("-- %s\n", what);
  fflush(stdout);
  pid_t pid = fork();
  if (pid == 0) {
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    act();
    fflush(stdout);
    _exit(0);
  }
  int status = 0;
  waitpid(pid, &status, 0);
  if (WIFSIGNALED(status)) printf("killed by %d\n", WTERMSIG(status));
  else printf("exited with %d\n", WEXITSTATUS(status));
  fflush(stdout);
}
