/* Streams over loopback: addresses, connecting, options. */
#define _GNU_SOURCE
#include "sockets.h"
#include "streams.h"

static void making(void) {
  static const int rows[][3] = {{AF_INET, SOCK_STREAM, IPPROTO_UDP}, {AF_INET, SOCK_SEQPACKET, 0}, {AF_INET, SOCK_STREAM, -1},
    {AF_INET, SOCK_STREAM, 300}, {AF_INET6, SOCK_DGRAM, IPPROTO_TCP}, {AF_INET, SOCK_RAW, 0}, {AF_INET, 99, 0}, {AF_INET, 12, 0},
    {99, SOCK_STREAM, 0}, {AF_INET, SOCK_STREAM | 0x100, 0}, {AF_INET, SOCK_RDM, 0}, {AF_UNSPEC, SOCK_STREAM, 0}};
  for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
    int fd = socket(rows[i][0], rows[i][1], rows[i][2]);
    printf("socket %u: %s\n", i, fd >= 0 ? "made" : strerrorname_np(errno));
    if (fd >= 0) close(fd);
  }
  int fds[2];
  SHOW("socketpair", socketpair(AF_INET, SOCK_STREAM, 0, fds));
  int fd = stream(0);
  show_state("new", fd);
  printf("names %s / %s\n", name(fd, 0), name(fd, 1));
  SHOW("read", read(fd, fds, 1));
  SHOW("write", write(fd, fds, 1));
  SHOW("accept", accept(fd, 0, 0));
  SHOW("shutdown", shutdown(fd, SHUT_RDWR));
  SHOW("shutdown 9", shutdown(fd, 9));
  printf("buffers %d %d\n", option(fd, SOL_SOCKET, SO_SNDBUF), option(fd, SOL_SOCKET, SO_RCVBUF));
  close(fd);
}

static void binding(void) {
  int a = stream(0), b = stream(0);
  struct sockaddr_in in = in4("127.0.0.1", 0);
  SHOW("bind short", bind(a, (void *)&in, 15));
  in.sin_family = AF_INET6;
  SHOW("bind other family", bind(a, (void *)&in, sizeof in));
  in.sin_family = AF_UNSPEC;
  SHOW("bind no family", bind(a, (void *)&in, sizeof in));
  SHOW("bind elsewhere", try_bind(a, "10.99.99.99", 0));
  SHOW("bind group", try_bind(b, "224.0.0.1", 0));
  close(b);
  b = stream(0);
  SHOW("bind", try_bind(a, "127.0.0.1", 0));
  printf("names %s / %s\n", name(a, 0), name(a, 1));
  SHOW("bind again", try_bind(a, "127.0.0.1", 0));
  SHOW("bind taken", try_bind(b, "127.0.0.1", port_of(a)));
  SHOW("bind taken, any", try_bind(b, "0.0.0.0", port_of(a)));
  set(a, SOL_SOCKET, SO_REUSEADDR, 1);
  set(b, SOL_SOCKET, SO_REUSEADDR, 1);
  SHOW("bind reused", try_bind(b, "0.0.0.0", port_of(a)));
  SHOW("listen", listen(a, 5));
  SHOW("listen taken", listen(b, 5));
  close(b);
  b = stream(0);
  set(b, SOL_SOCKET, SO_REUSEADDR, 1);
  SHOW("bind where one listens", try_bind(b, "127.0.0.1", port_of(a)));
  SHOW("bind beside it", try_bind(b, "127.0.0.2", port_of(a)));
  close(a);
  close(b);
  a = stream(0), b = stream(0);
  set(a, SOL_SOCKET, SO_REUSEPORT, 1);
  set(b, SOL_SOCKET, SO_REUSEPORT, 1);
  try_bind(a, "127.0.0.1", 0);
  SHOW("bind a shared port", try_bind(b, "127.0.0.1", port_of(a)));
  SHOW("listen", listen(a, 5));
  SHOW("listen with it", listen(b, 5));
  close(a);
  close(b);
  if (fork() == 0) {
    setgid(1000), setuid(1000);
    SHOW("a privileged port", try_bind(stream(0), "127.0.0.1", 81));
    fflush(stdout);
    _exit(0);
  }
  wait(0);
}

static void connecting(void) {
  int l = listener(5), port = port_of(l), c = stream(0);
  show_state("listens", l);
  printf("listens %d, names %s / %s\n", option(l, SOL_SOCKET, SO_ACCEPTCONN), name(l, 0), name(l, 1));
  SHOW("read", read(l, &port, 0));
  char byte;
  SHOW("recv", recv(l, &byte, 1, 0));
  SHOW("send", send(l, &byte, 1, MSG_NOSIGNAL));
  struct sockaddr_in in = in4("127.0.0.1", port);
  SHOW("connect short", connect(c, (void *)&in, 8));
  SHOW("connect 1", connect(c, (void *)&in, 1));
  in.sin_family = AF_INET6;
  SHOW("connect other family", connect(c, (void *)&in, sizeof in));
  SHOW("connect", try_connect(c, "127.0.0.1", port));
  SHOW("connect again", try_connect(c, "127.0.0.1", port));
  show_state("connected", c);
  show_state("waits to be accepted", l);
  printf("names %s / %s\n", name(c, 0), name(c, 1));
  struct sockaddr_in from = {0};
  socklen_t size = sizeof from;
  int s = accept(l, (void *)&from, &size);
  printf("accepted from %s %d, %d bytes\n", inet_ntoa(from.sin_addr), from.sin_port == htons(port_of(c)), size);
  printf("names %s / %s\n", name(s, 0), name(s, 1));
  printf("buffers %d %d\n", option(s, SOL_SOCKET, SO_SNDBUF) >= 2626560, option(s, SOL_SOCKET, SO_RCVBUF));
  printf("flags %x %x\n", fcntl(s, F_GETFL), fcntl(s, F_GETFD));
  SHOW("listen on it", listen(c, 1));
  SHOW("bind it", try_bind(c, "127.0.0.1", 0));
  close(c), close(s);
  c = stream(SOCK_NONBLOCK);
  SHOW("in the background", try_connect(c, "127.0.0.1", port));
  show_state("then", c);
  SHOW("again", try_connect(c, "127.0.0.1", port));
  SHOW("again", try_connect(c, "127.0.0.1", port));
  s = accept4(l, 0, 0, SOCK_NONBLOCK | SOCK_CLOEXEC);
  printf("flags %x %x\n", fcntl(s, F_GETFL), fcntl(s, F_GETFD));
  fcntl(l, F_SETFL, O_NONBLOCK);
  SHOW("accept nobody", accept(l, 0, 0));
  close(c), close(s), close(l);
  c = stream(0);
  SHOW("nobody listens", try_connect(c, "127.0.0.1", port));
  show_state("then", c);
  close(c);
  c = stream(SOCK_NONBLOCK);
  SHOW("nobody, in the background", try_connect(c, "127.0.0.1", port));
  printf("poll %x\n", events(c));
  SHOW("again", try_connect(c, "127.0.0.1", port));
  printf("poll %x\n", events(c));
  SHOW("and again", try_connect(c, "127.0.0.1", port));
  printf("error %d\n", option(c, SOL_SOCKET, SO_ERROR));
  SHOW("after the error", try_connect(c, "127.0.0.1", port));
  in.sin_family = AF_UNSPEC;
  SHOW("disconnect", connect(c, (void *)&in, sizeof in));
  show_state("then", c);
  close(c);
  l = listener(0), port = port_of(l);
  for (int i = 0; i < 3; i++) {
    c = stream(SOCK_NONBLOCK);
    try_connect(c, "127.0.0.1", port);
    printf("backlog 0, connection %d: poll %x state %d\n", i, events(c), state(c));
  }
  SHOW("while it waits", try_connect(c, "127.0.0.1", port));
  SHOW("send meanwhile", send(c, &byte, 1, MSG_NOSIGNAL));
  SHOW("recv meanwhile", recv(c, &byte, 1, 0));
  printf("names %s / %s\n", name(c, 0), name(c, 1));
  close(c);
  close(l);
  l = listener(3), c = stream(0);
  SHOW("connect to 0.0.0.0", try_connect(c, "0.0.0.0", port_of(l)));
  printf("names %s / %s\n", name(c, 0), name(c, 1));
  close(c);
  c = stream(0);
  try_bind(c, "127.0.0.9", 0);
  try_connect(c, "127.0.0.1", port_of(l));
  printf("names %s / %s\n", name(c, 0), name(c, 1));
  SHOW("port 0", try_connect(stream(0), "127.0.0.1", 0));
  SHOW("broadcast", try_connect(stream(0), "127.255.255.255", 9));
  SHOW("group", try_connect(stream(0), "224.0.0.1", 9));
  close(l);
}

static void version6(void) {
  int l = socket(AF_INET6, SOCK_STREAM, 0), c = socket(AF_INET6, SOCK_STREAM, 0);
  SHOW("bind short", try_bind(l, "127.0.0.1", 0));
  SHOW("bind", try_bind6(l, "::", 0));
  int port = port_of(l);
  listen(l, 8);
  SHOW("connect", try_connect6(c, "::1", port));
  printf("names %s / %s\n", name(c, 0), name(c, 1));
  close(c), close(accept(l, 0, 0));
  c = stream(0);
  SHOW("connect by IPv4", try_connect(c, "127.0.0.1", port));
  int s = accept(l, 0, 0);
  printf("names %s / %s\n", name(c, 0), name(c, 1));
  printf("names %s / %s\n", name(s, 0), name(s, 1));
  close(c), close(s);
  c = socket(AF_INET6, SOCK_STREAM, 0);
  SHOW("connect to the mapped address", try_connect6(c, "::ffff:127.0.0.1", port));
  printf("names %s / %s\n", name(c, 0), name(c, 1));
  close(c), close(accept(l, 0, 0));
  c = socket(AF_INET6, SOCK_STREAM, 0);
  SHOW("connect to ::", try_connect6(c, "::", port));
  printf("names %s / %s\n", name(c, 0), name(c, 1));
  SHOW("V6ONLY too late", set(l, IPPROTO_IPV6, IPV6_V6ONLY, 1));
  s = stream(0);
  SHOW("IPv4 beside ::", try_bind(s, "0.0.0.0", port));
  close(s), close(c), close(l);
  l = socket(AF_INET6, SOCK_STREAM, 0);
  SHOW("V6ONLY", set(l, IPPROTO_IPV6, IPV6_V6ONLY, 1));
  printf("is %d\n", option(l, IPPROTO_IPV6, IPV6_V6ONLY));
  SHOW("bind mapped", try_bind6(l, "::ffff:127.0.0.1", 0));
  try_bind6(l, "::", 0);
  port = port_of(l);
  listen(l, 8);
  c = stream(0);
  SHOW("connect by IPv4", try_connect(c, "127.0.0.1", port));
  close(c);
  s = stream(0);
  SHOW("IPv4 beside it", try_bind(s, "0.0.0.0", port));
  close(s);
  c = socket(AF_INET6, SOCK_STREAM, 0);
  set(c, IPPROTO_IPV6, IPV6_V6ONLY, 1);
  SHOW("mapped address", try_connect6(c, "::ffff:127.0.0.1", port));
  close(c);
  c = socket(AF_INET6, SOCK_STREAM, 0);
  try_bind6(c, "::1", 0);
  SHOW("mapped address from ::1", try_connect6(c, "::ffff:127.0.0.1", port));
  close(c), close(l);
}

static void options(void) {
  int fd = stream(0);
  static const int socket_options[] = {SO_DEBUG, SO_REUSEADDR, SO_TYPE, SO_ERROR, SO_DONTROUTE, SO_BROADCAST, SO_KEEPALIVE, SO_OOBINLINE,
    SO_PRIORITY, SO_REUSEPORT, SO_RCVLOWAT, SO_SNDLOWAT, SO_ACCEPTCONN, SO_PROTOCOL, SO_DOMAIN, SO_MARK, SO_TIMESTAMP, 999};
  for (unsigned i = 0; i < sizeof socket_options / 4; i++)
    printf("SOL_SOCKET %d: %d\n", socket_options[i], option(fd, SOL_SOCKET, socket_options[i]));
  static const int tcp_options[] = {TCP_NODELAY, TCP_MAXSEG, TCP_CORK, TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_KEEPCNT, TCP_SYNCNT, TCP_LINGER2,
    TCP_DEFER_ACCEPT, TCP_USER_TIMEOUT, 999};
  for (unsigned i = 0; i < sizeof tcp_options / 4; i++) printf("IPPROTO_TCP %d: %d\n", tcp_options[i], option(fd, IPPROTO_TCP, tcp_options[i]));
  static const int ip_options[] = {IP_TOS, IP_TTL, IP_MTU_DISCOVER, IP_RECVERR, IP_PKTINFO, IP_MULTICAST_TTL, IP_MULTICAST_LOOP, 999};
  for (unsigned i = 0; i < sizeof ip_options / 4; i++) printf("IPPROTO_IP %d: %d\n", ip_options[i], option(fd, IPPROTO_IP, ip_options[i]));
  SHOW("NODELAY", set(fd, IPPROTO_TCP, TCP_NODELAY, 5));
  printf("%d\n", option(fd, IPPROTO_TCP, TCP_NODELAY));
  SHOW("KEEPIDLE 0", set(fd, IPPROTO_TCP, TCP_KEEPIDLE, 0));
  SHOW("KEEPIDLE 60", set(fd, IPPROTO_TCP, TCP_KEEPIDLE, 60));
  printf("%d\n", option(fd, IPPROTO_TCP, TCP_KEEPIDLE));
  SHOW("TTL 0", set(fd, IPPROTO_IP, IP_TTL, 0));
  SHOW("TTL 9", set(fd, IPPROTO_IP, IP_TTL, 9));
  printf("%d\n", option(fd, IPPROTO_IP, IP_TTL));
  SHOW("V6ONLY", set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1));
  SHOW("short", setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &fd, 2));
  SHOW("negative", setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &fd, -1));
  SHOW("bad address", setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, (void *)8, 4));
  SHOW("unknown level", set(fd, 99, 1, 1));
  SHOW("unknown", set(fd, SOL_SOCKET, 999, 1));
  SHOW("SNDBUF", set(fd, SOL_SOCKET, SO_SNDBUF, 10000));
  SHOW("RCVBUF", set(fd, SOL_SOCKET, SO_RCVBUF, 1));
  printf("buffers %d %d\n", option(fd, SOL_SOCKET, SO_SNDBUF), option(fd, SOL_SOCKET, SO_RCVBUF));
  struct timeval time = {3, 248000}, bad = {0, 1000000};
  SHOW("RCVTIMEO", setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time));
  SHOW("RCVTIMEO bad", setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &bad, sizeof bad));
  SHOW("RCVTIMEO short", setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &time, 8));
  socklen_t size = sizeof time;
  memset(&time, 0, size);
  getsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &time, &size);
  printf("%ld.%06ld %d bytes\n", (long)time.tv_sec, (long)time.tv_usec, size);
  struct linger linger = {1, 5};
  SHOW("LINGER", setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger));
  memset(&linger, 0, sizeof linger);
  size = sizeof linger;
  getsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, &size);
  printf("linger %d %d\n", linger.l_onoff, linger.l_linger);
  char text[16] = "";
  size = sizeof text;
  SHOW("CONGESTION", getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, text, &size));
  printf("%d bytes\n", size);
  SHOW("CONGESTION none", setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "nosuch", 6));
  size = 2;
  SHOW("two bytes", getsockopt(fd, SOL_SOCKET, SO_TYPE, text, &size));
  printf("%d bytes\n", size);
  size = -1;
  SHOW("minus one byte", getsockopt(fd, SOL_SOCKET, SO_TYPE, text, &size));
  close(fd);
}

int main(void) {
  static const struct part parts[] = {{"making", making}, {"binding", binding}, {"connecting", connecting}, {"version6", version6}, {"options", options}};
  return run_parts(parts, sizeof parts / sizeof *parts);
}
