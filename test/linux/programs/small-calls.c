// Calls that no generator makes, most of them the older or newer face of one that it does: a line a call.
// small-calls.txt is what Linux 6.18 says; run as root.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define BAD 8L
#define FCHMODAT2 452

static void show(const char *name, long result) {
  if (result < 0) printf("%s: %s\n", name, strerrorname_np(errno));
  else printf("%s: %ld\n", name, result);
}

#define TRY(NAME, ...) show(NAME, syscall(__VA_ARGS__))

static void files(long dir) {
  struct iovec three = {"abc", 3};
  struct stat st;
  long pos = 0;
  int pipes[2];

  TRY("mknodat", SYS_mknodat, dir, "f", S_IFREG | 0644, 0);
  TRY("mknodat again", SYS_mknodat, dir, "f", S_IFREG | 0644, 0);
  long f = syscall(SYS_openat, dir, "f", O_RDWR, 0);
  long g = syscall(SYS_openat, dir, "to", O_RDWR | O_CREAT, 0600);
  TRY("faccessat", SYS_faccessat, dir, "f", R_OK);
  TRY("faccessat of nothing", SYS_faccessat, dir, "none", F_OK);
  TRY("faccessat of no mode", SYS_faccessat, dir, "f", 8);
  TRY("linkat", SYS_linkat, dir, "f", dir, "g", 0);
  TRY("linkat with no such flag", SYS_linkat, dir, "f", dir, "x", 1);
  TRY("symlinkat", SYS_symlinkat, "f", dir, "s");
  TRY("symlinkat again", SYS_symlinkat, "f", dir, "s");
  TRY("renameat", SYS_renameat, dir, "g", dir, "h");
  TRY("renameat of nothing", SYS_renameat, dir, "g", dir, "i");
  TRY("fchmodat", SYS_fchmodat, dir, "f", 0600);
  TRY("fchmodat2", FCHMODAT2, dir, "s", 0640, 0);
  TRY("fchmodat2 of a link", FCHMODAT2, dir, "s", 0600, AT_SYMLINK_NOFOLLOW);
  TRY("fchmodat2 with no such flag", FCHMODAT2, dir, "f", 0600, 1);
  TRY("fchownat", SYS_fchownat, dir, "f", 1, 2, 0);
  TRY("fchownat with no such flag", SYS_fchownat, dir, "f", 1, 2, 1);
  TRY("lstat", SYS_lstat, "s", &st);
  show("lstat: mode", st.st_mode);
  TRY("unlinkat", SYS_unlinkat, dir, "s", 0);
  TRY("unlinkat of itself", SYS_unlinkat, dir, ".", AT_REMOVEDIR);
  TRY("unlinkat of a file as a directory", SYS_unlinkat, dir, "f", AT_REMOVEDIR);
  TRY("unlinkat with no such flag", SYS_unlinkat, dir, "f", 1);
  TRY("pwritev2", SYS_pwritev2, f, &three, 1, 0, 0, 0);
  TRY("pwritev2 with RWF_APPEND", SYS_pwritev2, f, &three, 1, 0, 0, 0x10);
  TRY("pwritev2 with no such flag", SYS_pwritev2, f, &three, 1, 0, 0, 0x1000);
  TRY("copy_file_range", SYS_copy_file_range, f, &pos, g, 0, 100, 0);
  show("copy_file_range: position", pos);
  TRY("copy_file_range with flags", SYS_copy_file_range, f, &pos, g, 0, 1, 1);
  if (pipe(pipes)) exit(1);
  pos = 1;
  TRY("splice", SYS_splice, f, &pos, pipes[1], 0, 3, 0);
  show("splice: position", pos);
  TRY("splice from file to file", SYS_splice, f, 0, g, 0, 3, 0);
  TRY("splice with no such flag", SYS_splice, f, 0, pipes[1], 0, 3, 0x100);
  struct pollfd polled = {pipes[0], POLLIN | POLLOUT, 0};
  struct timespec none = {0, 0}, wrong = {0, 1000000000};
  TRY("ppoll", SYS_ppoll, &polled, 1, &none, 0, 8);
  show("ppoll: events", polled.revents);
  TRY("ppoll for no time there is", SYS_ppoll, &polled, 1, &wrong, 0, 8);
}

static void times_and_more(void) {
  struct timespec spec = {0, 0}, wrong = {0, 1000000000};
  char info[128];

  TRY("pkey_free of the default", SYS_pkey_free, 0);
  TRY("pkey_free of none", SYS_pkey_free, 1);
  TRY("pkey_free of less than none", SYS_pkey_free, -1);
  TRY("tkill with 0", SYS_tkill, getpid(), 0);
  TRY("tkill with no such signal", SYS_tkill, getpid(), 65);
  TRY("tkill of nobody", SYS_tkill, 0x3fffffff, 0);
  TRY("tkill of 0", SYS_tkill, 0, 0);
  TRY("sync", SYS_sync);
  TRY("sched_yield", SYS_sched_yield);
  show("gettid", syscall(SYS_gettid) == getpid());
  TRY("getcpu", SYS_getcpu, 0, 0, 0);
  TRY("getcpu to nowhere", SYS_getcpu, BAD, 0, 0);
  TRY("clock_getres", SYS_clock_getres, CLOCK_MONOTONIC, &spec);
  show("clock_getres: seconds", spec.tv_sec);
  TRY("clock_getres of no clock", SYS_clock_getres, 99, &spec);
  TRY("clock_getres to no place", SYS_clock_getres, CLOCK_MONOTONIC, 0);
  TRY("clock_gettime", SYS_clock_gettime, CLOCK_REALTIME, &spec);
  TRY("clock_gettime of no clock", SYS_clock_gettime, 99, &spec);
  TRY("clock_gettime to no place", SYS_clock_gettime, CLOCK_REALTIME, 0);
  TRY("clock_nanosleep for no time there is", SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &wrong, 0);
  TRY("clock_nanosleep on no clock", SYS_clock_nanosleep, 99, 0, &wrong, 0);
  TRY("gettimeofday", SYS_gettimeofday, 0, 0);
  TRY("gettimeofday to nowhere", SYS_gettimeofday, BAD, 0);
  show("time", syscall(SYS_time, 0) > 0);
  TRY("time to nowhere", SYS_time, BAD);
  show("times", syscall(SYS_times, 0) > 0);
  TRY("times to nowhere", SYS_times, BAD);
  TRY("sysinfo", SYS_sysinfo, info);
  TRY("sysinfo to nowhere", SYS_sysinfo, BAD);
}

int main(void) {
  char name[] = "/tmp/small-calls-XXXXXX";

  if (!mkdtemp(name) || chdir(name)) return 1;
  TRY("mkdirat", SYS_mkdirat, AT_FDCWD, "d", 0755);
  TRY("mkdirat again", SYS_mkdirat, AT_FDCWD, "d", 0755);
  if (chdir("d")) return 1;
  files(open(".", O_RDONLY));
  times_and_more();
  TRY("chroot to nothing", SYS_chroot, "none");
  TRY("chroot to a file", SYS_chroot, "f");
  int top = open("/", O_RDONLY);
  unlink("h"), unlink("to");
  TRY("chroot", SYS_chroot, ".");
  show("chroot: the file is at the top", access("/f", F_OK));
  unlink("/f");
  if (fchdir(top) || chroot(".") || chdir(name) || rmdir("d")) return 1;
  return rmdir(name) != 0;
}
