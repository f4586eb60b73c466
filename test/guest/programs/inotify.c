// What inotify tells of every call that changes or uses files. Prints the events.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

static int in;

static void result(const char *what, long n) {
  if (n < 0) printf("%s: %s\n", what, strerrorname_np(errno));
  else printf("%s: %ld\n", what, n);
}

// The events that wait; cookies as the number they first came in.
static void events(const char *what) {
  static unsigned cookies[64], count;
  char bytes[65536];
  long n = read(in, bytes, sizeof bytes);
  printf("%s:", what);
  if (n < 0) printf(" %s", strerrorname_np(errno));
  for (char *at = bytes; at < bytes + n;) {
    struct inotify_event *e = (void *)at;
    unsigned c = 0;
    if (e->cookie != 0) {
      for (c = 0; c < count && cookies[c] != e->cookie; c++);
      if (c == count) cookies[count++] = e->cookie;
      c++;
    }
    printf(" [%d %x", e->wd, e->mask);
    if (c) printf(" c%u", c);
    if (e->len) printf(" %s/%u", e->name[0] == '#' ? "#" : e->name, e->len);
    printf("]");
    at += sizeof *e + e->len;
  }
  printf("\n");
}

static void put(const char *name, const char *text) {
  int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0644);
  write(fd, text, strlen(text));
  close(fd);
}

static void calls(void) {
  int wd;
  printf("== calls\n");
  result("flags", inotify_init1(1));
  in = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  printf("fd flags %x %x\n", fcntl(in, F_GETFL) & O_NONBLOCK, fcntl(in, F_GETFD));
  result("no mask", inotify_add_watch(in, ".", 0));
  result("add and create", inotify_add_watch(in, ".", IN_MASK_ADD | IN_MASK_CREATE | IN_OPEN));
  result("no event", inotify_add_watch(in, ".", IN_ONLYDIR));
  result("nothing there", inotify_add_watch(in, "nothing", IN_OPEN));
  result("no inotify", inotify_add_watch(1, ".", IN_OPEN));
  result("no descriptor", inotify_add_watch(99, ".", IN_OPEN));
  put("file", "x");
  result("only directories", inotify_add_watch(in, "file", IN_OPEN | IN_ONLYDIR));
  symlink("file", "link");
  wd = inotify_add_watch(in, "link", IN_OPEN);
  result("by link", wd);
  result("the same", inotify_add_watch(in, "file", IN_CLOSE));
  close(open("file", O_RDONLY));
  events("replaced");
  result("added", inotify_add_watch(in, "file", IN_OPEN | IN_MASK_ADD));
  close(open("file", O_RDONLY));
  events("both");
  result("created already", inotify_add_watch(in, "file", IN_OPEN | IN_MASK_CREATE));
  result("the link", inotify_add_watch(in, "link", IN_OPEN | IN_DONT_FOLLOW));
  result("rm", inotify_rm_watch(in, wd));
  events("ignored");
  result("rm again", inotify_rm_watch(in, wd));
  result("a new one", inotify_add_watch(in, "file", IN_OPEN | IN_ONESHOT));
  close(open("file", O_RDONLY));
  close(open("file", O_RDONLY));
  events("once");
  result("write", write(in, "x", 1));
  result("seek", lseek(in, 0, SEEK_SET));
  chmod("file", 0);
  if (fork() == 0) {
    if (setuid(1000) == 0) result("unreadable", inotify_add_watch(in, "file", IN_OPEN));
    _exit(0);
  }
  wait(0);
  unlink("file");
  unlink("link");
  close(in);
}

// One watch on the directory and one on the file.
static void everything(void) {
  int fd, other;
  char bytes[64];
  struct stat st;
  struct timespec times[2] = {{1, 0}, {2, 0}};
  printf("== everything\n");
  in = inotify_init1(IN_NONBLOCK);
  result("dir", inotify_add_watch(in, ".", IN_ALL_EVENTS));
  fd = open("a", O_RDWR | O_CREAT, 0644);
  events("create");
  result("file", inotify_add_watch(in, "a", IN_ALL_EVENTS));
  write(fd, "text", 4);
  events("write");
  write(fd, "text", 4);
  pwrite(fd, "text", 4, 0);
  write(fd, "", 0);
  events("writes");
  read(fd, bytes, 4);
  lseek(fd, 0, SEEK_SET);
  read(fd, bytes, 4);
  events("read");
  ftruncate(fd, 3);
  events("ftruncate");
  truncate("a", 100);
  events("truncate");
  posix_fallocate(fd, 0, 200);
  events("fallocate");
  fchmod(fd, 0600);
  events("chmod");
  chown("a", 1, 1);
  events("chown");
  futimens(fd, times);
  events("both times");
  times[0].tv_nsec = UTIME_OMIT;
  futimens(fd, times);
  events("mtime");
  times[0].tv_nsec = 0, times[1].tv_nsec = UTIME_OMIT;
  utimensat(AT_FDCWD, "a", times, 0);
  events("atime");
  setxattr("a", "user.x", "1", 1, 0);
  events("setxattr");
  removexattr("a", "user.x");
  events("removexattr");
  char *m = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  m[0] = 'x';
  munmap(m, 4096);
  fsync(fd);
  events("mmap");
  other = open("b", O_RDWR | O_CREAT, 0644);
  lseek(fd, 0, SEEK_SET);
  sendfile(other, fd, 0, 4);
  events("sendfile");
  lseek(fd, 0, SEEK_SET);
  copy_file_range(fd, 0, other, 0, 4, 0);
  events("copy_file_range");
  close(other);
  close(fd);
  events("close");
  close(open("a", O_RDONLY));
  close(open("a", O_WRONLY | O_TRUNC));
  close(open("a", O_PATH));
  events("opens");
  stat("a", &st);
  access("a", R_OK);
  events("stat");
  link("a", "l");
  events("link");
  symlink("a", "s");
  mknod("f", S_IFIFO | 0600, 0);
  mkdir("d", 0755);
  events("others");
  rename("a", "a2");
  events("rename");
  rename("a2", "b");
  events("over another");
  renameat2(AT_FDCWD, "b", AT_FDCWD, "l", RENAME_EXCHANGE);
  events("exchange of the same");
  put("c", "c");
  events("put");
  renameat2(AT_FDCWD, "b", AT_FDCWD, "c", RENAME_EXCHANGE);
  events("exchange");
  rename("c", "d/c");
  events("to a directory not watched");
  rename("d/c", "c");
  events("and back");
  unlink("l");
  events("unlink one of two");
  fd = open("c", O_RDONLY);
  unlink("c");
  events("unlink an open one");
  close(fd);
  events("closed");
  unlink("b");
  unlink("s");
  unlink("f");
  rmdir("d");
  events("the rest");
  fd = open(".", O_RDONLY | O_DIRECTORY);
  syscall(SYS_getdents64, fd, bytes, sizeof bytes);
  close(fd);
  events("directory");
  chmod(".", 0700);
  events("its mode");
  fd = open(".", O_TMPFILE | O_RDWR, 0600);
  write(fd, "t", 1);
  sprintf(bytes, "/proc/self/fd/%d", fd);
  linkat(AT_FDCWD, bytes, AT_FDCWD, "t", AT_SYMLINK_FOLLOW);
  close(fd);
  events("O_TMPFILE");
  unlink("t");
  put("u", "u");
  put("v", "v");
  events("two more");
  result("u", inotify_add_watch(in, "u", IN_ALL_EVENTS));
  result("v", inotify_add_watch(in, "v", IN_ALL_EVENTS));
  rename("u", "v");
  events("over one that is watched");
  unlink("v");
  events("unlink");
  close(in);
}

static void directories(void) {
  printf("== directories\n");
  mkdir("d", 0755);
  in = inotify_init1(IN_NONBLOCK);
  result("d", inotify_add_watch(in, "d", IN_ALL_EVENTS));
  result("parent", inotify_add_watch(in, ".", IN_ALL_EVENTS));
  put("d/x", "1");
  events("in it");
  mkdir("d/e", 0755);
  result("e", inotify_add_watch(in, "d/e", IN_ALL_EVENTS));
  chmod("d/e", 0700);
  events("below it");
  rename("d/e", "e");
  events("moved out");
  rename("e", "d/e2");
  events("moved in");
  rmdir("d/e2");
  events("removed");
  unlink("d/x");
  rmdir("d");
  events("removed too");
  mkdir("d", 0755);
  result("anew", inotify_add_watch(in, "d", IN_DELETE_SELF | IN_MOVE_SELF | IN_EXCL_UNLINK | IN_MODIFY | IN_CLOSE));
  int fd = open("d/x", O_RDWR | O_CREAT, 0644);
  inotify_rm_watch(in, 2);
  events("rm");
  write(fd, "1", 1);
  events("linked");
  unlink("d/x");
  write(fd, "2", 1);
  close(fd);
  events("unlinked");
  rename("d", "d2");
  events("move self");
  rmdir("d2");
  events("delete self");
  close(in);
}

static void queue(void) {
  int n, max, fd;
  char bytes[200], path[64];
  struct pollfd p;
  printf("== queue\n");
  put("file", "");
  in = inotify_init1(IN_NONBLOCK);
  inotify_add_watch(in, "file", IN_OPEN | IN_CLOSE);
  inotify_add_watch(in, ".", IN_OPEN);
  p = (struct pollfd){in, POLLIN | POLLOUT, 0};
  poll(&p, 1, 0);
  printf("poll %x\n", p.revents);
  result("empty", read(in, bytes, sizeof bytes));
  close(open("file", O_RDONLY));
  poll(&p, 1, 0);
  printf("poll %x\n", p.revents);
  ioctl(in, FIONREAD, &n);
  printf("FIONREAD %d\n", n);
  result("too small", read(in, bytes, 15));
  result("one", read(in, bytes, 40));
  result("the next", read(in, bytes, 40));
  result("the last", read(in, bytes, 40));
  for (int i = 0; i < 3; i++) close(open("file", O_RDONLY));
  events("no two alike in a row");
  fd = open("file", O_RDWR);
  events("opened");
  inotify_add_watch(in, "file", IN_MODIFY);
  for (int i = 0; i < 3; i++) write(fd, "x", 1);
  events("merged");
  close(fd);
  int ep = epoll_create1(0);
  struct epoll_event e = {EPOLLIN, {0}};
  epoll_ctl(ep, EPOLL_CTL_ADD, in, &e);
  result("epoll", epoll_wait(ep, &e, 1, 0));
  close(open("file", O_RDONLY));
  result("epoll", epoll_wait(ep, &e, 1, 0));
  events("all");
  result("epoll", epoll_wait(ep, &e, 1, 0));
  sprintf(path, "/proc/self/fdinfo/%d", in);
  FILE *f = fopen(path, "r");
  unsigned long ino, dev;
  unsigned mask, ignored;
  while (fgets(bytes, sizeof bytes, f))
    if (sscanf(bytes, "inotify wd:%d ino:%lx sdev:%lx mask:%x ignored_mask:%x", &n, &ino, &dev, &mask, &ignored) == 5)
      printf("wd %d mask %x ignored %x\n", n, mask, ignored);
  fclose(f);
  sprintf(path, "/proc/self/fd/%d", in);
  n = readlink(path, bytes, sizeof bytes);
  printf("%.*s\n", n, bytes);
  // What is read while a reader waits.
  fcntl(in, F_SETFL, 0);
  if (fork() == 0) {
    usleep(30000);
    unlink("file");
    _exit(0);
  }
  events("waited for");
  wait(0);
  fcntl(in, F_SETFL, O_NONBLOCK);
  usleep(1000);
  f = fopen("/proc/sys/fs/inotify/max_queued_events", "r");
  fscanf(f, "%d", &max);
  fclose(f);
  inotify_add_watch(in, ".", IN_CREATE | IN_DELETE);
  for (int i = 0; i < max / 2 + 5; i++) close(open("x", O_CREAT | O_WRONLY, 0600)), unlink("x");
  int count = 0, overflows = 0, last = 0;
  char many[4096];
  while ((n = read(in, many, sizeof many)) > 0)
    for (int at = 0; at < n;) {
      struct inotify_event *e = (void *)(many + at);
      count++;
      if (e->mask & IN_Q_OVERFLOW) overflows++, last = e->wd;
      at += sizeof *e + e->len;
    }
  printf("queued %d, overflow %d, wd %d\n", count - max, overflows, last);
  close(in);
}

int main(void) {
  setvbuf(stdout, 0, _IOLBF, 0);
  char dir[] = "/dev/shm/inotify-XXXXXX";
  mkdtemp(dir);
  chdir(dir);
  calls();
  everything();
  directories();
  queue();
  chdir("/");
  rmdir(dir);
  return 0;
}
