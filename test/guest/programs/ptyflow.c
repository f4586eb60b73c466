// Pseudo terminals: flow control, packet mode, what is left when one side closes.
#include "pty.h"

static void flow(void) {
  printf("== flow\n");
  open_pair();
  result("TCOOFF", tcflow(slave, TCOOFF));
  result("held", write(slave, "x", 1));
  printf("poll %x\n", polled(slave));
  type("\x11");
  result("still", write(slave, "x", 1));
  result("TCOON", tcflow(slave, TCOON));
  result("goes on", write(slave, "y", 1));
  screen("shown");
  type("\x13");
  result("stopped", write(slave, "z", 1));
  type("typed");
  screen("nothing shown");
  type("\x11");
  screen("echoed now");
  result("TCIOFF", tcflow(slave, TCIOFF));
  screen("stop");
  result("TCION", tcflow(slave, TCION));
  screen("start");
  result("no such flow", ioctl(slave, TCXONC, 4));
  close_pair();
}

static void packets(void) {
  unsigned char b[100];
  int on = 1, n;
  struct termios t;
  printf("== packets\n");
  open_pair();
  result("TIOCPKT", ioctl(master, TIOCPKT, &on));
  result("TIOCGPKT", ioctl(master, TIOCGPKT, &n) + n);
  write(slave, "data\n", 5);
  settle();
  printf("poll %x\n", polled(master));
  show("read", b, read(master, b, 3));
  show("rest", b, read(master, b, 100));
  show("none", b, read(master, b, 100));
  tcflow(slave, TCOOFF);
  printf("poll %x\n", polled(master));
  show("stopped", b, read(master, b, 100));
  tcflow(slave, TCOON);
  show("started", b, read(master, b, 100));
  tcflush(slave, TCIFLUSH);
  show("flushed", b, read(master, b, 100));
  tcflush(slave, TCOFLUSH);
  show("flushed", b, read(master, b, 100));
  tcflush(slave, TCIOFLUSH);
  show("flushed", b, read(master, b, 100));
  tcgetattr(slave, &t);
  t.c_iflag &= ~IXON;
  tcsetattr(slave, TCSANOW, &t);
  show("no flow", b, read(master, b, 100));
  t.c_iflag |= IXON;
  tcsetattr(slave, TCSANOW, &t);
  show("flow", b, read(master, b, 100));
  t.c_lflag |= EXTPROC;
  tcsetattr(slave, TCSANOW, &t);
  show("extproc", b, read(master, b, 100));
  t.c_lflag &= ~EXTPROC;
  tcsetattr(slave, TCSANOW, &t);
  show("no extproc", b, read(master, b, 100));
  type("half\x03");
  show("signal", b, read(master, b, 100));
  show("echo", b, read(master, b, 100));
  show("none", b, read(master, b, 100));
  write(slave, "last", 4);
  settle();
  close(slave);
  printf("poll %x\n", polled(master));
  show("closed", b, read(master, b, 100));
  show("closed", b, read(master, b, 100));
  close(master);
}

static void closing(void) {
  unsigned char b[100];
  int n;
  printf("== closing\n");
  open_pair();
  close(slave);
  printf("poll %x\n", polled(master));
  screen("slave closed");
  result("write", write(master, "abc\n", 4));
  screen("echo");
  slave = open(name, O_RDWR | O_NOCTTY | O_NONBLOCK);
  printf("poll %x\n", polled(master));
  screen("open again");
  line("typed meanwhile", 100);
  write(slave, "left", 4);
  settle();
  close(slave);
  screen("left");
  screen("then");
  slave = open(name, O_RDWR | O_NOCTTY | O_NONBLOCK);
  type("unread\n");
  int again = open(name, O_RDWR | O_NOCTTY);
  close(master);
  printf("poll %x\n", polled(slave));
  line("master closed", 100);
  result("write", write(slave, "x", 1));
  result("TCGETS", ioctl(slave, TCGETS, b));
  result("FIONREAD", ioctl(slave, FIONREAD, &n));
  result("TIOCSPGRP", ioctl(slave, TIOCSPGRP, &n));
  printf("isatty %d\n", isatty(slave));
  result("by name", open(name, O_RDWR | O_NOCTTY));
  char path[64];
  sprintf(path, "/proc/self/fd/%d", slave);
  result("by link", open(path, O_RDWR | O_NOCTTY));
  close(again);
  close(slave);
  open_pair();
  result("TIOCEXCL", ioctl(slave, TIOCEXCL));
  result("TIOCGEXCL", ioctl(slave, _IOR('T', 0x40, int), &n) + n);
  int other = open(name, O_RDWR | O_NOCTTY);
  printf("root opens it %d\n", other >= 0);
  close(other);
  result("TIOCVHANGUP", ioctl(slave, TIOCVHANGUP));
  line("hung up", 10);
  printf("poll %x\n", polled(master));
  screen("master");
  close(slave);
  printf("poll %x\n", polled(master));
  screen("master");
  slave = open(name, O_RDWR | O_NOCTTY);
  printf("open again %d\n", slave >= 0);
  close_pair();
}

int main(void) {
  setvbuf(stdout, 0, _IOLBF, 0);
  flow();
  packets();
  closing();
  return 0;
}
