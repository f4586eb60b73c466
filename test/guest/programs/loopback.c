/* The network of a machine that has only lo: devices, addresses, routes, what cannot be reached, /proc/net. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sockets.h"

/* Natively a network of its own, so that it is the same everywhere. */
static void enter(void) {
#ifndef __riscv
  struct ifreq request = {"lo"};
  if (unshare(CLONE_NEWNET) < 0) perror("unshare"), exit(1);
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  ioctl(socket(AF_INET, SOCK_DGRAM, 0), SIOCSIFFLAGS, &request);
#endif
}

static void show_address(const struct sockaddr *any) {
  char text[64] = "none";
  if (any && any->sa_family == AF_INET) inet_ntop(AF_INET, &((struct sockaddr_in *)any)->sin_addr, text, sizeof text);
  if (any && any->sa_family == AF_INET6) inet_ntop(AF_INET6, &((struct sockaddr_in6 *)any)->sin6_addr, text, sizeof text);
  if (any && any->sa_family == AF_PACKET) strcpy(text, "packet");
  printf(" %s", text);
}

static void devices(void) {
  struct ifaddrs *all = 0;
  SHOW("getifaddrs", getifaddrs(&all));
  for (struct ifaddrs *each = all; each; each = each->ifa_next) {
    printf("%s %x family %d:", each->ifa_name, each->ifa_flags, each->ifa_addr ? each->ifa_addr->sa_family : -1);
    show_address(each->ifa_addr), show_address(each->ifa_netmask);
    printf("\n");
  }
  freeifaddrs(all);
  for (struct if_nameindex *each = if_nameindex(); each->if_name; each++) printf("%u %s\n", each->if_index, each->if_name);
  printf("index of lo %u, of eth0 %u\n", if_nametoindex("lo"), if_nametoindex("eth0"));
  int fd = socket(AF_INET, SOCK_DGRAM, 0);
  static const int calls[] = {SIOCGIFFLAGS, SIOCGIFADDR, SIOCGIFDSTADDR, SIOCGIFBRDADDR, SIOCGIFNETMASK, SIOCGIFMETRIC, SIOCGIFMTU, SIOCGIFHWADDR, SIOCGIFINDEX, SIOCGIFTXQLEN, SIOCGIFMAP};
  for (unsigned i = 0; i < sizeof calls / 4; i++) {
    struct ifreq request;
    memset(&request, 0, sizeof request);
    strcpy(request.ifr_name, "lo");
    printf("%x: %s", calls[i], answer(ioctl(fd, calls[i], &request)));
    for (int j = 0; j < 8; j++) printf(" %02x", ((unsigned char *)&request.ifr_ifru)[j]);
    strcpy(request.ifr_name, "eth0");
    printf(", another %s\n", answer(ioctl(fd, calls[i], &request)));
  }
  struct ifreq list[4], request = {"lo"};
  struct ifconf conf = {sizeof list, {(void *)list}};
  SHOW("SIOCGIFCONF", ioctl(fd, SIOCGIFCONF, &conf));
  printf("%d bytes, %s\n", conf.ifc_len, list[0].ifr_name);
  conf.ifc_buf = 0;
  SHOW("SIOCGIFCONF of its size", ioctl(fd, SIOCGIFCONF, &conf));
  printf("%d bytes\n", conf.ifc_len);
  request.ifr_ifindex = 1;
  SHOW("SIOCGIFNAME", ioctl(fd, SIOCGIFNAME, &request));
  request.ifr_ifindex = 2;
  SHOW("SIOCGIFNAME of none", ioctl(fd, SIOCGIFNAME, &request));
  SHOW("bad address", ioctl(fd, SIOCGIFFLAGS, 8));
  SHOW("unknown", ioctl(fd, 0x89ff, &request));
  SHOW("bind to lo", setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3));
  SHOW("bind to another", setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "eth0", 5));
  close(fd);
}

static void reach(void) {
  static const char *v4[] = {"0.0.0.0", "127.0.0.1", "127.9.9.9", "127.255.255.255", "10.0.0.1", "8.8.8.8", "169.254.1.1", "224.0.0.1", "255.255.255.255", "240.0.0.1", "0.0.0.1"};
  static const char *v6[] = {"::", "::1", "::2", "fe80::1", "2001:db8::1", "ff02::1", "fd00::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1"};
  for (int type = SOCK_STREAM; type <= SOCK_DGRAM; type++) {
    for (unsigned i = 0; i < sizeof v4 / sizeof *v4; i++) {
      struct sockaddr_in in = {AF_INET, htons(9)};
      inet_pton(AF_INET, v4[i], &in.sin_addr);
      int a = socket(AF_INET, type, 0), b = socket(AF_INET, type, 0), c = socket(AF_INET, type, 0);
      printf("%d %s: connect %s,", type, v4[i], answer(connect(a, (void *)&in, sizeof in)));
      if (type == SOCK_DGRAM) printf(" send %s,", answer(sendto(c, "x", 1, 0, (void *)&in, sizeof in)));
      in.sin_port = 0;
      printf(" bind %s\n", answer(bind(b, (void *)&in, sizeof in)));
      close(a), close(b), close(c);
    }
    for (unsigned i = 0; i < sizeof v6 / sizeof *v6; i++) {
      struct sockaddr_in6 in = {AF_INET6, htons(9)};
      inet_pton(AF_INET6, v6[i], &in.sin6_addr);
      int a = socket(AF_INET6, type, 0), b = socket(AF_INET6, type, 0), c = socket(AF_INET6, type, 0);
      printf("%d %s: connect %s,", type, v6[i], answer(connect(a, (void *)&in, sizeof in)));
      if (type == SOCK_DGRAM) printf(" send %s,", answer(sendto(c, "x", 1, 0, (void *)&in, sizeof in)));
      in.sin6_port = 0;
      printf(" bind %s\n", answer(bind(b, (void *)&in, sizeof in)));
      close(a), close(b), close(c);
    }
  }
  if (fork() == 0) {
    setgid(1000), setuid(1000);
    SHOW("raw", socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
    SHOW("raw, version 6", socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6));
    struct { struct nlmsghdr head; struct ifinfomsg link; } set = {{sizeof set, RTM_NEWLINK, NLM_F_REQUEST | NLM_F_ACK, 1}, {.ifi_index = 1}};
    struct { struct nlmsghdr head; struct nlmsgerr error; } told;
    int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
    send(fd, &set, sizeof set, 0);
    recv(fd, &told, sizeof told, 0);
    printf("set a link: %d %d\n", told.head.nlmsg_type, told.error.error);
    struct ifreq request = {"lo"};
    SHOW("set flags", ioctl(socket(AF_INET, SOCK_DGRAM, 0), SIOCSIFFLAGS, &request));
    _exit(0);
  }
  wait(0);
}

static void ask(int fd, int type, int flags, int family, const char *what) {
  struct { struct nlmsghdr head; struct rtmsg body; char rest[16]; } request = {{NLMSG_LENGTH(28), type, NLM_F_REQUEST | flags, 42}};
  request.body.rtm_family = family;
  printf("%s: send %s\n", what, answer(send(fd, &request, request.head.nlmsg_len, 0)));
  static char reply[65536];
  for (long n; (n = recv(fd, reply, sizeof reply, MSG_DONTWAIT)) > 0;) {
    for (struct nlmsghdr *head = (void *)reply; NLMSG_OK(head, n); head = NLMSG_NEXT(head, n)) {
      printf(" type %d flags %x seq %d pid %d", head->nlmsg_type, head->nlmsg_flags, head->nlmsg_seq, head->nlmsg_pid == getpid());
      if (head->nlmsg_type == NLMSG_ERROR) printf(" error %d", ((struct nlmsgerr *)NLMSG_DATA(head))->error);
      if (head->nlmsg_type == RTM_NEWADDR || head->nlmsg_type == RTM_NEWROUTE) {
        int skip = head->nlmsg_type == RTM_NEWADDR ? 8 : 12, left = NLMSG_PAYLOAD(head, skip);
        unsigned char *body = NLMSG_DATA(head);
        for (int i = 0; i < skip; i++) printf(i == 2 && skip == 8 ? " -" : " %02x", body[i]);
        for (struct rtattr *each = (void *)(body + skip); RTA_OK(each, left); each = RTA_NEXT(each, left)) {
          /* Times, and what is new in some kernels: not compared. */
          if (each->rta_type == IFA_PROTO || (skip == 8 && each->rta_type == IFA_CACHEINFO) || each->rta_type == RTA_CACHEINFO) continue;
          printf(" %d:", each->rta_type);
          for (unsigned i = 0; i < RTA_PAYLOAD(each); i++) printf("%02x", ((unsigned char *)RTA_DATA(each))[i]);
        }
      }
      printf("\n");
    }
  }
}

static void netlink(void) {
  SHOW("of datagrams of streams", socket(AF_NETLINK, SOCK_STREAM, 0));
  SHOW("protocol 99", socket(AF_NETLINK, SOCK_RAW, 99));
  int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  struct sockaddr_nl at = {AF_NETLINK}, own;
  socklen_t size = sizeof own;
  SHOW("recv", recv(fd, &own, 1, MSG_DONTWAIT));
  SHOW("bind short", bind(fd, (void *)&at, 8));
  SHOW("bind", bind(fd, (void *)&at, sizeof at));
  SHOW("getsockname", getsockname(fd, (void *)&own, &size));
  printf("%d bytes, family %d pid %d groups %x\n", size, own.nl_family, own.nl_pid == getpid(), own.nl_groups);
  SHOW("listen", listen(fd, 1));
  SHOW("to another", (at.nl_pid = 77, sendto(fd, "x", 1, 0, (void *)&at, sizeof at)));
  ask(fd, RTM_GETLINK, NLM_F_DUMP, AF_UNSPEC, "links");
  ask(fd, RTM_GETADDR, NLM_F_DUMP, AF_UNSPEC, "addresses");
  ask(fd, RTM_GETADDR, NLM_F_DUMP, AF_INET6, "addresses of version 6");
  ask(fd, RTM_GETROUTE, NLM_F_DUMP, AF_INET, "routes");
  ask(fd, 500, 0, AF_UNSPEC, "unknown");
  ask(fd, NLMSG_NOOP, NLM_F_ACK, AF_UNSPEC, "nothing");
  struct pollfd p = {fd, -1, 0};
  poll(&p, 1, 0);
  printf("poll %x\n", p.revents);
  close(fd);
}

static int by_text(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static void show_file(const char *path) {
  char text[8192], *line, *rest = text, *shown[64];
  int fd = open(path, O_RDONLY), count = 0;
  long n = read(fd, text, sizeof text - 1);
  close(fd);
  text[n > 0 ? n : 0] = 0;
  printf("%s\n", path);
  while ((line = strsep(&rest, "\n")) && *line) {
    int is_socket = strchr(line, ':') && (strstr(path, "net/tcp") || strstr(path, "net/udp"));
    char *timer = is_socket ? strstr(line, " 03:") : 0;
    if (timer) memset(timer + 4, '-', 8);
    /* What is behind the owner is the kernel's own, and so is the order of connections. */
    if (is_socket) line[strstr(path, "6") ? 139 : 91] = 0;
    shown[count++] = is_socket ? strchr(line, ':') : line;
  }
  if (count > 1) qsort(shown + 1, count - 1, sizeof *shown, by_text);
  for (int i = 0; i < count; i++) printf("%s|\n", shown[i]);
}

static void files(void) {
  char link[32] = "";
  readlink("/proc/net", link, sizeof link);
  printf("%s\n", link);
  show_file("/proc/net/route");
  show_file("/proc/self/net/if_inet6");
  show_file("/proc/net/raw");
  int l = socket(AF_INET, SOCK_STREAM, 0), c = socket(AF_INET, SOCK_STREAM, 0), s, one = 1;
  setsockopt(l, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  struct sockaddr_in in = {AF_INET, htons(4711), {htonl(INADDR_LOOPBACK)}};
  bind(l, (void *)&in, sizeof in);
  listen(l, 3);
  show_file("/proc/net/tcp");
  struct sockaddr_in from = {AF_INET, htons(4712), {htonl(INADDR_LOOPBACK)}};
  bind(c, (void *)&from, sizeof from);
  connect(c, (void *)&in, sizeof in);
  s = accept(l, 0, 0);
  send(c, "hello", 5, 0);
  close(l);
  usleep(100000);
  show_file("/proc/net/tcp");
  close(c);
  usleep(100000);
  show_file("/proc/net/tcp");
  int d = socket(AF_INET, SOCK_DGRAM, 0);
  bind(d, (void *)&in, sizeof in);
  sendto(d, "hello", 5, 0, (void *)&in, sizeof in);
  show_file("/proc/net/udp");
  close(d), close(s);
  l = socket(AF_INET6, SOCK_STREAM, 0);
  struct sockaddr_in6 in6 = {AF_INET6, htons(4713)};
  bind(l, (void *)&in6, sizeof in6);
  listen(l, 3);
  show_file("/proc/net/tcp6");
  close(l);
}

int main(void) {
  setvbuf(stdout, 0, _IONBF, 0);
  enter();
  static const struct { const char *name; void (*run)(void); } parts[] = {{"devices", devices}, {"reach", reach}, {"netlink", netlink}, {"files", files}};
  for (unsigned i = 0; i < sizeof parts / sizeof *parts; i++) {
    printf("-- %s\n", parts[i].name);
    parts[i].run();
  }
  return 0;
}
