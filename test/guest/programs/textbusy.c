// Programs are not written while they run, nor run while they are written; RENAME_WHITEOUT. Prints the answers.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void result(const char *what, long n) {
  printf("%s: %s\n", what, n < 0 ? strerrorname_np(errno) : "ok");
}

static void copy(const char *from, int to) {
  char bytes[65536];
  int fd = open(from, O_RDONLY), n;
  while ((n = read(fd, bytes, sizeof bytes)) > 0) write(to, bytes, n);
  close(fd);
}

static void run(const char *what, const char *path) {
  int status;
  fflush(stdout);
  if (fork() == 0) {
    execl(path, path, "short", (char *)0);
    printf("%s: %s\n", what, strerrorname_np(errno));
    _exit(9);
  }
  wait(&status);
  printf("%s: %d\n", what, WEXITSTATUS(status));
}

static void busy(void) {
  int fd = open("prog", O_RDWR | O_CREAT, 0755), ready[2], go[2], status;
  char c;
  copy("/proc/self/exe", fd);
  run("written", "./prog");
  close(fd);
  pipe(ready);
  pipe(go);
  int child = fork();
  if (child == 0) {
    char a[10], b[10];
    sprintf(a, "%d", ready[1]);
    sprintf(b, "%d", go[0]);
    execl("./prog", "prog", a, b, (char *)0);
    _exit(8);
  }
  read(ready[0], &c, 1);
  result("O_WRONLY", open("prog", O_WRONLY));
  result("O_RDWR", open("prog", O_RDWR));
  result("O_TRUNC", open("prog", O_RDONLY | O_TRUNC));
  result("O_CREAT", open("prog", O_RDWR | O_CREAT, 0700));
  result("O_PATH", close(open("prog", O_PATH)));
  result("truncate", truncate("prog", 10));
  result("O_RDONLY", close(open("prog", O_RDONLY)));
  result("link", link("prog", "prog2"));
  result("the link", open("prog2", O_WRONLY));
  result("chmod", chmod("prog", 0700));
  result("rename", rename("prog", "prog3"));
  result("renamed", open("prog3", O_WRONLY));
  write(go[1], "x", 1);
  waitpid(child, &status, 0);
  printf("ended %d\n", WEXITSTATUS(status));
  result("afterwards", close(open("prog3", O_WRONLY)));
  result("own", open("/proc/self/exe", O_WRONLY));
}

static void others(void) {
  int fd = open("script", O_WRONLY | O_CREAT, 0755);
  write(fd, "#!./prog2 short\n", 16);
  run("script that is written", "./script");
  close(fd);
  run("script", "./script");
  fd = open("prog2", O_RDWR);
  run("interpreter that is written", "./script");
  void *m = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close(fd);
  run("mapped to be written", "./prog2");
  munmap(m, 4096);
  run("unmapped", "./prog2");
}

static void whiteouts(void) {
  struct stat st;
  close(open("a", O_CREAT | O_WRONLY, 0600));
  result("whiteout", renameat2(AT_FDCWD, "a", AT_FDCWD, "b", RENAME_WHITEOUT));
  stat("a", &st);
  printf("%o %x %d\n", st.st_mode, (int)st.st_rdev, (int)st.st_nlink);
  result("open", open("a", O_RDONLY));
  result("over", renameat2(AT_FDCWD, "b", AT_FDCWD, "a", RENAME_WHITEOUT));
  result("exchange", renameat2(AT_FDCWD, "b", AT_FDCWD, "a", RENAME_WHITEOUT | RENAME_EXCHANGE));
  result("noreplace", renameat2(AT_FDCWD, "a", AT_FDCWD, "c", RENAME_WHITEOUT | RENAME_NOREPLACE));
  mkdir("d", 0700);
  result("directory", renameat2(AT_FDCWD, "d", AT_FDCWD, "e", RENAME_WHITEOUT));
  stat("d", &st);
  printf("%o\n", st.st_mode);
  stat(".", &st);
  printf("links %d\n", (int)st.st_nlink);
  chmod(".", 0777);
  fflush(stdout);
  if (fork() == 0) {
    setuid(1000);
    close(open("mine", O_CREAT | O_WRONLY, 0600));
    result("user", renameat2(AT_FDCWD, "mine", AT_FDCWD, "mine2", RENAME_WHITEOUT));
    stat("mine", &st);
    printf("%o %d\n", st.st_mode, st.st_uid);
    result("mknod of one", mknod("w", S_IFCHR, 0));
    result("mknod of another", mknod("v", S_IFCHR, 1));
    fflush(stdout);
    _exit(0);
  }
  wait(0);
}

int main(int argc, char **argv) {
  char c;
  if (argc > 1 && strcmp(argv[1], "short") == 0) return 5;
  if (argc == 3) {
    write(atoi(argv[1]), "r", 1);
    read(atoi(argv[2]), &c, 1);
    return 6;
  }
  char dir[] = "/dev/shm/textbusy-XXXXXX";
  mkdtemp(dir);
  chdir(dir);
  busy();
  others();
  whiteouts();
  char *names[] = {"prog2", "prog3", "script", "a", "b", "c", "d", "w", "mine", "mine2"};
  for (int i = 0; i < 10; i++) result(names[i], unlink(names[i]));
  result("e", rmdir("e"));
  chdir("/");
  result("all gone", rmdir(dir));
  return 0;
}
