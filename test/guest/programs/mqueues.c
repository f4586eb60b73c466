// POSIX message queues: what they answer, order, who waits, who is told, and what is refused.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void tell(const char *what, long result) {
  printf("%s: %ld %s\n", what, result, result < 0 ? strerror(errno) : "");
}

static void take(const char *what, mqd_t queue) {
  char text[64];
  unsigned priority = 99;
  ssize_t result = mq_receive(queue, text, sizeof text, &priority);
  printf("%s: %zd %s", what, result, result < 0 ? strerror(errno) : "");
  if (result >= 0) printf("%u '%.*s'", priority, (int)result, text);
  printf("\n");
}

static long open_raw(const char *name, int flags, int mode, struct mq_attr *attr) {
  return syscall(SYS_mq_open, name, flags, mode, attr);
}

static struct timespec in(long ms) {
  struct timespec moment;
  clock_gettime(CLOCK_REALTIME, &moment);
  moment.tv_nsec += ms * 1000000;
  moment.tv_sec += moment.tv_nsec / 1000000000;
  moment.tv_nsec %= 1000000000;
  return moment;
}

static void content(mqd_t queue) {
  char line[128];
  ssize_t got = pread(queue, line, sizeof line, 0);
  printf("%.*s", (int)(got > 38 ? 38 : got), line);
  printf("...\n");
}

int main(void) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  char longer[300];
  struct mq_attr attr = {0, 3, 32}, bad = {0, 0, 32}, got, set = {0};
  struct timespec moment = in(20), wrong = {0, -1};
  memset(longer, 'a', sizeof longer - 1);
  longer[299] = 0;
  mq_unlink("/procmem");
  tell("none", open_raw("procmem", O_RDWR, 0, NULL));
  tell("empty name", open_raw("", O_RDWR | O_CREAT, 0600, NULL));
  tell("slash", open_raw("/procmem", O_RDWR | O_CREAT, 0600, NULL));
  tell("dots", open_raw("..", O_RDWR | O_CREAT, 0600, NULL));
  tell("long name", open_raw(longer, O_RDWR | O_CREAT, 0600, NULL));
  tell("no messages", open_raw("procmem", O_RDWR | O_CREAT, 0600, &bad));
  bad = (struct mq_attr){0, 3, -1};
  tell("no size", open_raw("procmem", O_RDWR | O_CREAT, 0600, &bad));
  bad = (struct mq_attr){0, 65537, 1};
  tell("too many", open_raw("procmem", O_RDWR | O_CREAT, 0600, &bad));
  bad = (struct mq_attr){0, 1, 16777217};
  tell("too large", open_raw("procmem", O_RDWR | O_CREAT, 0600, &bad));
  mqd_t queue = mq_open("/procmem", O_RDWR | O_CREAT | O_EXCL | O_NONBLOCK, 0640, &attr);
  tell("exclusive", open_raw("procmem", O_RDWR | O_CREAT | O_EXCL, 0600, NULL));
  tell("close-on-exec", fcntl(queue, F_GETFD));
  char path[64], link[64];
  sprintf(path, "/proc/self/fd/%d", queue);
  ssize_t length = readlink(path, link, sizeof link);
  printf("%.*s\n", (int)length, link);
  take("empty", queue);
  tell("three", mq_send(queue, "low", 3, 1) | mq_send(queue, "first", 5, 5) | mq_send(queue, "second", 6, 5));
  tell("full", mq_send(queue, "x", 1, 1));
  content(queue);
  struct pollfd poller = {queue, POLLIN | POLLOUT, 0};
  poll(&poller, 1, 0);
  printf("events %x\n", poller.revents);
  tell("attributes", mq_getattr(queue, &got));
  printf("  %lx %ld %ld %ld\n", got.mq_flags, got.mq_maxmsg, got.mq_msgsize, got.mq_curmsgs);
  tell("too long", mq_send(queue, longer, 33, 1));
  tell("priority", mq_send(queue, "x", 1, 32768));
  tell("no room to receive", syscall(SYS_mq_timedreceive, queue, longer, 31, NULL, NULL));
  tell("address", syscall(SYS_mq_timedreceive, queue, (void *)8, 64, NULL, NULL));
  take("after that", queue);
  take("last", queue);
  take("empty", queue);
  tell("address", syscall(SYS_mq_timedsend, queue, (void *)8, 3, 0, NULL));
  tell("time", syscall(SYS_mq_timedsend, queue, "x", 1, 0, &wrong));
  tell("no descriptor", mq_send(99, "x", 1, 0));
  tell("no queue", mq_send(1, "x", 1, 0));
  set.mq_flags = 1;
  tell("flags", syscall(SYS_mq_getsetattr, queue, &set, NULL));
  set.mq_flags = 0;
  tell("blocks from now on", mq_setattr(queue, &set, &got));
  printf("  had been %lx\n", got.mq_flags);
  moment = in(20);
  tell("too late", mq_timedreceive(queue, longer, sizeof longer, NULL, &moment));
  int reader = open_raw("procmem", O_RDONLY, 0, NULL), writer = open_raw("procmem", O_WRONLY, 0, NULL);
  tell("reader writes", mq_send(reader, "x", 1, 0));
  tell("writer reads", mq_receive(writer, longer, sizeof longer, NULL));
  tell("both at once", open_raw("procmem", 3, 0, NULL));
  pid_t child = fork();
  if (child == 0) {
    take("waited for", queue);
    _exit(0);
  }
  usleep(30000);
  mq_send(queue, "come", 4, 7);
  waitpid(child, NULL, 0);
  for (int i = 0; i < 3; i++) mq_send(queue, "fill", 4, 0);
  child = fork();
  if (child == 0) {
    tell("sent when there was room", mq_send(queue, "urgent", 6, 9));
    _exit(0);
  }
  usleep(30000);
  moment = in(20);
  tell("too late to send", mq_timedsend(queue, "x", 1, 0, &moment));
  char text[64];
  mq_receive(queue, text, sizeof text, NULL);
  waitpid(child, NULL, 0);
  take("urgent", queue);
  take("fill", queue);
  take("fill", queue);
  sigset_t all;
  siginfo_t info;
  sigfillset(&all);
  sigprocmask(SIG_BLOCK, &all, NULL);
  struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1, .sigev_value.sival_int = 42};
  tell("tell me", mq_notify(queue, &event));
  content(queue);
  tell("again", mq_notify(queue, &event));
  child = fork();
  if (child == 0) {
    tell("another", mq_notify(queue, &event));
    mq_send(queue, "news", 4, 0);
    _exit(0);
  }
  waitpid(child, NULL, 0);
  struct timespec second = {1, 0};
  sigset_t one;
  sigemptyset(&one);
  sigaddset(&one, SIGUSR1);
  int signal = sigtimedwait(&one, &info, &second);
  printf("told: %d code %d value %d from the child %d\n", signal, info.si_code, info.si_value.sival_int,
         info.si_pid == child);
  mq_send(queue, "more", 4, 0);
  second = (struct timespec){0, 0};
  tell("only once", sigtimedwait(&one, &info, &second));
  tell("not when it is not empty", mq_notify(queue, &event));
  mq_send(queue, "more", 4, 0);
  tell("not", sigtimedwait(&one, &info, &second));
  tell("no more", mq_notify(queue, NULL));
  event.sigev_signo = 65;
  tell("signal", mq_notify(queue, &event));
  event.sigev_notify = 9;
  tell("way", mq_notify(queue, &event));
  fflush(stdout);
  if (fork() == 0) {
    if (setgid(1234) < 0 || setuid(1234) < 0) _exit(1);
    tell("other reads", open_raw("procmem", O_RDONLY, 0, NULL));
    tell("other removes", syscall(SYS_mq_unlink, "procmem"));
    bad = (struct mq_attr){0, 11, 1};
    tell("other, too many", open_raw("other", O_RDWR | O_CREAT, 0600, &bad));
    bad = (struct mq_attr){0, 10, 8193};
    tell("other, too large", open_raw("other", O_RDWR | O_CREAT, 0600, &bad));
    int count = 0, failed = 0;
    while (count < 20 && !failed) {
      sprintf(path, "other%d", count);
      if (open_raw(path, O_RDWR | O_CREAT, 0600, NULL) < 0) failed = errno;
      else count++;
    }
    printf("queues of one user: %d, then %s\n", count, strerror(failed));
    for (int i = 0; i < count; i++) {
      sprintf(path, "other%d", i);
      syscall(SYS_mq_unlink, path);
    }
    _exit(0);
  }
  wait(NULL);
  tell("unlink", mq_unlink("/procmem"));
  tell("unlink", mq_unlink("/procmem"));
  take("still there", queue);
  tell("close", mq_close(queue));
}
