/* Opening a FIFO: who waits for whom, and what is left when one has gone again. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char path[64];

static const char *outcome(long result) { return result < 0 ? strerror(errno) : "done"; }

static void on_signal(int signal) { (void)signal; }

/** A child that opens the FIFO, writes or reads, and leaves. */
static pid_t other(int flags, int delay, const char *text) {
  fflush(stdout);
  pid_t pid = fork();
  if (pid != 0) return pid;
  usleep(delay * 1000);
  int fd = open(path, flags);
  char buffer[100] = "";
  long done = flags == O_WRONLY ? write(fd, text, strlen(text)) : read(fd, buffer, sizeof buffer);
  printf("child: %s, %ld bytes %s\n", outcome(fd), done, buffer);
  exit(0);
}

static void meet(const char *what, int flags, int theirs, int delay) {
  pid_t pid = other(theirs, delay, "from the child");
  if (delay == 0) usleep(50000);
  int fd = open(path, flags);
  char buffer[100] = "";
  long done = flags == O_WRONLY ? write(fd, "from the parent", 15) : 0;
  /* The child has written and gone: the bytes are there all the same. */
  waitpid(pid, NULL, 0);
  if (flags == O_RDONLY) done = read(fd, buffer, sizeof buffer);
  printf("%s: %ld bytes %s, then %ld\n", what, done, buffer, flags == O_RDONLY ? (long)read(fd, buffer, 1) : 0);
  close(fd);
}

static void interrupted(int restart) {
  struct sigaction action = {.sa_handler = on_signal, .sa_flags = restart ? SA_RESTART : 0};
  sigaction(SIGALRM, &action, NULL);
  pid_t pid = restart ? other(O_WRONLY, 150, "after the signal") : 0;
  ualarm(50000, 0);
  int fd = open(path, O_RDONLY);
  printf("%s: %s\n", restart ? "restarted" : "interrupted", outcome(fd));
  if (restart) waitpid(pid, NULL, 0);
  if (fd >= 0) close(fd);
  /* Who was interrupted is no reader any more. */
  errno = 0;
  printf("writer afterwards: %s\n", outcome(open(path, O_WRONLY | O_NONBLOCK)));
}

static void killed(void) {
  pid_t pid = other(O_RDONLY, 0, "");
  usleep(50000);
  kill(pid, SIGKILL);
  waitpid(pid, NULL, 0);
  printf("writer after a reader was killed: %s\n", outcome(open(path, O_WRONLY | O_NONBLOCK)));
}

int main(void) {
  snprintf(path, sizeof path, "/tmp/fifos-%d", getpid());
  printf("mkfifo: %s\n", outcome(mkfifo(path, 0600)));
  printf("writer that does not wait: %s\n", outcome(open(path, O_WRONLY | O_NONBLOCK)));
  int fd = open(path, O_RDWR);
  printf("both ends: %s, %ld\n", outcome(fd), (long)write(fd, "x", 1));
  close(fd);
  fd = open(path, O_RDONLY | O_NONBLOCK);
  char byte;
  printf("reader that does not wait: %s, %ld\n", outcome(fd), (long)read(fd, &byte, 1));
  struct pollfd ask = {fd, POLLIN, 0};
  int ready = poll(&ask, 1, 0);
  printf("nobody has written yet: %d, %x\n", ready, ask.revents);
  int writer = open(path, O_WRONLY | O_NONBLOCK);
  printf("writer with a reader: %s, %ld\n", outcome(writer), (long)write(writer, "y", 1));
  close(writer);
  ready = poll(&ask, 1, 0);
  printf("somebody has: %d, %x\n", ready, ask.revents);
  read(fd, &byte, 1);
  ready = poll(&ask, 1, 0);
  printf("and went: %d, %x\n", ready, ask.revents);
  close(fd);
  meet("reader first", O_RDONLY, O_WRONLY, 50);
  meet("writer first", O_RDONLY, O_WRONLY, 0);
  meet("reader comes later", O_WRONLY, O_RDONLY, 50);
  interrupted(0);
  interrupted(1);
  killed();
  unlink(path);
  return 0;
}
