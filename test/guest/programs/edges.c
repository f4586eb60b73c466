// What counts as news to an epoll with EPOLLET: each arrival does, though nothing was read since the last.
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

static int watch(int fd) {
  int set = epoll_create1(0);
  struct epoll_event event = {.events = EPOLLIN | EPOLLET};
  epoll_ctl(set, EPOLL_CTL_ADD, fd, &event);
  return set;
}

static void tell(const char *what, int set) {
  struct epoll_event event = {0};
  int count = epoll_wait(set, &event, 1, 0);
  printf("  %s: %d %x\n", what, count, count > 0 ? event.events : 0);
}

static void edges(const char *name, int from, int to, const void *bytes, int size) {
  char buffer[8];
  int set = watch(from);
  printf("%s\n", name);
  tell("empty", set);
  write(to, bytes, size);
  tell("written", set);
  tell("asked again", set);
  write(to, bytes, size);
  tell("written again", set);
  read(from, buffer, size);
  tell("read", set);
  write(to, bytes, size);
  write(to, bytes, size);
  tell("written twice", set);
  tell("asked again", set);
}

int main(void) {
  unsigned long long one = 1;
  int pair[2];
  int counter = eventfd(0, 0);
  edges("eventfd", counter, counter, &one, 8);
  pipe(pair);
  edges("pipe", pair[0], pair[1], "a", 1);
  socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
  edges("stream", pair[0], pair[1], "a", 1);
  socketpair(AF_UNIX, SOCK_DGRAM, 0, pair);
  edges("datagram", pair[0], pair[1], "a", 1);
  return 0;
}
