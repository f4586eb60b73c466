/* Datagrams over loopback: who gets them, what is refused, what is told beside. */
#define _GNU_SOURCE
#include "sockets.h"

static long to(int fd, const char *addr, int port, const char *text) {
  struct sockaddr_in in = in4(addr, port);
  return sendto(fd, text, strlen(text), 0, (void *)&in, sizeof in);
}
static long to6(int fd, const char *addr, int port, const char *text) {
  struct sockaddr_in6 in = in6(addr, port);
  return sendto(fd, text, strlen(text), 0, (void *)&in, sizeof in);
}
static int datagram(void) { return socket(AF_INET, SOCK_DGRAM, 0); }
static int bound(const char *addr) {
  int fd = datagram();
  try_bind(fd, addr, 0);
  return fd;
}
static void state(const char *what, int fd) {
  int ready = events(fd);
  printf("%s: poll %x error %d\n", what, ready, option(fd, SOL_SOCKET, SO_ERROR));
}
/* What waits at a socket, without waiting for it. */
static void got(const char *what, int fd) {
  char buffer[64], addr[64] = "nowhere";
  struct sockaddr_in6 from;
  socklen_t size = sizeof from;
  long n = recvfrom(fd, buffer, sizeof buffer, MSG_DONTWAIT, (void *)&from, &size);
  if (n < 0) {
    printf("%s: %s\n", what, strerrorname_np(errno));
    return;
  }
  struct sockaddr_in *v4 = (void *)&from;
  if (from.sin6_family == AF_INET) inet_ntop(AF_INET, &v4->sin_addr, addr, sizeof addr);
  else inet_ntop(AF_INET6, &from.sin6_addr, addr, sizeof addr);
  printf("%s: %ld %.*s from %s, %d bytes\n", what, n, (int)n, buffer, addr, size);
}

static void plain(void) {
  int a = datagram(), b = bound("127.0.0.1"), count;
  char buffer[64];
  state("new", a);
  printf("names %s / %s\n", name(a, 0), name(a, 1));
  SHOW("recv of nothing", recv(a, buffer, 1, MSG_DONTWAIT));
  SHOW("send to nobody", send(a, "x", 1, 0));
  SHOW("listen", listen(a, 1));
  SHOW("accept", accept(a, 0, 0));
  SHOW("send", to(a, "127.0.0.1", port_of(b), "hello"));
  printf("names %s / %s\n", name(a, 0), name(a, 1));
  SHOW("send nothing", to(a, "127.0.0.1", port_of(b), ""));
  SHOW("send", to(a, "127.0.0.2", port_of(b), "to another address"));
  ioctl(b, FIONREAD, &count);
  printf("first %d\n", count);
  state("comes", b);
  SHOW("peek", recv(b, buffer, 2, MSG_PEEK | MSG_TRUNC));
  SHOW("read two", read(b, buffer, 2));
  got("the empty one", b);
  got("no more", b);
  struct sockaddr_in in = in4("127.0.0.1", port_of(b));
  SHOW("short address", sendto(a, "x", 1, 0, (void *)&in, 8));
  SHOW("port 0", to(a, "127.0.0.1", 0, "x"));
  in.sin_family = 77;
  SHOW("another family", sendto(a, "x", 1, 0, (void *)&in, sizeof in));
  in.sin_family = AF_UNSPEC;
  SHOW("no family", sendto(a, "y", 1, 0, (void *)&in, sizeof in));
  got("it", b);
  char *big = calloc(1, 70000);
  in.sin_family = AF_INET;
  static const int sizes[] = {65507, 65508, 65535, 65536, 70000};
  for (int i = 0; i < 5; i++) {
    printf("%d bytes: %s\n", sizes[i], answer(sendto(a, big, sizes[i], 0, (void *)&in, sizeof in)));
    while (recv(b, buffer, 1, MSG_DONTWAIT) >= 0);
  }
  free(big);
  SHOW("broadcast", to(a, "127.255.255.255", port_of(b), "x"));
  set(a, SOL_SOCKET, SO_BROADCAST, 1);
  SHOW("broadcast allowed", to(a, "127.255.255.255", port_of(b), "x"));
  got("bound to one address", b);
  SHOW("out of band", send(a, "x", 1, MSG_OOB));
  SHOW("recv out of band", recv(b, buffer, 1, MSG_OOB | MSG_DONTWAIT));
  SHOW("bad address", to(a, "127.0.0.1", port_of(b), (char *)"z"));
  SHOW("read to a bad one", recv(b, (void *)8, 5, 0));
  got("is it lost", b);
  struct timeval little = {0, 60000};
  setsockopt(b, SOL_SOCKET, SO_RCVTIMEO, &little, sizeof little);
  SHOW("waits a little", recv(b, buffer, 1, 0));
  close(a), close(b);
}

static void connected(void) {
  int a = datagram(), b = bound("127.0.0.1"), c = bound("127.0.0.1"), gone = bound("127.0.0.1");
  char buffer[8];
  int nobody = port_of(gone);
  close(gone);
  SHOW("connect", try_connect(a, "127.0.0.1", port_of(b)));
  printf("names %s / %s\n", name(a, 0), name(a, 1));
  SHOW("send", send(a, "one", 3, 0));
  SHOW("to another", to(a, "127.0.0.1", port_of(c), "two"));
  got("b", b);
  got("c", c);
  to(c, "127.0.0.1", port_of(a), "from c");
  to(b, "127.0.0.1", port_of(a), "from b");
  got("a hears b alone", a);
  got("a", a);
  SHOW("connect to nobody", try_connect(a, "127.0.0.1", nobody));
  SHOW("send", send(a, "x", 1, 0));
  printf("poll %x\n", events(a));
  SHOW("send again", send(a, "x", 1, 0));
  SHOW("send again", send(a, "x", 1, 0));
  SHOW("recv", recv(a, buffer, 1, 0));
  SHOW("recv", recv(a, buffer, 1, MSG_DONTWAIT));
  SHOW("connect again", try_connect(a, "127.0.0.1", port_of(b)));
  SHOW("shutdown", shutdown(a, SHUT_WR));
  SHOW("send", send(a, "x", 1, MSG_NOSIGNAL));
  state("a", a);
  SHOW("shutdown", shutdown(a, SHUT_RD));
  SHOW("recv", recv(a, buffer, 1, 0));
  state("a", a);
  struct sockaddr none = {AF_UNSPEC};
  SHOW("disconnect", connect(a, &none, sizeof none));
  printf("names %s / %s\n", name(a, 0), name(a, 1));
  close(a);
  a = bound("127.0.0.1");
  try_connect(a, "127.0.0.1", port_of(b));
  connect(a, &none, sizeof none);
  printf("names %s / %s\n", name(a, 0), name(a, 1));
  SHOW("shutdown unconnected", shutdown(a, SHUT_RDWR));
  state("a", a);
  SHOW("unconnected to nobody", to(c, "127.0.0.1", nobody, "x"));
  state("c", c);
  set(c, IPPROTO_IP, IP_RECVERR, 1);
  to(c, "127.0.0.1", nobody, "x");
  SHOW("with RECVERR", to(c, "127.0.0.1", nobody, "x"));
  close(a), close(b), close(c);
}

static void sharing(void) {
  int a = bound("127.0.0.1"), b = datagram(), c = datagram();
  int port = port_of(a);
  SHOW("taken", try_bind(b, "127.0.0.1", port));
  SHOW("taken by any", try_bind(b, "0.0.0.0", port));
  SHOW("beside", try_bind(b, "127.0.0.2", port));
  close(b), close(a);
  a = datagram(), b = datagram();
  set(a, SOL_SOCKET, SO_REUSEADDR, 1), set(b, SOL_SOCKET, SO_REUSEADDR, 1);
  try_bind(a, "127.0.0.1", 0);
  port = port_of(a);
  SHOW("shared", try_bind(b, "127.0.0.1", port));
  to(c, "127.0.0.1", port, "who");
  got("the first", a);
  got("the last", b);
  close(b);
  b = datagram();
  set(b, SOL_SOCKET, SO_REUSEADDR, 1);
  SHOW("any beside", try_bind(b, "0.0.0.0", port));
  to(c, "127.0.0.1", port, "one");
  to(c, "127.0.0.3", port, "two");
  got("the address", a);
  got("any", b);
  try_connect(b, "127.0.0.1", port_of(c));
  to(c, "127.0.0.3", port, "from c");
  to(a, "127.0.0.3", port, "from a");
  got("any, connected", b);
  got("it hears no other", b);
  close(a), close(b), close(c);
}

static void messages(void) {
  int a = bound("127.0.0.1"), b = bound("0.0.0.0");
  struct sockaddr_in in = in4("127.0.0.1", port_of(b)), from;
  char one[8] = "abc", two[8] = "defg", control[128];
  struct iovec iov[2] = {{one, 3}, {two, 4}};
  struct msghdr out = {&in, sizeof in, iov, 2};
  SHOW("sendmsg", sendmsg(a, &out, 0));
  iov[0].iov_len = 2, iov[1].iov_len = 3;
  struct msghdr back = {&from, 99, iov, 2, control, sizeof control, -1};
  SHOW("recvmsg", recvmsg(b, &back, 0));
  printf("%.2s %.3s name %d control %zu flags %x\n", one, two, back.msg_namelen, back.msg_controllen, back.msg_flags);
  set(b, IPPROTO_IP, IP_PKTINFO, 1);
  sendmsg(a, &out, 0);
  back.msg_controllen = sizeof control;
  recvmsg(b, &back, 0);
  struct cmsghdr *first = CMSG_FIRSTHDR(&back);
  struct in_pktinfo *info = first ? (void *)CMSG_DATA(first) : 0;
  printf("control %zu: %d %d %zu", back.msg_controllen, first->cmsg_level, first->cmsg_type, (size_t)first->cmsg_len);
  printf(" device %d at %s", info->ipi_ifindex, inet_ntoa(info->ipi_spec_dst));
  printf(" to %s\n", inet_ntoa(info->ipi_addr));
  sendmsg(a, &out, 0);
  back.msg_controllen = 20;
  recvmsg(b, &back, 0);
  printf("control %zu flags %x\n", back.msg_controllen, back.msg_flags);
  sendmsg(a, &out, 0);
  back.msg_controllen = 8;
  recvmsg(b, &back, 0);
  printf("control %zu flags %x\n", back.msg_controllen, back.msg_flags);
  sendmsg(a, &out, 0);
  struct msghdr bare = {0, 77, iov, 2};
  SHOW("no name", recvmsg(b, &bare, MSG_TRUNC));
  printf("name %d\n", bare.msg_namelen);
  struct mmsghdr many[3] = {{out}, {out}, {out}};
  SHOW("sendmmsg", sendmmsg(a, many, 3, 0));
  printf("lengths %u %u %u\n", many[0].msg_len, many[1].msg_len, many[2].msg_len);
  for (int i = 0; i < 3; i++) many[i].msg_hdr = bare, many[i].msg_len = 0;
  SHOW("recvmmsg", recvmmsg(b, many, 3, MSG_WAITFORONE, 0));
  SHOW("recvmmsg of none", recvmmsg(b, many, 3, MSG_DONTWAIT, 0));
  SHOW("writev", (connect(a, (void *)&in, sizeof in), writev(a, iov, 2)));
  SHOW("writev", writev(a, iov, 2));
  SHOW("readv", readv(b, iov, 2));
  SHOW("read", read(b, one, 8));
  int n = 0;
  set(b, SOL_SOCKET, SO_RCVBUF, 4000);
  for (int i = 0; i < 100; i++) send(a, "x", 1, 0);
  while (recv(b, one, 1, MSG_DONTWAIT) == 1) n++;
  printf("of a hundred %d found room in %d\n", n, option(b, SOL_SOCKET, SO_RCVBUF));
  static char large[40000];
  static const int sizes[] = {100, 197, 198, 645, 646, 1669, 1670, 9000, 20000, 40000};
  set(b, SOL_SOCKET, SO_RCVBUF, 53248);
  for (int i = 0; i < 10; i++) {
    for (int j = 0; j < 200; j++) send(a, large, sizes[i], 0);
    for (n = 0; recv(b, large, 1, MSG_DONTWAIT) == 1;) n++;
    printf("of %d bytes %d\n", sizes[i], n);
  }
  close(a), close(b);
}

static void version6(void) {
  int a = socket(AF_INET6, SOCK_DGRAM, 0), b = datagram();
  SHOW("bind", try_bind6(a, "::", 0));
  int port = port_of(a);
  SHOW("from IPv4", to(b, "127.0.0.1", port, "four"));
  got("a", a);
  SHOW("to ::1", to6(a, "::1", port, "self"));
  got("a", a);
  SHOW("to the mapped address", to6(a, "::ffff:127.0.0.1", port, "mapped"));
  got("a", a);
  SHOW("to IPv4's", to(a, "127.0.0.1", port, "four again"));
  got("a", a);
  close(b), b = socket(AF_INET6, SOCK_DGRAM, 0);
  set(b, IPPROTO_IPV6, IPV6_V6ONLY, 1);
  SHOW("V6ONLY to the mapped address", to6(b, "::ffff:127.0.0.1", port, "no"));
  SHOW("V6ONLY to IPv4's", to(b, "127.0.0.1", port, "no"));
  try_bind6(b, "::1", 0);
  SHOW("from ::1", to6(b, "::1", port, "six"));
  got("a", a);
  SHOW("pktinfo", set(a, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1));
  to6(b, "::1", port, "x");
  char buffer[8], control[128];
  struct iovec iov = {buffer, 8};
  struct msghdr back = {0, 0, &iov, 1, control, sizeof control};
  recvmsg(a, &back, 0);
  struct cmsghdr *first = CMSG_FIRSTHDR(&back);
  printf("control %zu: %d %d %zu\n", back.msg_controllen, first->cmsg_level, first->cmsg_type, (size_t)first->cmsg_len);
  set(a, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1), set(a, IPPROTO_IPV6, IPV6_RECVTCLASS, 1);
  set(b, IPPROTO_IPV6, IPV6_TCLASS, 32);
  to6(b, "::1", port, "x");
  for (int i = 0; i < 3; i++) {
    back.msg_controllen = sizeof control, iov.iov_len = 8;
    long n = recvmsg(a, &back, MSG_DONTWAIT);
    printf("%s:", answer(n));
    if (n < 0) back.msg_controllen = 0;
    for (struct cmsghdr *each = CMSG_FIRSTHDR(&back); each; each = CMSG_NXTHDR(&back, each)) {
      printf(" %d %d %zu", each->cmsg_level, each->cmsg_type, (size_t)each->cmsg_len);
      if (each->cmsg_type != IPV6_PKTINFO) printf(" = %d", *(int *)CMSG_DATA(each));
    }
    printf("\n");
    char sent[CMSG_SPACE(4)] = "";
    struct sockaddr_in6 in = in6("::1", port);
    struct msghdr out = {&in, sizeof in, &iov, 1, sent, sizeof sent};
    first = CMSG_FIRSTHDR(&out);
    first->cmsg_level = IPPROTO_IPV6, first->cmsg_type = IPV6_HOPLIMIT, first->cmsg_len = CMSG_LEN(4);
    *(int *)CMSG_DATA(first) = i == 0 ? 7 : 300;
    iov.iov_len = 1;
    SHOW("with a hop limit", sendmsg(b, &out, 0));
  }
  close(a), close(b);
  a = bound("127.0.0.1");
  set(a, IPPROTO_IP, IP_RECVTTL, 1), set(a, IPPROTO_IP, IP_RECVTOS, 1), set(a, IPPROTO_IP, IP_TTL, 9), set(a, IPPROTO_IP, IP_TOS, 16);
  to(a, "127.0.0.1", port_of(a), "x");
  back.msg_controllen = sizeof control;
  SHOW("recvmsg", recvmsg(a, &back, 0));
  for (struct cmsghdr *each = CMSG_FIRSTHDR(&back); each; each = CMSG_NXTHDR(&back, each))
    printf("%d %d %zu = %d\n", each->cmsg_level, each->cmsg_type, (size_t)each->cmsg_len, *(unsigned char *)CMSG_DATA(each));
  close(a);
}

static void unix_datagrams(void) {
  int fds[2];
  socketpair(AF_UNIX, SOCK_DGRAM, 0, fds);
  char one[4], two[8];
  struct iovec out[2] = {{"ab", 2}, {"cde", 3}}, in[2] = {{one, 4}, {two, 8}};
  SHOW("writev", writev(fds[0], out, 2));
  SHOW("readv", readv(fds[1], in, 2));
  set(fds[1], SOL_SOCKET, SO_PASSCRED, 1);
  SHOW("send", send(fds[0], "x", 1, 0));
  char control[64];
  struct msghdr back = {0, 0, in, 2, control, sizeof control};
  SHOW("recvmsg", recvmsg(fds[1], &back, 0));
  struct cmsghdr *first = CMSG_FIRSTHDR(&back);
  struct ucred *cred = (void *)CMSG_DATA(first);
  printf("%d %d: pid %d uid %d\n", first->cmsg_level, first->cmsg_type, cred->pid == getpid(), cred->uid == getuid());
  state("datagrams", fds[1]);
  struct timeval little = {0, 30000};
  setsockopt(fds[1], SOL_SOCKET, SO_RCVTIMEO, &little, sizeof little);
  SHOW("waits a little", recv(fds[1], one, 1, 0));
  close(fds[0]), close(fds[1]);
  socketpair(AF_UNIX, SOCK_STREAM, 0, fds);
  size_t big = 1 << 20, got = 0;
  char *data = calloc(1, big);
  if (fork() == 0) {
    close(fds[1]);
    _exit(write(fds[0], data, big) == (ssize_t)big ? 7 : 8);
  }
  close(fds[0]);
  for (ssize_t n; (n = read(fds[1], data, 60000)) > 0; got += n);
  int status;
  wait(&status);
  printf("read %zu, writer %d\n", got, WEXITSTATUS(status));
  close(fds[1]);
  int l = socket(AF_UNIX, SOCK_STREAM, 0), c = socket(AF_UNIX, SOCK_STREAM, 0);
  struct sockaddr_un at = {AF_UNIX, "\0procmem-test"};
  bind(l, (void *)&at, 20);
  listen(l, 1);
  SHOW("connect", connect(c, (void *)&at, 20));
  close(l);
  state("never accepted", c);
  SHOW("read", recv(c, one, 1, 0));
  l = socket(AF_UNIX, SOCK_STREAM, 0);
  SHOW("the name is free again", bind(l, (void *)&at, 20));
  close(l), close(c);
}

/* Who has shut his side of messages is told, but gets no signal. */
static void quiet(void) {
  int fds[2], d = bound("127.0.0.1");
  static const int kinds[] = {SOCK_DGRAM, SOCK_SEQPACKET, SOCK_STREAM};
  for (int i = 0; i < 3; i++) {
    socketpair(AF_UNIX, kinds[i], 0, fds);
    shutdown(fds[0], SHUT_WR);
    SHOW("write", write(fds[0], "x", 1));
    printf("signals %d\n", pipes);
    SHOW("send", send(fds[0], "x", 1, 0));
    printf("signals %d\n", pipes);
    close(fds[0]), close(fds[1]);
  }
  try_connect(d, "127.0.0.1", port_of(d));
  shutdown(d, SHUT_WR);
  SHOW("write", write(d, "x", 1));
  printf("signals %d\n", pipes);
  close(d);
}

int main(void) {
  static const struct part parts[] = {{"plain", plain}, {"connected", connected}, {"sharing", sharing}, {"messages", messages}, {"version6", version6}, {"unix", unix_datagrams}, {"quiet", quiet}};
  return run_parts(parts, sizeof parts / sizeof *parts);
}
