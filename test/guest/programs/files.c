/* Files in memory: times to the nanosecond, the limit of their size, what copying tools try first. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/wait.h>
#include <unistd.h>

#define DIRECTORY "/dev/shm/procmem-files"
#define SAY(call) say(#call, (call))

static void say(const char *call, long value) {
  printf("%s: %ld %s\n", call, value, value < 0 ? strerror(errno) : "");
}

static void times(int file) {
  const long seconds[] = {0, -1, -5, 4, 1700000000, 1764000000, 2147483647};
  const long nanoseconds[] = {0, 1, 5006000, 123456789, 999999999};
  struct stat st;
  for (int i = 0; i < 35; i++) {
    struct timespec set[2] = {{seconds[i % 7], nanoseconds[i % 5]}, {seconds[6 - i % 7], nanoseconds[4 - i % 5]}};
    int result = futimens(file, set);
    fstat(file, &st);
    printf("%d: %ld.%09ld %ld.%09ld\n", result, (long)st.st_atim.tv_sec, st.st_atim.tv_nsec,
           (long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
  }
  struct timespec one[2] = {{0, UTIME_OMIT}, {77, 1234567}};
  futimens(file, one);
  write(file, "x", 1);
  struct statx sx;
  statx(file, "", AT_EMPTY_PATH, STATX_ALL, &sx);
  printf("%lld.%09u, written %d, made %d, mask %x, attributes %llx of %llx\n", (long long)sx.stx_atime.tv_sec,
         sx.stx_atime.tv_nsec, sx.stx_mtime.tv_sec > 77, sx.stx_btime.tv_sec > 77, sx.stx_mask & 0x1fff,
         (long long)sx.stx_attributes, (long long)sx.stx_attributes_mask);
}

static void handler(int signal) { printf("signal %d\n", signal); }

static void size_limit(int file) {
  struct rlimit limit = {10, 20};
  signal(SIGXFSZ, handler);
  ftruncate(file, 0);
  setrlimit(RLIMIT_FSIZE, &limit);
  SAY(pwrite(file, "abcdef", 6, 8)), SAY(pwrite(file, "abc", 3, 10)), SAY(pwrite(file, "abc", 3, 11));
  SAY(ftruncate(file, 10)), SAY(ftruncate(file, 11));
  SAY(fallocate(file, 0, 0, 11)), SAY(fallocate(file, FALLOC_FL_KEEP_SIZE, 0, 11));
  SAY(pwrite(file, "", 0, 30));
  signal(SIGXFSZ, SIG_IGN);
  SAY(pwrite(file, "a", 1, 10));
  signal(SIGXFSZ, SIG_DFL);
  fflush(stdout);
  pwrite(file, "a", 1, 10);
}

/** What is asked of a file before its bytes are copied; none of it is there on a tmpfs. */
static void clones(int file, int directory) {
  int other = open("other", O_RDWR | O_CREAT, 0600), reads = open("other", O_RDONLY), p[2], flags = 9;
  int writes = open("other", O_WRONLY), appends = open("other", O_WRONLY | O_APPEND);
  pipe(p);
  SAY(ioctl(other, FICLONE, file)), SAY(ioctl(other, FICLONE, 99)), SAY(ioctl(other, FICLONE, p[0]));
  SAY(ioctl(other, FICLONE, directory)), SAY(ioctl(directory, FICLONE, file)), SAY(ioctl(p[1], FICLONE, file));
  SAY(ioctl(reads, FICLONE, file)), SAY(ioctl(file, FICLONE, writes)), SAY(ioctl(appends, FICLONE, file));
  struct file_clone_range range = {file, 0, 0, 0};
  SAY(ioctl(other, FICLONERANGE, &range)), SAY(ioctl(other, FICLONERANGE, NULL));
  SAY(ioctl(file, FS_IOC_GETFLAGS, &flags)), printf("flags %x\n", flags);
  SAY(ioctl(p[0], FS_IOC_GETFLAGS, &flags));
  struct fiemap map = {0, ~0ull, 0, 0, 0, 0};
  SAY(ioctl(file, FS_IOC_FIEMAP, &map)), SAY(ioctl(file, FIBMAP, &flags)), SAY(ioctl(file, FITHAW, 0));
  SAY(readahead(file, 0, 100)), SAY(readahead(writes, 0, 100)), SAY(readahead(directory, 0, 100));
  SAY(readahead(p[0], 0, 100)), SAY(readahead(99, 0, 100));
  SAY(sync_file_range(file, 0, 100, 7)), SAY(sync_file_range(file, 0, 100, 8));
  SAY(sync_file_range(file, -1, 100, 0)), SAY(sync_file_range(file, 1, -1, 0));
  SAY(sync_file_range(directory, 0, 0, 0)), SAY(sync_file_range(p[0], 0, 0, 0));
  SAY(sync_file_range(file, 0x7fffffffffffffff, 2, 0)), SAY(sync_file_range(99, 0, 0, 0));
  SAY(syncfs(file)), SAY(syncfs(99)), SAY(syncfs(p[0]));
}

static void nameless(int directory) {
  char path[64];
  for (int flags = 0; flags <= O_EXCL; flags += O_EXCL) {
    int file = open(".", O_TMPFILE | O_RDWR | flags, 0600);
    sprintf(path, "/proc/self/fd/%d", file);
    SAY(linkat(AT_FDCWD, path, directory, flags ? "second" : "first", AT_SYMLINK_FOLLOW));
    struct stat st;
    fstat(file, &st);
    printf("links %d\n", (int)st.st_nlink);
  }
}

int main(void) {
  mkdir(DIRECTORY, 0700);
  chdir(DIRECTORY);
  int directory = open(".", O_RDONLY), file = open("file", O_RDWR | O_CREAT | O_TRUNC, 0600), status;
  times(file);
  clones(file, directory);
  nameless(directory);
  fflush(stdout);
  if (fork() == 0) {
    size_limit(file);
    exit(0);
  }
  wait(&status);
  printf("status %x\n", status & 0x7f);
  unlink("file"), unlink("other"), unlink("first");
  rmdir(DIRECTORY);
}
