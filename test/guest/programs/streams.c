/* Streams over loopback: what is sent, what poll sees, how connections end. */
#define _GNU_SOURCE
#include "sockets.h"
#include "streams.h"

static void talking(void) {
  int a, b, count;
  char buffer[64] = "";
  pair(&a, &b);
  show_state("idle", a);
  SHOW("send", send(a, "hello ", 6, 0));
  SHOW("send", send(a, "world", 5, 0));
  show_state("comes", b);
  ioctl(b, FIONREAD, &count);
  printf("unread %d\n", count);
  ioctl(a, TIOCOUTQ, &count);
  printf("unsent %d\n", count);
  SHOW("peek", recv(b, buffer, 3, MSG_PEEK));
  SHOW("peek all", recv(b, buffer, 64, MSG_PEEK | MSG_WAITALL | MSG_DONTWAIT));
  printf("%s\n", buffer);
  SHOW("throw away", recv(b, 0, 6, MSG_TRUNC));
  memset(buffer, 0, sizeof buffer);
  SHOW("read", read(b, buffer, 64));
  printf("%s\n", buffer);
  SHOW("recv of nothing", recv(b, buffer, 1, MSG_DONTWAIT));
  SHOW("read 0", read(b, buffer, 0));
  struct sockaddr_in to = in4("127.0.0.1", 1);
  SHOW("sendto with an address", sendto(a, "x", 1, 0, (void *)&to, sizeof to));
  struct sockaddr_in from;
  socklen_t size = sizeof from;
  SHOW("recvfrom", recvfrom(b, buffer, 9, 0, (void *)&from, &size));
  printf("address of %d bytes\n", size);
  struct iovec out[3] = {{"ab", 2}, {"", 0}, {"cde", 3}}, in[2] = {{buffer, 1}, {buffer + 8, 9}};
  SHOW("writev", writev(a, out, 3));
  SHOW("readv", readv(b, in, 2));
  printf("%c %.4s\n", buffer[0], buffer + 8);
  char control[64];
  struct msghdr message = {&from, sizeof from, in, 2, control, sizeof control, -1};
  SHOW("sendmsg", sendmsg(a, &(struct msghdr){0, 0, out, 3}, 0));
  SHOW("recvmsg", recvmsg(b, &message, 0));
  printf("name %d control %zu flags %x\n", message.msg_namelen, message.msg_controllen, message.msg_flags);
  SHOW("bad address", write(a, (void *)8, 5));
  SHOW("nothing came", recv(b, buffer, 1, MSG_DONTWAIT));
  send(a, "keep", 4, 0);
  SHOW("bad address", read(b, (void *)8, 5));
  SHOW("it is still there", read(b, buffer, 5));
  set(b, SOL_SOCKET, SO_RCVLOWAT, 4);
  send(a, "abc", 3, 0);
  show_state("three of four", b);
  send(a, "d", 1, 0);
  show_state("four", b);
  SHOW("read", recv(b, buffer, 9, 0));
  set(b, SOL_SOCKET, SO_RCVLOWAT, 1);
  struct timeval little = {0, 60000};
  setsockopt(b, SOL_SOCKET, SO_RCVTIMEO, &little, sizeof little);
  SHOW("waits a little", recv(b, buffer, 1, 0));
  send(a, "12", 2, 0);
  SHOW("waits for all a little", recv(b, buffer, 5, MSG_WAITALL));
  close(a), close(b);
  pair(&a, &b);
  if (fork() == 0) {
    for (int i = 0; i < 5; i++) pause_ms(20), send(a, "1234", 4, 0);
    _exit(0);
  }
  SHOW("waits for all", recv(b, buffer, 20, MSG_WAITALL));
  wait(0);
  // More than both buffers hold, in one call.
  size_t big = 12 << 20, got = 0, sum = 0;
  unsigned char *data = malloc(big);
  for (size_t i = 0; i < big; i++) data[i] = i * 2654435761u >> 24;
  if (fork() == 0) {
    close(b);
    _exit(write(a, data, big) == (ssize_t)big ? 7 : 8);
  }
  close(a);
  unsigned char part[50000];
  for (ssize_t n; (n = read(b, part, sizeof part)) > 0; got += n)
    for (ssize_t i = 0; i < n; i++) sum += part[i] != data[got + i];
  int status;
  wait(&status);
  printf("read %zu, wrong %zu, writer %d\n", got, sum, WEXITSTATUS(status));
  close(b);
  pair(&a, &b);
  fcntl(a, F_SETFL, O_NONBLOCK);
  size_t put = 0;
  ssize_t n;
  while ((n = write(a, data, 65536)) > 0) put += n;
  printf("full: %s, more than a buffer %d, poll %x\n", answer(n), put > 2000000, events(a));
  while (put > 0 && (n = read(b, part, sizeof part)) > 0) put -= n;
  pause_ms(20);
  printf("empty: left %zu poll %x\n", put, events(a));
  close(a), close(b);
  /* A file, through sendfile, to who reads it slowly. */
  FILE *file = tmpfile();
  fwrite(data, 1, big, file);
  fflush(file);
  pair(&a, &b);
  if (fork() == 0) {
    close(b);
    off_t at = 0;
    while (at < (off_t)big && sendfile(a, fileno(file), &at, big) > 0);
    _exit(at == (off_t)big ? 7 : 8);
  }
  close(a);
  for (got = sum = 0; (n = read(b, part, sizeof part)) > 0; got += n)
    for (ssize_t i = 0; i < n; i++) sum += part[i] != data[got + i];
  wait(&status);
  printf("file: read %zu, wrong %zu, writer %d\n", got, sum, WEXITSTATUS(status));
  fclose(file);
  free(data);
  close(b);
}

static void ending(void) {
  int a, b;
  char byte;
  pair(&a, &b);
  pipes = 0;
  SHOW("shut a's writing", shutdown(a, SHUT_WR));
  show_state("a", a);
  show_state("b", b);
  SHOW("write", write(a, "x", 1));
  printf("signals %d\n", pipes);
  SHOW("b reads", read(b, &byte, 1));
  SHOW("b writes", write(b, "y", 1));
  SHOW("a reads", read(a, &byte, 1));
  close(b);
  show_state("b closed, a", a);
  SHOW("a reads", read(a, &byte, 1));
  printf("names %s / %s\n", name(a, 0), name(a, 1));
  close(a);
  pair(&a, &b);
  write(a, "left", 4);
  close(a);
  show_state("a closed, b", b);
  SHOW("b reads", read(b, &byte, 1));
  SHOW("b writes", write(b, "y", 1));
  show_state("b", b);
  SHOW("b writes", write(b, "y", 1));
  SHOW("b reads", recv(b, &byte, 1, 0));
  char rest[8];
  SHOW("b reads", recv(b, rest, 8, 0));
  SHOW("b reads", recv(b, rest, 8, 0));
  show_state("b", b);
  close(b);
  pair(&a, &b);
  write(b, "unread", 6);
  close(a);
  printf("a closed with something to read, b: poll %x state %d\n", events(b), state(b));
  SHOW("b reads", read(b, &byte, 1));
  SHOW("b reads", read(b, &byte, 1));
  pipes = 0;
  SHOW("b writes", write(b, "y", 1));
  printf("signals %d\n", pipes);
  SHOW("shutdown", shutdown(b, SHUT_RDWR));
  printf("names %s / %s\n", name(b, 0), name(b, 1));
  close(b);
  pair(&a, &b);
  struct linger linger = {1, 0};
  setsockopt(a, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
  write(a, "sent", 4);
  close(a);
  printf("a closed at once, b: poll %x state %d\n", events(b), state(b));
  SHOW("b reads what came", read(b, rest, 8));
  SHOW("b writes", send(b, "y", 1, MSG_NOSIGNAL));
  SHOW("b writes", send(b, "y", 1, MSG_NOSIGNAL));
  SHOW("b reads", read(b, rest, 8));
  close(b);
  pair(&a, &b);
  SHOW("shut a's reading", shutdown(a, SHUT_RD));
  show_state("a", a);
  show_state("b", b);
  SHOW("b writes", write(b, "x", 1));
  SHOW("a reads", read(a, &byte, 1));
  SHOW("a reads", read(a, &byte, 1));
  SHOW("shut both", shutdown(a, SHUT_RDWR));
  SHOW("b writes", write(b, "x", 1));
  show_state("b", b);
  close(a), close(b);
  int l = listener(5), c = stream(0);
  try_connect(c, "127.0.0.1", port_of(l));
  write(c, "x", 1);
  close(l);
  printf("never accepted: poll %x state %d\n", events(c), state(c));
  SHOW("read", read(c, &byte, 1));
  close(c);
  l = listener(5), c = stream(0);
  try_connect(c, "127.0.0.1", port_of(l));
  write(c, "bye", 3);
  close(c);
  b = accept(l, 0, 0);
  printf("gone before it was accepted: %s\n", name(b, 1));
  SHOW("read", read(b, rest, 8));
  SHOW("read", read(b, rest, 8));
  close(b);
  SHOW("shut the listener's writing", shutdown(l, SHUT_WR));
  show_state("it", l);
  SHOW("shut the listener", shutdown(l, SHUT_RD));
  show_state("it", l);
  SHOW("accept", accept(l, 0, 0));
  SHOW("listen again", listen(l, 5));
  show_state("it", l);
  close(l);
  pair(&a, &b);
  struct sockaddr none = {AF_UNSPEC};
  SHOW("disconnect", connect(a, &none, sizeof none));
  show_state("a", a);
  SHOW("b reads", read(b, &byte, 1));
  printf("names %s / %s\n", name(a, 0), name(a, 1));
  l = listener(5);
  SHOW("connect elsewhere", try_connect(a, "127.0.0.1", port_of(l)));
  close(a), close(b);
  // Who closes first keeps the port for a while.
  int port = port_of(l);
  c = stream(0);
  try_connect(c, "127.0.0.1", port);
  while ((b = accept(l, 0, 0)) >= 0 && recv(b, &byte, 1, MSG_DONTWAIT) == 0) close(b);
  close(l), close(b);
  read(c, &byte, 1);
  close(c);
  a = stream(0);
  SHOW("the port lingers", try_bind(a, "127.0.0.1", port));
  set(a, SOL_SOCKET, SO_REUSEADDR, 1);
  SHOW("and can be reused", try_bind(a, "127.0.0.1", port));
  close(a);
}

static void urgent(void) {
  int a, b, mark;
  char buffer[16];
  pair(&a, &b);
  SHOW("recv of none", recv(b, buffer, 1, MSG_OOB));
  send(a, "abc", 3, 0);
  SHOW("send", send(a, "XY", 2, MSG_OOB));
  send(a, "def", 3, 0);
  show_state("b", b);
  SHOW("peek", recv(b, buffer, 1, MSG_OOB | MSG_PEEK));
  SHOW("recv", recv(b, buffer, 1, MSG_OOB));
  printf("%c\n", buffer[0]);
  SHOW("recv again", recv(b, buffer, 1, MSG_OOB));
  show_state("b", b);
  int n = read(b, buffer, 16);
  ioctl(b, SIOCATMARK, &mark);
  printf("%.*s, at the mark %d\n", n, buffer, mark);
  n = read(b, buffer, 16);
  ioctl(b, SIOCATMARK, &mark);
  printf("%.*s, at the mark %d\n", n, buffer, mark);
  set(b, SOL_SOCKET, SO_OOBINLINE, 1);
  send(a, "12", 2, MSG_OOB);
  n = read(b, buffer, 16);
  printf("%.*s\n", n, buffer);
  n = read(b, buffer, 16);
  printf("%.*s\n", n, buffer);
  close(a), close(b);
}

static void edges(void) {
  int a, b, e = epoll_create1(0);
  pair(&a, &b);
  struct epoll_event event = {EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, {.fd = b}};
  epoll_ctl(e, EPOLL_CTL_ADD, b, &event);
  char byte;
#define WAIT(what) do { int n = epoll_wait(e, &event, 1, 0); printf("%s: %d %x\n", what, n, n > 0 ? event.events : 0); } while (0)
  WAIT("first");
  WAIT("nothing new");
  write(a, "x", 1);
  WAIT("a byte");
  WAIT("no other");
  write(a, "y", 1);
  WAIT("another");
  read(b, &byte, 1);
  WAIT("one read");
  shutdown(a, SHUT_WR);
  WAIT("the end");
  close(a);
  WAIT("closed");
  write(b, "x", 1);
  WAIT("reset");
  close(b);
  close(e);
}

int main(void) {
  static const struct part parts[] = {{"talking", talking}, {"ending", ending}, {"urgent", urgent}, {"edges", edges}};
  return run_parts(parts, sizeof parts / sizeof *parts);
}
