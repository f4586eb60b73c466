/* How files under /proc/sys are read and written: a line a try. No setting ends up other than it was:
 * what is accepted is the value that was there. sysctl.txt is what Linux 6.18 says.
 * Build: cc -O1 -Wall -o sysctl sysctl.c */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *path;
static char current[64];

static void result(const char *name, long ret) {
  printf("  %s: ", name);
  if (ret < 0) printf("%s\n", strerrorname_np(errno));
  else printf("%ld\n", ret);
}

/* Prints text with line ends, tabs and NULs made visible. */
static void print_text(const char *text, long length) {
  for (long i = 0; i < length; i++) {
    if (text[i] == '\n') printf("\\n");
    else if (text[i] == '\t') printf("\\t");
    else if (text[i] == 0) printf("\\0");
    else putchar(text[i]);
  }
}

/* Writes text in which "@" stands for the value there is. */
static void write_at(const char *text, long length, off_t pos) {
  char bytes[128];
  long count = 0;
  for (long i = 0; i < length; i++) {
    if (text[i] == '@') count += sprintf(bytes + count, "%s", current);
    else bytes[count++] = text[i];
  }
  int fd = open(path, O_WRONLY);
  long ret = pwrite(fd, bytes, count, pos);
  printf("  write '");
  print_text(text, length);
  printf("' at %ld: ", (long)pos);
  if (ret < 0) printf("%s\n", strerrorname_np(errno));
  else if (ret == count) printf("taken\n");
  else printf("%ld\n", ret);
  close(fd);
}

#define WRITE(text) write_at(text, sizeof text - 1, 0)

static void use(const char *name) {
  path = name;
  int fd = open(path, O_RDONLY);
  long count = read(fd, current, sizeof current - 1);
  current[count > 0 ? count - 1 : 0] = 0;
  close(fd);
  struct stat st;
  stat(path, &st);
  printf("%s %o %d:%d\n", path, st.st_mode, st.st_uid, st.st_gid);
}

/* Reads a byte at a time, then from inside and from the end; what a number is does not show. */
static void read_parts(int shown) {
  int fd = open(path, O_RDONLY);
  char text[64];
  for (int i = 0; i < 3; i++) {
    long count = read(fd, text, i < 2 ? 1 : 60);
    printf("  read: %ld '", count);
    if (shown) print_text(text, count);
    printf("'\n");
  }
  result("pread at 1", pread(fd, text, 60, 1));
  result("pread at 100", pread(fd, text, 60, 100));
  result("seek to the end", lseek(fd, 0, SEEK_END));
  result("seek before the start", lseek(fd, -1, SEEK_SET));
  close(fd);
}

static void attributes(void) {
  result("chmod", chmod(path, 0600));
  result("chown", chown(path, 1, 1));
  result("unlink", unlink(path));
  result("truncate", truncate(path, 0));
  result("create", open("/proc/sys/vm/new", O_CREAT | O_WRONLY, 0600));
}

/* What somebody else may open, and what a descriptor of root's is good for then. */
static void as_user(void) {
  int fd = open(path, O_RDWR);
  if (setgroups(0, NULL) || setresgid(1000, 1000, 1000) || setresuid(1000, 1000, 1000)) return;
  char byte;
  result("open for reading", open(path, O_RDONLY) < 0 ? -1 : 0);
  result("open for writing", open(path, O_WRONLY) < 0 ? -1 : 0);
  result("read of a descriptor of root's", pread(fd, &byte, 1, 0));
  result("write to it", pwrite(fd, current, 1, 0));
}

int main(void) {
  setvbuf(stdout, NULL, _IOFBF, 1 << 16);
  use("/proc/sys/vm/overcommit_memory");
  read_parts(0);
  WRITE("@");
  WRITE("@\n");
  WRITE(" \t@");
  WRITE("@ 2");
  WRITE("@ x");
  WRITE("0x@");
  WRITE("@\t\n");
  WRITE("");
  WRITE("\n");
  WRITE("x");
  WRITE("-1");
  WRITE("+1");
  WRITE("3");
  WRITE("010");
  WRITE("1x");
  WRITE("0x");
  WRITE("@\0");
  WRITE("99999999999");
  WRITE("99999999999999999999999");
  write_at("2", 1, 1);
  attributes();
  use("/proc/sys/vm/max_map_count");
  WRITE("@");
  WRITE("-5");
  WRITE("4294967296");
  use("/proc/sys/vm/mmap_min_addr");
  WRITE("@");
  WRITE("-5");
  WRITE("18446744073709551616");
  use("/proc/sys/kernel/pid_max");
  WRITE("@");
  WRITE("300");
  WRITE("4194305");
  use("/proc/sys/fs/suid_dumpable");
  WRITE("@");
  WRITE("3");
  use("/proc/sys/kernel/hostname");
  WRITE("@");
  WRITE("@\nmore");
  use("/proc/sys/kernel/ostype");
  read_parts(1);
  result("open for writing", open(path, O_WRONLY) < 0 ? -1 : 0);
  use("/proc/sys/kernel/cap_last_cap");
  read_parts(1);
  use("/proc/sys/vm");
  use("/proc/meminfo");
  result("write", write(open(path, O_WRONLY), "x", 1));
  result("seek to the end", lseek(open(path, O_RDONLY), 0, SEEK_END));
  use("/proc/sys/vm/overcommit_ratio");
  as_user();
  return 0;
}
