/* Three processes that use 18, 5 and then 11 MiB: who is killed when there are 32. The third has a call fill its
   memory if there is a third argument. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static int ready[2];

static void fill(long mib) {
  char *at = mmap(0, mib << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  long left = mib << 20, got = 0;
  for (int fd = open("/dev/zero", O_RDONLY); left > 0 && (got = read(fd, at, left)) > 0; left -= got) at += got;
  if (got < 0) perror("read");
}

static void hog(long mib, int says) {
  char *at = mmap(0, mib << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  for (long i = 0; i < mib << 20; i += 4096) at[i] = 1;
  if (says) write(ready[1], "r", 1);
}

static int start(long mib, const char *adjust) {
  char c;
  int pid = fork();
  if (pid == 0) {
    int fd = open("/proc/self/oom_score_adj", O_WRONLY);
    write(fd, adjust, 5);
    close(fd);
    hog(mib, 1);
    pause();
  }
  read(ready[0], &c, 1);
  return pid;
}

static int score(int pid) {
  char path[64], text[64];
  snprintf(path, sizeof path, "/proc/%d/oom_score", pid);
  int fd = open(path, O_RDONLY);
  text[read(fd, text, 63)] = 0;
  close(fd);
  return atoi(text);
}

static const char *end(int pid) {
  int status;
  if (waitpid(pid, &status, WNOHANG) != pid) return "lives";
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL ? "killed" : "ended";
}

int main(int argc, char **argv) {
  int status;
  setvbuf(stdout, 0, _IONBF, 0);
  pipe(ready);
  int big = start(18, argv[1]), small = start(5, argv[2]);
  printf("scores %s\n", score(big) > score(small) ? "bigger first" : "smaller first");
  int asker = fork();
  if (asker == 0) {
    if (argc > 3) fill(11);
    else hog(11, 0);
    _exit(0);
  }
  waitpid(asker, &status, 0);
  printf("asker %s, big %s, small %s\n", WIFSIGNALED(status) ? "killed" : "has it", end(big), end(small));
  kill(big, SIGKILL);
  kill(small, SIGKILL);
  return 0;
}
