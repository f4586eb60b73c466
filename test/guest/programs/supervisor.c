// A supervisor who is asked about another's system calls, looks into its memory, and says what becomes of them.
#include "filter.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

static void send_fd(int socket, int fd) {
  char control[CMSG_SPACE(sizeof(int))] = {0}, byte = 'f';
  struct iovec iov = {&byte, 1};
  struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
  struct cmsghdr *head = CMSG_FIRSTHDR(&message);
  *head = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
  memcpy(CMSG_DATA(head), &fd, sizeof fd);
  sendmsg(socket, &message, 0);
}

static int receive_fd(int socket) {
  char control[CMSG_SPACE(sizeof(int))], byte;
  struct iovec iov = {&byte, 1};
  struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
  int fd = -1;
  if (recvmsg(socket, &message, 0) == 1) memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof fd);
  return fd;
}

static void on_alarm(int signal) { write(1, "handled\n", 8); }

static void supervised(int socket) {
  long fd = answer_call(SECCOMP_FILTER_FLAG_NEW_LISTENER, SYS_mkdirat, SECCOMP_RET_USER_NOTIF);
  send_fd(socket, fd);
  said("another", answer_call(SECCOMP_FILTER_FLAG_NEW_LISTENER, SYS_mkdirat, SECCOMP_RET_USER_NOTIF));
  close(fd);
  said("error", mkdirat(-1, "/first", 1));
  said("value", mkdirat(-1, "/second", 1));
  said("continued", mkdirat(-1, "relative", 1));
  said("given", mkdirat(-1, "/fourth", 1));
  said("its flags", fcntl(40, F_GETFD));
  said("given and sent", mkdirat(-1, "/fifth", 1));
  struct sigaction action = {.sa_handler = on_alarm};
  sigaction(SIGUSR1, &action, 0);
  said("interrupted", mkdirat(-1, "/sixth", 1));
  said("nobody answers", mkdirat(-1, "/last", 1));
  said("nobody is asked", mkdirat(-1, "/none", 1));
}

static int listener;
static struct seccomp_notif notif;

// Takes the next call, and reads its path as a supervisor does: through the caller's mem file.
static void take(pid_t pid) {
  char path[64] = "", name[32];
  memset(&notif, 0, sizeof notif);
  int result = ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &notif);
  sprintf(name, "/proc/%d/mem", notif.pid);
  int mem = open(name, O_RDONLY);
  pread(mem, path, sizeof path - 1, notif.data.args[1]);
  close(mem);
  printf("asked %d: same task %d, call %d, path %s, valid %d\n", result, notif.pid == pid,
         notif.data.nr == SYS_mkdirat, path, ioctl(listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &notif.id));
  fflush(stdout);
}

static void reply(const char *what, long long value, int error, unsigned flags) {
  struct seccomp_notif_resp response = {notif.id, value, error, flags};
  said(what, ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &response));
}

static void poll_events(const char *what, int timeout) {
  struct pollfd poller = {listener, POLLIN | POLLOUT, 0};
  poll(&poller, 1, timeout);
  printf("%s: events %x\n", what, poller.revents);
  fflush(stdout);
}

static void give(const char *what, unsigned flags, unsigned srcfd, unsigned newfd, unsigned newfd_flags) {
  struct seccomp_notif_addfd add = {notif.id, flags, srcfd, newfd, newfd_flags};
  said(what, ioctl(listener, SECCOMP_IOCTL_NOTIF_ADDFD, &add));
}

// What the two say is in one order: each waits for the other.
static void supervisor(void) {
  int pair[2], order[2];
  socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
  pipe(order);
  fflush(stdout);
  pid_t pid = fork();
  if (pid == 0) {
    dup2(order[1], 1);
    supervised(pair[1]);
    fflush(stdout);
    _exit(5);
  }
  close(order[1]);
  listener = receive_fd(pair[0]);
  printf("listener %d\n", listener >= 0);
  notif.pid = 1;
  said("not zero", ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &notif));
  said("unknown ioctl", ioctl(listener, 0x2199, 0));
  notif.id = 12345678901;
  reply("no such call", 0, 0, 0);
  poll_events("call waits", -1);
  take(pid);
  poll_events("call taken", -1);
  reply("bad flags", 0, 0, 2);
  reply("value to be continued", 1, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE);
  reply("error", 0, -EXDEV, 0);
  take(pid);
  reply("value", 1234, 0, 0);
  take(pid);
  reply("continue", 0, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE);
  take(pid);
  give("bad descriptor", 0, 99, 0, 0);
  give("number without SETFD", 0, 0, 40, 0);
  give("bad flags", 4, 0, 0, 0);
  give("bad descriptor flags", 0, 0, 0, 1);
  give("number too high", SECCOMP_ADDFD_FLAG_SETFD, 0, 1 << 30, 0);
  give("given", SECCOMP_ADDFD_FLAG_SETFD, 0, 40, O_CLOEXEC);
  reply("zero", 0, 0, 0);
  take(pid);
  give("given and sent", SECCOMP_ADDFD_FLAG_SETFD | SECCOMP_ADDFD_FLAG_SEND, 0, 41, 0);
  take(pid);
  kill(pid, SIGUSR1);
  while (ioctl(listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &notif.id) == 0) usleep(1000);
  reply("too late", 0, 0, 0);
  take(pid);
  close(listener);
  int status;
  waitpid(pid, &status, 0);
  char output[4096];
  ssize_t count = 0, more;
  while ((more = read(order[0], output + count, sizeof output - count)) > 0) count += more;
  printf("%.*send %x\n", (int)count, output, status);
}

// The descriptor hangs up with the last task that has the filter.
static void hangs_up(void) {
  int pair[2];
  socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
  pid_t pid = fork();
  if (pid == 0) {
    long fd = answer_call(SECCOMP_FILTER_FLAG_NEW_LISTENER, SYS_mkdirat, SECCOMP_RET_USER_NOTIF);
    send_fd(pair[1], fd);
    _exit(0);
  }
  listener = receive_fd(pair[0]);
  waitpid(pid, 0, 0);
  poll_events("nobody left", -1);
  memset(&notif, 0, sizeof notif);
  said("receive", ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &notif));
}

int main(void) {
  setvbuf(stdout, 0, _IOFBF, 1 << 16);
  in_child("supervisor", supervisor);
  in_child("hangs up", hangs_up);
  return 0;
}
