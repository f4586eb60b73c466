// One program for the tests of `procmem run`: the first argument says what it does.
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void on_signal(int signal) {
  dprintf(1, "got %d\n", signal);
  _exit(40);
}

static void show(const char *path) {
  int fd = open(path, O_RDONLY);
  if (fd < 0) {
    printf("%s: errno %d\n", path, errno);
    return;
  }
  char bytes[64] = "";
  ssize_t n = read(fd, bytes, sizeof bytes - 1);
  printf("%s: %.*s\n", path, (int)(n < 0 ? 0 : n), bytes);
  close(fd);
}

int main(int argc, char **argv, char **envp) {
  const char *mode = argc > 1 ? argv[1] : "";
  if (strcmp(mode, "args") == 0) {
    for (int i = 0; i < argc; i++) printf("%s\n", argv[i]);
    for (int i = 0; envp[i]; i++) printf("%s\n", envp[i]);
    char cwd[100];
    printf("%s %d %d\n", getcwd(cwd, sizeof cwd), getuid(), getgid());
    return 7;
  }
  if (strcmp(mode, "segv") == 0) *(volatile int *)8 = 1;
  if (strcmp(mode, "spin") == 0)
    for (volatile int i = 0;; i++) {}
  if (strcmp(mode, "cat") == 0) {
    static char bytes[65536];
    for (ssize_t n; (n = read(0, bytes, sizeof bytes)) > 0;)
      if (write(1, bytes, n) != n) return 1;
    return 0;
  }
  if (strcmp(mode, "flood") == 0)
    while (write(1, "flood\n", 6) == 6) {}
  if (strcmp(mode, "wait") == 0) {
    signal(SIGTERM, on_signal);
    dprintf(1, "ready\n");
    while (1) pause();
  }
  if (strcmp(mode, "show") == 0)
    for (int i = 2; i < argc; i++) show(argv[i]);
  if (strcmp(mode, "put") == 0) {
    int fd = open(argv[2], O_WRONLY | O_CREAT | O_TRUNC, 0644);
    if (fd < 0 || write(fd, argv[3], strlen(argv[3])) < 0) printf("errno %d\n", errno);
  }
  if (strcmp(mode, "tty") == 0) {
    char line[100];
    printf("%s %s\n", isatty(0) ? ttyname(0) : "no terminal", isatty(1) ? "screen" : "pipe");
    printf("read: %s", fgets(line, sizeof line, stdin) ? line : "nothing\n");
  }
  return 0;
}
