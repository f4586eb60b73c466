// What the programs about pseudo terminals share: one of them, both sides, and printing.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

static int master, slave;
static char name[64];

static void show(const char *what, const unsigned char *bytes, long n) {
  printf("%s: ", what);
  if (n < 0) printf("%s", strerrorname_np(errno));
  for (long i = 0; i < n; i++) {
    if (bytes[i] >= 32 && bytes[i] < 127 && bytes[i] != '\\') putchar(bytes[i]);
    else printf("\\x%02x", bytes[i]);
  }
  printf("\n");
}

static void result(const char *what, long n) {
  if (n < 0) printf("%s: %s\n", what, strerrorname_np(errno));
  else printf("%s: %ld\n", what, n);
}

// What is written comes to the other side a little later.
static void settle(void) { usleep(30000); }

static void open_pair(void) {
  master = posix_openpt(O_RDWR | O_NOCTTY);
  grantpt(master);
  unlockpt(master);
  ptsname_r(master, name, sizeof name);
  slave = open(name, O_RDWR | O_NOCTTY);
  fcntl(master, F_SETFL, O_NONBLOCK);
  fcntl(slave, F_SETFL, O_NONBLOCK);
}

static void close_pair(void) {
  close(slave);
  close(master);
}

static void type(const char *keys) {
  write(master, keys, strlen(keys));
  settle();
}

static void screen(const char *what) {
  unsigned char bytes[5000];
  settle();
  show(what, bytes, read(master, bytes, sizeof bytes));
}

static void line(const char *what, int most) {
  unsigned char bytes[5000];
  show(what, bytes, read(slave, bytes, most));
}

static void set(int iflag, int oflag, int lflag, int min, int time) {
  struct termios t;
  tcgetattr(slave, &t);
  t.c_iflag = iflag;
  t.c_oflag = oflag;
  t.c_lflag = lflag;
  t.c_cc[VMIN] = min;
  t.c_cc[VTIME] = time;
  tcsetattr(slave, TCSANOW, &t);
}

static int polled(int fd) {
  struct pollfd p = {fd, POLLIN | POLLOUT | POLLPRI, 0};
  poll(&p, 1, 0);
  return p.revents;
}
