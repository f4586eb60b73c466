/* Handlers: what they are given, what they may change, what they interrupt. */
#define _GNU_SOURCE
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

static volatile sig_atomic_t count, depth, deepest;
static siginfo_t last;
static sigset_t held;
static char alternate[65536];
static int on_alternate;

static int is_held(int signal) { return sigismember(&held, signal); }

static void note(int signal, siginfo_t *info, void *context) {
  char here;
  (void)context;
  count++;
  last = *info;
  on_alternate = &here >= alternate && &here < alternate + sizeof alternate;
  sigprocmask(SIG_SETMASK, NULL, &held);
  (void)signal;
}

static void again(int signal) {
  if (++depth > deepest) deepest = depth;
  if (++count < 3) raise(signal);
  depth--;
}

static void set(int signal, void (*handler)(int, siginfo_t *, void *), int flags) {
  struct sigaction action = {0};
  action.sa_sigaction = handler;
  action.sa_flags = flags | SA_SIGINFO;
  sigaddset(&action.sa_mask, SIGUSR2);
  sigaction(signal, &action, NULL);
}

static void basics(void) {
  set(SIGUSR1, note, 0);
  raise(SIGUSR1);
  printf("raise: %d code %d from self %d, holds itself %d, its mask %d\n", count, last.si_code,
         last.si_pid == getpid(), is_held(SIGUSR1), is_held(SIGUSR2));
  kill(getpid(), SIGUSR1);
  printf("kill: code %d\n", last.si_code);
  union sigval value = {.sival_int = 4711};
  sigqueue(getpid(), SIGUSR1, value);
  printf("sigqueue: code %d value %d\n", last.si_code, last.si_value.sival_int);
  set(SIGUSR1, note, SA_NODEFER);
  raise(SIGUSR1);
  printf("nodefer: holds itself %d\n", is_held(SIGUSR1));
  set(SIGUSR1, note, SA_RESETHAND);
  raise(SIGUSR1);
  struct sigaction now;
  sigaction(SIGUSR1, NULL, &now);
  printf("resethand: default %d\n", now.sa_handler == SIG_DFL);
  struct sigaction nested = {.sa_handler = again, .sa_flags = SA_NODEFER};
  sigaction(SIGUSR1, &nested, NULL);
  count = 0;
  raise(SIGUSR1);
  printf("nested: %d deep\n", deepest);
  deepest = count = 0;
  nested.sa_flags = 0;
  sigaction(SIGUSR1, &nested, NULL);
  raise(SIGUSR1);
  printf("deferred: %d deep\n", deepest);
}

static void masks(void) {
  sigset_t some, old, waiting;
  set(SIGUSR1, note, 0);
  sigemptyset(&some);
  sigaddset(&some, SIGUSR1);
  sigaddset(&some, SIGRTMIN);
  sigprocmask(SIG_BLOCK, &some, &old);
  count = 0;
  raise(SIGUSR1);
  raise(SIGUSR1);
  sigpending(&waiting);
  printf("held back: %d, waits %d\n", count, sigismember(&waiting, SIGUSR1));
  sigprocmask(SIG_SETMASK, &old, NULL);
  printf("let through: %d\n", count);
  set(SIGRTMIN, note, 0);
  sigprocmask(SIG_BLOCK, &some, &old);
  for (int i = 0; i < 3; i++) sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = i});
  count = 0;
  sigprocmask(SIG_SETMASK, &old, NULL);
  printf("real-time: %d, the last %d\n", count, last.si_value.sival_int);
  sigprocmask(SIG_BLOCK, &some, &old);
  raise(SIGUSR1);
  siginfo_t info;
  int got = sigwaitinfo(&some, &info);
  printf("sigwaitinfo: %d, code %d\n", got == SIGUSR1, info.si_code);
  struct timespec soon = {0, 2000000};
  got = sigtimedwait(&some, &info, &soon);
  printf("sigtimedwait: %d %s\n", got, strerror(errno));
  pid_t child = fork();
  if (child == 0) {
    usleep(2000);
    kill(getppid(), SIGUSR1);
    _exit(0);
  }
  count = 0;
  int result = sigsuspend(&old);
  printf("sigsuspend: %d %s, handled %d\n", result, strerror(errno), count);
  sigprocmask(SIG_SETMASK, NULL, &waiting);
  printf("mask after: %d %d\n", sigismember(&waiting, SIGUSR1), sigismember(&waiting, SIGUSR2));
  waitpid(child, NULL, 0);
  sigprocmask(SIG_SETMASK, &old, NULL);
}

static void interrupts(void) {
  int ends[2];
  char byte;
  pipe(ends);
  struct itimerval soon = {{0, 0}, {0, 3000}};
  set(SIGALRM, note, 0);
  count = 0;
  setitimer(ITIMER_REAL, &soon, NULL);
  ssize_t n = read(ends[0], &byte, 1);
  printf("read: %zd %s, handled %d\n", n, strerror(errno), count);
  set(SIGALRM, note, SA_RESTART);
  pid_t child = fork();
  if (child == 0) {
    usleep(20000);
    write(ends[1], "x", 1);
    _exit(0);
  }
  setitimer(ITIMER_REAL, &soon, NULL);
  n = read(ends[0], &byte, 1);
  printf("restarted: %zd %c, handled %d\n", n, byte, count);
  waitpid(child, NULL, 0);
  struct timespec sleep = {5, 0}, rest = {0, 0};
  setitimer(ITIMER_REAL, &soon, NULL);
  int result = nanosleep(&sleep, &rest);
  printf("nanosleep: %d %s, rest %d\n", result, strerror(errno), rest.tv_sec == 4);
  setitimer(ITIMER_REAL, &soon, NULL);
  result = pause();
  printf("pause: %d %s\n", result, strerror(errno));
  child = fork();
  if (child == 0) {
    usleep(20000);
    _exit(7);
  }
  int status = 0;
  setitimer(ITIMER_REAL, &soon, NULL);
  result = waitpid(child, &status, 0);
  printf("waitpid: %d, exited %d\n", result == child, WEXITSTATUS(status));
}

static void stacks(void) {
  stack_t stack = {.ss_sp = alternate, .ss_size = sizeof alternate}, old;
  sigaltstack(&stack, &old);
  printf("had a stack: %d\n", !(old.ss_flags & SS_DISABLE));
  set(SIGUSR1, note, 0);
  raise(SIGUSR1);
  printf("without SA_ONSTACK: %d\n", on_alternate);
  set(SIGUSR1, note, SA_ONSTACK);
  raise(SIGUSR1);
  printf("with SA_ONSTACK: %d\n", on_alternate);
  stack.ss_size = 100;
  int result = sigaltstack(&stack, NULL);
  printf("too small: %d %s\n", result, strerror(errno));
  stack.ss_flags = SS_DISABLE;
  sigaltstack(&stack, NULL);
}

static sigjmp_buf back;

static void jump(int signal) { siglongjmp(back, signal); }

static double changed;

static void change(int signal, siginfo_t *info, void *context) {
  (void)signal;
  (void)info;
  volatile double other = 2.0;
  for (int i = 0; i < 10; i++) other *= 1.5;
  changed = other;
  (void)context;
}

static void contexts(void) {
  signal(SIGUSR1, jump);
  int caught = sigsetjmp(back, 1);
  if (caught == 0) raise(SIGUSR1);
  sigset_t mask;
  sigprocmask(SIG_SETMASK, NULL, &mask);
  printf("jumped out of %d, holds it back %d\n", caught == SIGUSR1, sigismember(&mask, SIGUSR1));
  set(SIGUSR1, change, 0);
  double sum = 0;
  for (int i = 1; i <= 10; i++) {
    double part = 1.0 / i;
    if (i == 5) raise(SIGUSR1);
    sum += part;
  }
  printf("floating point: %.6f %.6f\n", sum, changed);
}

static void deaths(void) {
  static const int signals[] = {SIGTERM, SIGKILL, SIGABRT, SIGPIPE, SIGALRM, SIGUSR2, SIGCHLD};
  for (unsigned i = 0; i < sizeof signals / sizeof *signals; i++) {
    pid_t child = fork();
    if (child == 0) {
      signal(signals[i], SIG_DFL);
      raise(signals[i]);
      _exit(3);
    }
    int status;
    waitpid(child, &status, 0);
    printf("%s: signaled %d, %d\n", strsignal(signals[i]), WIFSIGNALED(status),
           WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
  }
  pid_t child = fork();
  if (child == 0) {
    raise(SIGSTOP);
    _exit(5);
  }
  int status;
  waitpid(child, &status, WUNTRACED);
  printf("stopped %d by %d\n", WIFSTOPPED(status), WSTOPSIG(status));
  kill(child, SIGCONT);
  waitpid(child, &status, WCONTINUED);
  printf("continued %d\n", WIFCONTINUED(status));
  waitpid(child, &status, 0);
  printf("exited %d\n", WEXITSTATUS(status));
}

/** A timer's signal that is held back is for who waits for it, and nothing else happens meanwhile. */
static void timer_waits(void) {
  sigset_t alarms;
  sigemptyset(&alarms);
  sigaddset(&alarms, SIGALRM);
  sigprocmask(SIG_BLOCK, &alarms, NULL);
  for (int i = 0; i < 2; i++) {
    struct itimerval soon = {{0, 0}, {0, 20000}};
    int taken = 0;
    setitimer(ITIMER_REAL, &soon, NULL);
    int result = sigwait(&alarms, &taken);
    printf("sigwait %d, %d\n", result, taken == SIGALRM);
  }
  sigprocmask(SIG_UNBLOCK, &alarms, NULL);
}

int main(void) {
  setvbuf(stdout, NULL, _IONBF, 0);
  basics();
  masks();
  interrupts();
  stacks();
  contexts();
  timer_waits();
  deaths();
  return 0;
}
