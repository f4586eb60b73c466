/* What the programs about sockets have alike. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *answer(long result) {
  static char texts[8][64];
  static int next;
  char *text = texts[next++ & 7];
  if (result < 0) snprintf(text, 64, "%s", strerrorname_np(errno));
  else snprintf(text, 64, "%ld", result);
  return text;
}
#define SHOW(what, call) printf("%s: %s\n", what, answer(call))

static struct sockaddr_in in4(const char *addr, int port) {
  struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};
  inet_pton(AF_INET, addr, &in.sin_addr);
  return in;
}
static struct sockaddr_in6 in6(const char *addr, int port) {
  struct sockaddr_in6 in = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
  inet_pton(AF_INET6, addr, &in.sin6_addr);
  return in;
}
static int port_of(int fd) {
  struct sockaddr_in6 in = {0};
  socklen_t size = sizeof in;
  getsockname(fd, (void *)&in, &size);
  return ntohs(in.sin6_port);
}
static int try_bind(int fd, const char *addr, int port) {
  struct sockaddr_in in = in4(addr, port);
  return bind(fd, (void *)&in, sizeof in);
}
static int try_bind6(int fd, const char *addr, int port) {
  struct sockaddr_in6 in = in6(addr, port);
  return bind(fd, (void *)&in, sizeof in);
}
static int try_connect(int fd, const char *addr, int port) {
  struct sockaddr_in in = in4(addr, port);
  return connect(fd, (void *)&in, sizeof in);
}
static int try_connect6(int fd, const char *addr, int port) {
  struct sockaddr_in6 in = in6(addr, port);
  return connect(fd, (void *)&in, sizeof in);
}
static const char *name(int fd, int peer) {
  static char texts[4][128];
  static int next;
  char *text = texts[next++ & 3], addr[64];
  struct sockaddr_in6 in;
  socklen_t size = sizeof in;
  if ((peer ? getpeername : getsockname)(fd, (void *)&in, &size) < 0) return strerrorname_np(errno);
  struct sockaddr_in *v4 = (void *)&in;
  if (in.sin6_family == AF_INET) inet_ntop(AF_INET, &v4->sin_addr, addr, sizeof addr);
  else inet_ntop(AF_INET6, &in.sin6_addr, addr, sizeof addr);
  snprintf(text, 128, "%s port %s, %d bytes", addr, in.sin6_port ? "some" : "none", size);
  return text;
}
static int events(int fd) {
  struct pollfd p = {fd, -1, 0};
  poll(&p, 1, 0);
  return p.revents;
}
static int option(int fd, int level, int which) {
  int value = -1;
  socklen_t size = sizeof value;
  if (getsockopt(fd, level, which, &value, &size) < 0) return -errno;
  return value;
}
static int set(int fd, int level, int which, int value) {
  return setsockopt(fd, level, which, &value, sizeof value);
}
static int pipes;
static void on_pipe(int signal) { pipes++; }

/* Runs the parts of a program, each under its name. */
struct part {
  const char *name;
  void (*run)(void);
};
static int run_parts(const struct part *parts, int count) {
  setvbuf(stdout, 0, _IONBF, 0);
  signal(SIGPIPE, on_pipe);
  for (int i = 0; i < count; i++) {
    printf("-- %s\n", parts[i].name);
    parts[i].run();
  }
  return 0;
}
