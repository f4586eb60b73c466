// Controlling terminals: who has one, the background, signals, hangups.
#include "pty.h"

static void on_signal(int n) {
  char text[] = "signal xx\n";
  text[7] = '0' + n / 10;
  text[8] = '0' + n % 10;
  write(1, text, 10);
}

static void catch(int n, int restart) {
  struct sigaction act = {.sa_handler = on_signal, .sa_flags = restart ? SA_RESTART : 0};
  sigaction(n, &act, 0);
}

static volatile sig_atomic_t seen[65];

static void on_noted(int n) { seen[n] = 1; }

// From now on signals are held back until wait_for().
static void note(int n) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, n);
  sigprocmask(SIG_BLOCK, &set, 0);
  signal(n, on_noted);
}

static void wait_for(const char *who, int a, int b) {
  sigset_t none;
  sigemptyset(&none);
  while (!seen[a] || !seen[b]) sigsuspend(&none);
  printf("%s: has %d and %d\n", who, a, b);
}

static void field(const char *what) {
  char text[1000];
  int fd = open("/proc/self/stat", O_RDONLY), n = read(fd, text, 999), tty, group;
  close(fd);
  text[n] = 0;
  sscanf(strrchr(text, ')') + 2, "%*c %*d %*d %*d %d %d", &tty, &group);
  printf("%s: tty %d group %d\n", what, tty == 0 ? 0 : (tty >> 8) & 0xfff, group == -1 ? -1 : group == getpgrp());
}

static void sessions(void) {
  int n, fd, status;
  printf("== sessions\n");
  open_pair();
  fcntl(slave, F_SETFL, 0);
  fflush(stdout);
  if (fork() == 0) {
    result("/dev/tty", open("/dev/tty", O_RDWR));
    result("TIOCSCTTY, no leader", ioctl(slave, TIOCSCTTY, 0));
    setsid();
    field("new session");
    fd = open(name, O_RDWR | O_NOCTTY);
    field("O_NOCTTY");
    close(fd);
    fd = open(name, O_WRONLY);
    field("write only");
    close(fd);
    fd = open(name, O_RDWR);
    field("opened");
    close(fd);
    result("TIOCSCTTY again", ioctl(slave, TIOCSCTTY, 0));
    fd = open("/dev/tty", O_RDWR);
    printf("/dev/tty %d %d %s\n", fd >= 0, isatty(fd), ttyname(fd) == 0 ? "-" : ttyname(fd));
    struct stat st;
    fstat(fd, &st);
    printf("rdev %x\n", (int)st.st_rdev);
    close(fd);
    printf("sid %d pgrp %d\n", tcgetsid(slave) == getpid(), tcgetpgrp(slave) == getpid());
    printf("master: sid %d pgrp %d\n", tcgetsid(master) == getpid(), tcgetpgrp(master) == getpid());
    result("tcsetpgrp", tcsetpgrp(slave, getpid()));
    result("tcsetpgrp of nobody", tcsetpgrp(slave, 999999));
    result("tcsetpgrp of another session", tcsetpgrp(slave, getppid()));
    result("tcsetpgrp of less than none", tcsetpgrp(slave, -2));
    result("tcsetpgrp by the master", tcsetpgrp(master, getpid()));
    catch(SIGINT, 0);
    catch(SIGQUIT, 0);
    catch(SIGWINCH, 0);
    catch(SIGCONT, 0);
    catch(SIGTTOU, 0);
    catch(SIGHUP, 0);
    type("\x03");
    type("\x1c");
    n = SIGQUIT;
    result("TIOCSIG", ioctl(master, TIOCSIG, n));
    result("TIOCSIG of another", ioctl(master, TIOCSIG, SIGHUP));
    struct winsize size = {10, 20};
    result("size", ioctl(slave, TIOCSWINSZ, &size));
    result("same size", ioctl(slave, TIOCSWINSZ, &size));
    screen("shown");
    // A child in the background.
    fflush(stdout);
    int child = fork();
    if (child == 0) {
      setpgid(0, 0);
      char b[10];
      signal(SIGTTIN, SIG_IGN);
      show("background read, deaf", (unsigned char *)b, read(slave, b, 10));
      result("background write", write(slave, "w", 1));
      struct termios t;
      tcgetattr(slave, &t);
      t.c_lflag |= TOSTOP;
      result("background settings", tcsetattr(slave, TCSANOW, &t));
      signal(SIGTTOU, SIG_IGN);
      result("background settings, deaf", tcsetattr(slave, TCSANOW, &t));
      result("background write, deaf", write(slave, "v", 1));
      result("background tcsetpgrp, deaf", tcsetpgrp(slave, getpgrp()));
      field("foreground");
      signal(SIGTTIN, SIG_DFL);
      tcsetpgrp(slave, getppid());
      fflush(stdout);
      n = read(slave, b, 1);
      show("continued", (unsigned char *)b, n);
      fflush(stdout);
      _exit(7);
    }
    waitpid(child, &status, WUNTRACED);
    printf("stopped %d by %d\n", WIFSTOPPED(status), WSTOPSIG(status));
    result("TIOCNOTTY", 0);
    tcsetpgrp(slave, child);
    type("k\n");
    kill(child, SIGCONT);
    waitpid(child, &status, WUNTRACED);
    printf("exited %d\n", WEXITSTATUS(status));
    signal(SIGTTOU, SIG_IGN);
    tcsetpgrp(slave, getpid());
    screen("shown");
    result("leave", ioctl(slave, TIOCNOTTY));
    field("left");
    result("/dev/tty", open("/dev/tty", O_RDWR));
    result("sid", tcgetsid(slave));
    result("take", ioctl(slave, TIOCSCTTY, 0));
    field("taken");
    fflush(stdout);
    // Another session does not get it, but root may steal it.
    child = fork();
    if (child == 0) {
      setsid();
      result("of another session", ioctl(slave, TIOCSCTTY, 0));
      result("stolen", ioctl(slave, TIOCSCTTY, 1));
      field("thief");
      fflush(stdout);
      _exit(0);
    }
    waitpid(child, 0, 0);
    field("robbed");
    result("take again", ioctl(slave, TIOCSCTTY, 0));
    field("back");
    fflush(stdout);
    _exit(3);
  }
  wait(&status);
  printf("leader %d\n", WEXITSTATUS(status));
  printf("master: sid %d\n", tcgetsid(master));
  close_pair();
}

// The leader of a session exits, or loses its terminal and lives on, or dies of that.
static void hangups(void) {
  int ready[2], go[2], done[2], status;
  char c;
  printf("== hangups\n");
  for (int how = 0; how < 3; how++) {
    open_pair();
    pipe(ready);
    pipe(go);
    pipe(done);
    fflush(stdout);
    int leader = fork();
    if (leader == 0) {
      setsid();
      ioctl(slave, TIOCSCTTY, 0);
      fcntl(slave, F_SETFL, 0);
      if (how != 2) note(SIGHUP);
      note(SIGCONT);
      close(master);
      int job = fork();
      if (job == 0) {
        note(SIGHUP);
        if (how == 2) setpgid(0, 0);
        write(ready[1], "r", 1);
        wait_for("job", SIGHUP, how == 2 ? SIGCONT : SIGHUP);
        result("job: write", write(slave, "x", 1));
        field("job");
        write(done[1], "d", 1);
        _exit(0);
      }
      read(ready[0], &c, 1);
      if (how == 2) tcsetpgrp(slave, job);
      write(go[1], "g", 1);
      if (how == 0) _exit(0);
      if (how == 2) pause();
      wait_for("leader", SIGHUP, SIGCONT);
      result("leader: read", read(slave, &c, 1));
      result("leader: write", write(slave, &c, 1));
      field("leader");
      kill(job, SIGHUP);
      _exit(0);
    }
    close(slave);
    read(go[0], &c, 1);
    usleep(30000);
    if (how > 0) close(master);
    read(done[0], &c, 1);
    waitpid(leader, &status, 0);
    printf("leader %x\n", status);
    if (how == 0) close(master);
    for (int i = 0; i < 2; i++) close(ready[i]), close(go[i]), close(done[i]);
  }
}

int main(void) {
  setvbuf(stdout, 0, _IOLBF, 0);
  sessions();
  hangups();
  return 0;
}
