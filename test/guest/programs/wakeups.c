// A call that sleeps, when what it waits for and a signal with a handler come one after the other: what it waits
// for is looked at first. The handler does not restart calls.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static volatile int handled;
static int ends[2], listener, queue, semaphores;
static int *word;
static const char *fifo = "/tmp/procmem-wakeups-fifo", *name = "/tmp/procmem-wakeups-socket";
static struct sockaddr_un address = {.sun_family = AF_UNIX};

static void on_signal(int signal) { handled++; }

static sigset_t set_of(int signal) {
  sigset_t set;
  sigemptyset(&set);
  if (signal) sigaddset(&set, signal);
  return set;
}

static void nothing(void) {}
static void put(void) { write(ends[1], "x", 1); }
static void open_writer(void) { open(fifo, O_WRONLY | O_NONBLOCK); }
static void wake(void) {
  *word = 1;
  syscall(SYS_futex, word, FUTEX_WAKE, 1, 0, 0, 0);
}
static void connect_to(void) {
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  connect(fd, (struct sockaddr *)&address, sizeof address);
}
static void usr2(void) { kill(getppid(), SIGUSR2); }
static void up(void) { semop(semaphores, &(struct sembuf){0, 1, 0}, 1); }
static void send_message(void) {
  struct { long type; } message = {1};
  msgsnd(queue, &message, 0, 0);
}

/** A child that does something 30 ms later, and sends SIGUSR1 with it. */
static pid_t later(void (*what)(void)) {
  fflush(stdout);
  handled = 0;
  pid_t pid = fork();
  if (pid) return pid;
  usleep(30000);
  what();
  kill(getppid(), SIGUSR1);
  // What it has opened stays open meanwhile.
  usleep(30000);
  _exit(3);
}

static void tell(const char *what, long result, pid_t pid) {
  const char *error = result < 0 ? strerror(errno) : "";
  while (waitpid(pid, 0, 0) < 0 && errno == EINTR) continue;
  printf("%s: %s %s, handled %d\n", what, result < 0 ? "failed" : result ? "more" : "zero", error, handled);
}

static void files(void) {
  pid_t pid;
  char byte;
  mkfifo(fifo, 0600);
  tell("fifo, a writer", (pid = later(open_writer), open(fifo, O_RDONLY)), pid);
  tell("fifo, none", (pid = later(nothing), open(fifo, O_RDONLY)), pid);
  unlink(fifo);
  tell("pipe, a byte", (pid = later(put), read(ends[0], &byte, 1)), pid);
  tell("pipe, none", (pid = later(nothing), read(ends[0], &byte, 1)), pid);
  tell("accept, a peer", (pid = later(connect_to), accept(listener, 0, 0)), pid);
  tell("accept, none", (pid = later(nothing), accept(listener, 0, 0)), pid);
}

static void polls(void) {
  pid_t pid;
  char byte;
  struct pollfd want = {ends[0], POLLIN, 0};
  struct epoll_event event = {EPOLLIN};
  struct timespec length = {5, 0};
  int epoll = epoll_create1(0);
  epoll_ctl(epoll, EPOLL_CTL_ADD, ends[0], &event);
  tell("poll, a byte", (pid = later(put), poll(&want, 1, 5000)), pid);
  read(ends[0], &byte, 1);
  tell("poll, none", (pid = later(nothing), poll(&want, 1, 5000)), pid);
  // The signal is held back but for the length of the call.
  sigset_t none = set_of(0), held = set_of(SIGUSR1);
  sigprocmask(SIG_BLOCK, &held, 0);
  tell("ppoll, none", (pid = later(nothing), ppoll(&want, 1, &length, &none)), pid);
  tell("ppoll, a byte", (pid = later(put), ppoll(&want, 1, &length, &none)), pid);
  sigprocmask(SIG_UNBLOCK, &held, 0);
  read(ends[0], &byte, 1);
  sigprocmask(SIG_BLOCK, &held, 0);
  tell("epoll_pwait, a byte", (pid = later(put), epoll_pwait(epoll, &event, 1, 5000, &none)), pid);
  tell("sigsuspend", (pid = later(nothing), sigsuspend(&none)), pid);
  read(ends[0], &byte, 1);
  sigprocmask(SIG_UNBLOCK, &held, 0);
}

static void others(void) {
  pid_t pid;
  struct timespec length = {5, 0};
  struct { long type; } message;
  struct sembuf down = {0, -1, 0};
  sigset_t usr = set_of(SIGUSR2);
  tell("futex, woken", (pid = later(wake), syscall(SYS_futex, word, FUTEX_WAIT, 0, 0, 0, 0)), pid);
  *word = 0;
  tell("futex, not", (pid = later(nothing), syscall(SYS_futex, word, FUTEX_WAIT, 0, 0, 0, 0)), pid);
  sigprocmask(SIG_BLOCK, &usr, 0);
  tell("sigtimedwait, it comes", (pid = later(usr2), sigtimedwait(&usr, 0, &length)), pid);
  tell("sigtimedwait, not", (pid = later(nothing), sigtimedwait(&usr, 0, &length)), pid);
  tell("semop, up", (pid = later(up), semop(semaphores, &down, 1)), pid);
  tell("semop, not", (pid = later(nothing), semop(semaphores, &down, 1)), pid);
  tell("msgrcv, sent", (pid = later(send_message), msgrcv(queue, &message, 0, 0, 0)), pid);
  tell("msgrcv, not", (pid = later(nothing), msgrcv(queue, &message, 0, 0, 0)), pid);
  tell("nanosleep", (pid = later(nothing), nanosleep(&length, 0)), pid);
}

/** The death of a child is told by SIGCHLD, and is what a wait waits for. */
static void children(void) {
  int status;
  struct sigaction action = {.sa_handler = on_signal};
  sigaction(SIGCHLD, &action, 0);
  handled = 0;
  pid_t pid = fork();
  if (!pid) {
    usleep(30000);
    _exit(7);
  }
  long result = waitpid(pid, &status, 0);
  printf("waitpid: %s, status %x, handled %d\n", result == pid ? "it" : strerror(errno), status, handled);
}

int main(void) {
  struct sigaction action = {.sa_handler = on_signal};
  sigaction(SIGUSR1, &action, 0);
  pipe(ends);
  strcpy(address.sun_path, name);
  unlink(name);
  unlink(fifo);
  listener = socket(AF_UNIX, SOCK_STREAM, 0);
  bind(listener, (struct sockaddr *)&address, sizeof address);
  listen(listener, 5);
  word = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  queue = msgget(IPC_PRIVATE, 0600);
  semaphores = semget(IPC_PRIVATE, 1, 0600);
  files();
  polls();
  others();
  children();
  msgctl(queue, IPC_RMID, 0);
  semctl(semaphores, 0, IPC_RMID);
  unlink(name);
}
