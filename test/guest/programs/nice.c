/* Who may set whose niceness, and what getpriority makes of it. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void get(int which, int who) {
  long value = syscall(SYS_getpriority, which, who);
  printf("get %d: %ld %s\n", which, value, value < 0 ? strerror(errno) : "");
}

static void set(int which, int who, int nice) {
  long value = syscall(SYS_setpriority, which, who, nice);
  printf("set %d to %d: %s\n", which, nice, value < 0 ? strerror(errno) : "done");
}

/** The fields priority and nice of /proc/self/stat. */
static void stat_fields(void) {
  char text[1024] = "", *at;
  FILE *file = fopen("/proc/self/stat", "r");
  fread(text, 1, sizeof text - 1, file);
  fclose(file);
  long priority, nice;
  at = strrchr(text, ')');
  sscanf(at, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %ld %ld", &priority, &nice);
  printf("stat: %ld %ld\n", priority, nice);
}

int main(void) {
  setpgid(0, 0);
  set(0, 0, 5);
  get(0, 0);
  get(1, 0);
  stat_fields();
  set(0, 0, 100);
  get(0, 0);
  set(0, 0, -3);
  get(0, getpid());
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    get(0, 0);
    stat_fields();
    setresuid(1000, 1000, 1000);
    set(0, 0, -5);
    set(0, 0, 2);
    set(0, 0, 1);
    set(0, getppid(), 3);
    set(0, 1, 3);
    set(3, 0, 0);
    get(3, 0);
    set(0, 99999999, 0);
    get(0, 99999999);
    struct rlimit limit = {25, 25};
    setrlimit(RLIMIT_NICE, &limit);
    getrlimit(RLIMIT_NICE, &limit);
    printf("limit %d\n", (int)limit.rlim_cur);
    set(2, 1000, 9);
    get(0, 0);
    exit(0);
  }
  waitpid(child, NULL, 0);
  set(1, 0, 11);
  get(1, 0);
  return 0;
}
