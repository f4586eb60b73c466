// Timers that are files: what they count, who waits for them, and what is refused.
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

static void tell(const char *what, long result) {
  printf("%s: %ld %s\n", what, result, result < 0 ? strerror(errno) : "");
}

static int set(int fd, int flags, long value_ms, long interval_ms) {
  struct itimerspec spec = {{interval_ms / 1000, interval_ms % 1000 * 1000000},
                            {value_ms / 1000, value_ms % 1000 * 1000000}};
  return timerfd_settime(fd, flags, &spec, NULL);
}

static void count(const char *what, int fd) {
  unsigned long long ticks = 0;
  long result = read(fd, &ticks, sizeof ticks);
  tell(what, result);
  if (result > 0) printf("  went off: %llu\n", ticks);
}

static void refused(int fd) {
  struct itimerspec bad = {{0, 0}, {0, 1000000000}};
  char byte;
  tell("clock", timerfd_create(2, 0));
  tell("flags", timerfd_create(CLOCK_MONOTONIC, 1));
  tell("time", timerfd_settime(fd, 0, &bad, NULL));
  tell("settime flags", set(fd, 8, 1, 0));
  tell("no timer", set(1, 0, 1, 0));
  tell("no descriptor", set(99, 0, 1, 0));
  tell("address", timerfd_gettime(fd, (void *)8));
  tell("short read", read(fd, &byte, 1));
  tell("write", write(fd, "12345678", 8));
}

static void waits(int fd) {
  struct itimerspec left;
  struct pollfd poller = {fd, POLLIN, 0};
  tell("once", set(fd, 0, 20, 0));
  count("read", fd);
  tell("poll when it is off", poll(&poller, 1, 10));
  tell("at a moment long ago", set(fd, TFD_TIMER_ABSTIME, 1, 0));
  tell("poll", poll(&poller, 1, 1000));
  printf("  events %x\n", poller.revents);
  count("read", fd);
  tell("an hour", set(fd, 0, 3600000, 0));
  tell("gettime", timerfd_gettime(fd, &left));
  printf("  nearly: %d\n", left.it_value.tv_sec >= 3599 && left.it_interval.tv_sec == 0);
  tell("taken away", set(fd, 0, 0, 0));
  timerfd_gettime(fd, &left);
  printf("  nothing left: %d\n", left.it_value.tv_sec == 0 && left.it_value.tv_nsec == 0);
}

static void repeats(void) {
  int fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);
  int set_of = epoll_create1(0);
  struct epoll_event event = {.events = EPOLLIN | EPOLLET};
  epoll_ctl(set_of, EPOLL_CTL_ADD, fd, &event);
  count("nothing yet", fd);
  set(fd, 0, 20, 20);
  tell("news", epoll_wait(set_of, &event, 1, 1000));
  tell("no more before it is read", epoll_wait(set_of, &event, 1, 70));
  unsigned long long ticks = 0;
  read(fd, &ticks, 8);
  printf("  three or more: %d\n", ticks >= 3 && ticks < 20);
  tell("news", epoll_wait(set_of, &event, 1, 1000));
  printf("flags %x %x\n", fcntl(fd, F_GETFL), fcntl(fd, F_GETFD));
}

int main(void) {
  int fd = timerfd_create(CLOCK_MONOTONIC, 0);
  char link[64], name[64] = {0};
  sprintf(link, "/proc/self/fd/%d", fd);
  readlink(link, name, sizeof name - 1);
  printf("%s\n", name);
  refused(fd);
  waits(fd);
  repeats();
  return 0;
}
