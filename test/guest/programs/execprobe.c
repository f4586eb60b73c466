/* Tells of each program named what execve() says: its error, or that it began. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv) {
  for (int i = 1; i < argc; i++) {
    int ends[2], error = 0;
    pipe2(ends, O_CLOEXEC);
    pid_t child = fork();
    if (child == 0) {
      char *args[] = {argv[i], NULL};
      execve(argv[i], args, args + 1);
      write(ends[1], &errno, sizeof errno);
      _exit(1);
    }
    close(ends[1]);
    ssize_t n = read(ends[0], &error, sizeof error);
    close(ends[0]);
    waitpid(child, NULL, 0);
    printf("%s\n", n > 0 ? strerrorname_np(error) : "began");
  }
  return 0;
}
