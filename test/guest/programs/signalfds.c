// Signals that are read: what they tell, who waits for them, and what is refused.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void tell(const char *what, long result) {
  printf("%s: %ld %s\n", what, result, result < 0 ? strerror(errno) : "");
}

static sigset_t set_of(int a, int b, int c) {
  sigset_t set;
  sigemptyset(&set);
  if (a) sigaddset(&set, a);
  if (b) sigaddset(&set, b);
  if (c) sigaddset(&set, c);
  return set;
}

static int child;
static void show(const char *what, int fd, int most) {
  struct signalfd_siginfo got[4];
  memset(got, 0xff, sizeof got);
  ssize_t result = read(fd, got, most * sizeof *got);
  tell(what, result);
  for (int i = 0; i < result / (ssize_t)sizeof *got; i++) {
    struct signalfd_siginfo *one = &got[i];
    const char *who = one->ssi_pid == getpid() ? "me" : one->ssi_pid == child ? "child" : one->ssi_pid == 0 ? "nobody" : "another";
    printf("  %u errno %d code %d from %s uid %u fd %d tid %u band %u overrun %u trap %u status %d int %d ptr %llx addr %llx\n",
           one->ssi_signo, one->ssi_errno, one->ssi_code, who, one->ssi_uid, one->ssi_fd, one->ssi_tid, one->ssi_band,
           one->ssi_overrun, one->ssi_trapno, one->ssi_status, one->ssi_int, (long long)one->ssi_ptr,
           (long long)one->ssi_addr);
  }
}

static void fdinfo(int fd) {
  char path[64], line[256];
  sprintf(path, "/proc/self/fdinfo/%d", fd);
  FILE *file = fopen(path, "r");
  while (fgets(line, sizeof line, file))
    if (!strncmp(line, "sigmask", 7) || !strncmp(line, "flags", 5)) fputs(line, stdout);
  fclose(file);
  sprintf(path, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(path, line, sizeof line);
  printf("%.*s\n", (int)length, line);
}

static volatile int handled;
static void on_signal(int signal) { handled++; }

static void *sends(void *argument) {
  usleep(20000);
  kill(getpid(), SIGUSR1);
  return argument;
}

int main(void) {
  setvbuf(stdout, NULL, _IONBF, 0);
  sigset_t mask = set_of(SIGUSR1, SIGCHLD, SIGRTMIN), all, one;
  sigfillset(&all);
  tell("flags", signalfd(-1, &mask, 1));
  tell("size", syscall(SYS_signalfd4, -1, &mask, 4, 0));
  tell("mask", syscall(SYS_signalfd4, -1, (void *)8, 8, 0));
  tell("descriptor", signalfd(99, &mask, 0));
  tell("another kind", signalfd(1, &mask, 0));
  tell("minus two", signalfd(-2, &mask, 0));
  int fd = signalfd(-1, &all, SFD_NONBLOCK);
  fdinfo(fd);
  tell("other signals", signalfd(fd, &mask, SFD_CLOEXEC) == fd ? 0 : -1);
  fdinfo(fd);
  sigprocmask(SIG_BLOCK, &all, NULL);
  struct pollfd poller = {fd, POLLIN | POLLOUT, 0};
  tell("nothing to read", poll(&poller, 1, 0));
  show("nothing", fd, 1);
  tell("short", read(fd, &all, 127));
  tell("write", write(fd, &all, 8));
  tell("seek", lseek(fd, 0, SEEK_SET));
  tell("pread", pread(fd, &all, 128, 0));
  kill(getpid(), SIGUSR1);
  kill(getpid(), SIGUSR1);
  kill(getpid(), SIGUSR2);
  union sigval value = {.sival_ptr = (void *)0x1122334455667788};
  sigqueue(getpid(), SIGRTMIN, value);
  value.sival_ptr = (void *)2;
  sigqueue(getpid(), SIGRTMIN, value);
  tell("ready", poll(&poller, 1, 0));
  printf("  events %x\n", poller.revents);
  show("four at most", fd, 4);
  show("no more", fd, 4);
  one = set_of(SIGUSR2, 0, 0);
  signalfd(fd, &one, 0);
  show("the other", fd, 1);
  signalfd(fd, &mask, 0);
  raise(SIGUSR1);
  show("to a thread", fd, 1);
  child = fork();
  if (child == 0) _exit(5);
  waitpid(child, NULL, 0);
  show("child", fd, 1);
  child = fork();
  if (child == 0) {
    pause();
    _exit(0);
  }
  kill(child, SIGKILL);
  waitpid(child, NULL, 0);
  show("killed", fd, 1);
  timer_t timer;
  struct sigevent event = {0};
  struct itimerspec spec = {{0, 0}, {0, 1000000}};
  event.sigev_notify = SIGEV_SIGNAL;
  event.sigev_signo = SIGUSR1;
  event.sigev_value.sival_ptr = (void *)0x77;
  timer_create(CLOCK_MONOTONIC, &event, &timer);
  timer_settime(timer, 0, &spec, NULL);
  tell("timer", poll(&poller, 1, 2000));
  show("timer", fd, 1);
  int blocking = signalfd(-1, &mask, 0);
  pthread_t thread;
  pthread_create(&thread, NULL, sends, NULL);
  show("waited", blocking, 2);
  pthread_join(thread, NULL);
  // A child has its own signals behind the same file.
  kill(getpid(), SIGUSR1);
  child = fork();
  if (child == 0) {
    show("not the child's", fd, 1);
    child = getppid();
    kill(getpid(), SIGUSR1);
    show("the child's", fd, 1);
    _exit(0);
  }
  waitpid(child, NULL, 0);
  show("the parent's", fd, 4);
  int epoll = epoll_create1(0);
  struct epoll_event watched = {EPOLLIN | EPOLLET, {.u64 = 9}}, ready;
  epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &watched);
  tell("edge", epoll_wait(epoll, &ready, 1, 0));
  kill(getpid(), SIGUSR1);
  tell("edge", epoll_wait(epoll, &ready, 1, 0));
  tell("edge", epoll_wait(epoll, &ready, 1, 0));
  show("read", fd, 1);
  kill(getpid(), SIGUSR1);
  tell("edge", epoll_wait(epoll, &ready, 1, 0));
  show("read", fd, 1);
  // What is let through runs its handler and is not read.
  signal(SIGUSR1, on_signal);
  one = set_of(SIGUSR1, 0, 0);
  sigprocmask(SIG_UNBLOCK, &one, NULL);
  kill(getpid(), SIGUSR1);
  show("handled", fd, 1);
  printf("handled %d\n", handled);
}
