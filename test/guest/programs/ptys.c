// Pseudo terminals: making them, settings, lines and bytes. Prints what the kernel answers.
#include "pty.h"

static void making(void) {
  struct stat st;
  int n, on = 1;
  struct winsize size = {24, 80, 640, 480}, got;
  printf("== making\n");
  master = open("/dev/ptmx", O_RDWR);
  fstat(master, &st);
  printf("master %o %x pread %d\n", st.st_mode & S_IFMT, (int)st.st_rdev, (int)pread(master, &n, 1, 0));
  result("TIOCGPTN", ioctl(master, TIOCGPTN, &n));
  sprintf(name, "/dev/pts/%d", n);
  stat(name, &st);
  printf("slave %o major %d same %d ino %d nlink %d\n", st.st_mode & S_IFMT, (int)(st.st_rdev >> 8) & 0xfff,
         (int)(st.st_rdev & 0xff) == n, (int)st.st_ino - n, (int)st.st_nlink);
  result("locked", open(name, O_RDWR | O_NOCTTY));
  result("TIOCGPTLCK", ioctl(master, TIOCGPTLCK, &on) + on);
  result("TIOCGPTPEER", ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY));
  on = 0;
  result("TIOCSPTLCK", ioctl(master, TIOCSPTLCK, &on));
  slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY);
  printf("peer %d name %d isatty %d %d\n", slave > 0, strcmp(ttyname(slave), name), isatty(slave), isatty(master));
  result("TIOCGPTN of the slave", ioctl(slave, TIOCGPTN, &n));
  result("TIOCGPTPEER of the slave", ioctl(slave, TIOCGPTPEER, O_RDWR));
  result("TIOCPKT of the slave", ioctl(slave, TIOCPKT, &on));
  result("TIOCSWINSZ", ioctl(master, TIOCSWINSZ, &size));
  ioctl(slave, TIOCGWINSZ, &got);
  printf("%d %d %d %d\n", got.ws_row, got.ws_col, got.ws_xpixel, got.ws_ypixel);
  result("TIOCGDEV", ioctl(master, TIOCGDEV, &n));
  printf("%d\n", n == (int)st.st_rdev);
  result("TIOCGETD", ioctl(slave, TIOCGETD, &n) + n);
  n = 9;
  result("TIOCSETD", ioctl(slave, TIOCSETD, &n));
  result("TIOCMGET", ioctl(slave, TIOCMGET, &n));
  result("TCSBRK", tcsendbreak(slave, 0));
  result("TIOCSBRK", ioctl(slave, TIOCSBRK));
  result("tcdrain", tcdrain(master));
  result("nothing", ioctl(slave, 0x54ff, &n));
  result("TIOCOUTQ", ioctl(slave, TIOCOUTQ, &n) + n);
  result("TIOCGPGRP slave", ioctl(slave, TIOCGPGRP, &n));
  result("TIOCGPGRP master", ioctl(master, TIOCGPGRP, &n));
  result("TIOCGSID slave", ioctl(slave, TIOCGSID, &n));
  result("TIOCGSID master", ioctl(master, TIOCGSID, &n));
  result("TIOCSPGRP slave", ioctl(slave, TIOCSPGRP, &n));
  result("TIOCNOTTY", ioctl(slave, TIOCNOTTY));
  result("TIOCSTI master", ioctl(master, TIOCSTI, "x"));
  result("lseek", lseek(slave, 0, SEEK_CUR));
  result("mknod", mknod("/dev/pts/x", S_IFREG | 0600, 0));
  result("mkdir", mkdir("/dev/pts/x", 0700));
  result("create", open("/dev/pts/x", O_CREAT | O_RDWR, 0600));
  result("unlink", unlink(name));
  close_pair();
  result("gone", open(name, O_RDWR | O_NOCTTY));
}

static void settings(void) {
  struct termios t;
  printf("== settings\n");
  open_pair();
  tcgetattr(master, &t);
  printf("i %o o %o c %o l %o", t.c_iflag, t.c_oflag, t.c_cflag, t.c_lflag);
  for (int i = 0; i < 17; i++) printf(" %d", t.c_cc[i]);
  printf(" speed %d\n", cfgetospeed(&t));
  cfsetspeed(&t, B9600);
  t.c_cflag = (t.c_cflag & ~CSIZE) | CS5 | PARENB | HUPCL;
  tcsetattr(slave, TCSADRAIN, &t);
  tcgetattr(master, &t);
  printf("c %o speed %d\n", t.c_cflag, cfgetospeed(&t));
  close_pair();
}

// What is typed, with the settings of a new terminal but for the flags given.
static void lines(void) {
  static const struct { const char *keys; int iflag, lflag; } rows[] = {
    {"plain\n"}, {"a\x16\x03z\n"}, {"a\x16\n\n"}, {"tab\tx\x7f\x7f\n"}, {"one two  three\x17\x17x\n"},
    {"kill\x15me\n"}, {"re\x12print\n"}, {"end\x04"}, {"\x04"}, {"a\x04" "b\n"}, {"\x13" "abc\x11" "d\n"},
    {"a\rb\n", 0, 0}, {"UPPER\n", IUCLC}, {"h\xc3\xa4\x7f\n", IUTF8}, {"\xe1\xe2\n", ISTRIP},
    {"no echo\n", 0, ECHO}, {"nl\n", 0, ECHO | ECHOE}, {"x\x7f\n", 0, ECHOE}, {"ab\x15" "c\n", 0, ECHOKE},
    {"ab\x15" "c\n", 0, ECHOKE | ECHOK}, {"ctl\x01\x7f\n", 0, ECHOCTL}, {"w\x17 v\x16\x16\n", 0, IEXTEN},
    {"\x7f\x15\x17 nothing\n"}, {"nul\0", 0, 0},
  };
  struct termios t;
  printf("== lines\n");
  for (int i = 0; i < (int)(sizeof rows / sizeof *rows); i++) {
    open_pair();
    tcgetattr(slave, &t);
    t.c_iflag |= rows[i].iflag;
    t.c_lflag &= ~rows[i].lflag;
    tcsetattr(slave, TCSANOW, &t);
    show("typed", (const unsigned char *)rows[i].keys, strlen(rows[i].keys));
    type(rows[i].keys);
    screen(" shown");
    int n;
    ioctl(slave, FIONREAD, &n);
    printf(" waiting %d, poll %x\n", n, polled(slave));
    line(" read", 200);
    line(" again", 200);
    close_pair();
  }
}

static void output(void) {
  static const struct { const char *text; int oflag; } rows[] = {
    {"a\nb\tc\rd\be\n", OPOST | ONLCR}, {"a\nb\n", OPOST}, {"a\nb\n", 0}, {"a\r\rb\n", OPOST | OCRNL},
    {"\rab\r\rc\n", OPOST | ONOCR}, {"ab\nc\td\n", OPOST | ONLRET}, {"lower\n", OPOST | OLCUC},
    {"a\tbc\t\n\tx", OPOST | ONLCR | XTABS}, {"\xc3\xa4\tx", OPOST | XTABS},
  };
  printf("== output\n");
  for (int i = 0; i < (int)(sizeof rows / sizeof *rows); i++) {
    open_pair();
    set(ICRNL | IXON, rows[i].oflag, ICANON, 1, 0);
    result("written", write(slave, rows[i].text, strlen(rows[i].text)));
    screen(" shown");
    close_pair();
  }
}

static void bytes(void) {
  int n;
  printf("== without lines\n");
  open_pair();
  set(0, 0, 0, 1, 0);
  type("ab\ncd\x04\x03");
  printf("poll %x\n", polled(slave));
  line("read", 3);
  line("rest", 100);
  line("none", 100);
  set(0, 0, 0, 3, 0);
  type("xy");
  printf("poll %x\n", polled(slave));
  line("two of three", 100);
  set(0, 0, 0, 0, 0);
  line("VMIN 0", 100);
  set(0, 0, 0, 0, 2);
  line("VTIME without waiting", 100);
  fcntl(slave, F_SETFL, 0);
  line("VTIME", 100);
  set(0, 0, 0, 5, 1);
  type("abc");
  printf("poll %x\n", polled(slave));
  line("VMIN and VTIME", 100);
  set(0, 0, 0, 5, 0);
  type("12345678");
  line("five or more", 100);
  type("12");
  line("a buffer of two", 2);
  if (fork() == 0) {
    for (int i = 0; i < 5; i++) write(master, "abcdefgh" + i, 1), usleep(20000);
    _exit(0);
  }
  line("five that come one by one", 100);
  wait(0);
  set(ICRNL, OPOST, ECHO | ECHOCTL, 1, 0);
  type("a\nb\r\x01");
  screen("echo");
  line("read", 100);
  fcntl(slave, F_SETFL, O_NONBLOCK);
  type("half");
  set(0, 0, ICANON, 1, 0);
  line("now a line", 100);
  type("one\ntwo\x04\nrest");
  set(0, 0, 0, 1, 0);
  line("no line any more", 100);
  set(0, 0, ICANON, 1, 0);
  type("abc\ndef\n");
  line("part", 2);
  line("rest", 2);
  line("next", 200);
  type("abc\x04");
  line("exactly", 3);
  line("nothing behind", 3);
  type("flushed\n");
  result("tcflush", tcflush(slave, TCIFLUSH));
  line("flushed", 100);
  type("kept\nx");
  result("TCOFLUSH", tcflush(slave, TCOFLUSH));
  line("kept", 100);
  result("no such flush", ioctl(slave, TCFLSH, 3));
  result("FIONREAD", ioctl(slave, FIONREAD, &n) + n);
  result("TIOCSTI", ioctl(slave, TIOCSTI, "y"));
  type("\n");
  line("simulated", 100);
  close_pair();
}

static void full(void) {
  unsigned char many[5000], got[9000];
  int n;
  printf("== full\n");
  open_pair();
  set(ICRNL, 0, ICANON, 1, 0);
  memset(many, 'x', sizeof many);
  for (int i = 0; i < 3; i++) result("typed", write(master, many, 2000)), settle();
  type("\n");
  ioctl(slave, FIONREAD, &n);
  printf("waiting %d\n", n);
  n = read(slave, got, sizeof got);
  printf("read %d ends %x\n", n, got[n - 1]);
  set(0, 0, 0, 1, 0);
  for (int i = 0; i < 3; i++) result("typed", write(master, many, 2000)), settle();
  ioctl(slave, FIONREAD, &n);
  printf("waiting %d\n", n);
  int sum = 0;
  for (int i = 0; i < 5; i++, settle())
    while ((n = read(slave, got, sizeof got)) > 0) sum += n;
  printf("sum %d\n", sum);
  close_pair();
}

int main(void) {
  setvbuf(stdout, 0, _IOLBF, 0);
  making();
  settings();
  lines();
  output();
  bytes();
  full();
  return 0;
}
