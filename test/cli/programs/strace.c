#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void) {
  char buffer[100];
  struct stat st;
  int fd = openat(AT_FDCWD, "/nope", O_RDONLY | O_CLOEXEC);
  fd = openat(AT_FDCWD, "/tmp/strace-file", O_RDWR | O_CREAT | O_TRUNC, 0640);
  write(fd, "line one\n\ttab \"quoted\" \\ \001\0029\377", 29);
  pread(fd, buffer, sizeof buffer, 5);
  lseek(fd, 0, SEEK_SET);
  read(fd, buffer, 4);
  fstat(fd, &st);
  fcntl(fd, F_GETFL);
  fcntl(fd, F_SETFD, FD_CLOEXEC);
  fcntl(fd, F_GETFD);
  faccessat(AT_FDCWD, "/tmp/strace-file", R_OK | W_OK, 0);
  void *page = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  mprotect(page, 4096, PROT_READ);
  munmap(page, 8192);
  close(fd);
  close(99);
  unlinkat(AT_FDCWD, "/tmp/strace-file", 0);
  int fds[2];
  pipe2(fds, O_CLOEXEC);
  dup3(fds[0], 50, O_CLOEXEC);
  struct epoll_event events[4] = {{.events = EPOLLIN | EPOLLET, .data.u64 = 0x700000005}};
  int epfd = epoll_create1(EPOLL_CLOEXEC);
  epoll_ctl(epfd, EPOLL_CTL_ADD, fds[0], events);
  epoll_ctl(epfd, 9, fds[0], events);
  write(fds[1], "x", 1);
  epoll_pwait(epfd, events + 1, 3, 0, 0);
  epoll_ctl(epfd, EPOLL_CTL_DEL, fds[0], 0);
  epoll_pwait(epfd, events + 1, 3, 0, 0);
  epoll_pwait(epfd, events + 1, 0, 0, 0);
  signal(SIGUSR1, SIG_IGN);
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGCHLD);
  sigprocmask(SIG_BLOCK, &set, 0);
  write(1, "a line that is longer than thirty-two bytes\n", 44);
  *(volatile int *)0 = 1;
}
