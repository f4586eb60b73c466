/* Processes: fork, exec, wait, pipes, vfork, what children inherit and parents learn. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;
static char *self;

static int run(const char *mode, char *const env[]) {
  pid_t child = vfork();
  if (child == 0) {
    execle(self, self, mode, "two words", "", (char *)NULL, env);
    _exit(127);
  }
  int status;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static int child(int argc, char **argv) {
  printf("child: %d arguments, '%s' '%s', environment '%s' '%s'\n", argc, argv[2], argv[3],
         environ[0] ? environ[0] : "", environ[0] && environ[1] ? environ[1] : "");
  printf("auxv: page %lu, execfn ends so %d, random %d, phnum %d, secure %lu\n", getauxval(AT_PAGESZ),
         !strcmp((char *)getauxval(AT_EXECFN), self), getauxval(AT_RANDOM) != 0,
         getauxval(AT_PHNUM) > 3, getauxval(AT_SECURE));
  char name[32];
  prctl(PR_GET_NAME, name);
  printf("name is the program's: %d\n", !strncmp(name, strrchr(self, '/') + 1, 15));
  printf("descriptors: kept %d, closed %d\n", fcntl(20, F_GETFD) >= 0, fcntl(21, F_GETFD) < 0);
  struct sigaction one, two;
  sigaction(SIGUSR1, NULL, &one);
  sigaction(SIGUSR2, NULL, &two);
  sigset_t mask;
  sigprocmask(SIG_SETMASK, NULL, &mask);
  printf("signals: handler gone %d, ignored still %d, held back still %d\n",
         one.sa_handler == SIG_DFL, two.sa_handler == SIG_IGN, sigismember(&mask, SIGHUP));
  return 23;
}

static void handler(int signal) { (void)signal; }

static void exec_keeps(void) {
  char *env[] = {"ONE=1", "TWO=2", NULL};
  sigset_t mask;
  sigemptyset(&mask);
  sigaddset(&mask, SIGHUP);
  dup2(1, 20);
  dup3(1, 21, O_CLOEXEC);
  signal(SIGUSR1, handler);
  signal(SIGUSR2, SIG_IGN);
  sigprocmask(SIG_BLOCK, &mask, NULL);
  printf("exec: %d\n", run("child", env));
  sigprocmask(SIG_UNBLOCK, &mask, NULL);
}

static void write_file(const char *path, const char *text, mode_t mode) {
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  write(fd, text, strlen(text));
  fchmod(fd, mode);
  close(fd);
}

static void refuse(const char *what, const char *path) {
  char *argv[] = {"x", NULL};
  execve(path, argv, argv + 1);
  printf("%s: %s\n", what, strerror(errno));
}

static void exec_refuses(const char *dir) {
  char path[200];
  static const struct {
    const char *name, *text;
    mode_t mode;
  } files[] = {
      {"empty", "", 0755},       {"text", "just words\n", 0755}, {"closed", "#!/bin/true\n", 0644},
      {"nobody", "#!\n", 0755},  {"gone", "#!/no/such/interpreter\n", 0755},
      {"cut", "\177ELF", 0755},
  };
  for (unsigned i = 0; i < sizeof files / sizeof *files; i++) {
    snprintf(path, sizeof path, "%s/%s", dir, files[i].name);
    write_file(path, files[i].text, files[i].mode);
    refuse(files[i].name, path);
    unlink(path);
  }
  snprintf(path, sizeof path, "%s/none", dir);
  refuse("none", path);
  refuse("a directory", dir);
  snprintf(path, sizeof path, "%s/loop", dir);
  char line[220];
  snprintf(line, sizeof line, "#!%s\n", path);
  write_file(path, line, 0755);
  refuse("loop", path);
  unlink(path);
  size_t size = 140000;
  char *big = malloc(size);
  memset(big, 'x', size - 1);
  big[size - 1] = 0;
  char *argv[] = {big, NULL};
  execve(self, argv, argv + 1);
  printf("one long argument: %s\n", strerror(errno));
  free(big);
}

static void scripts(const char *dir) {
  char path[200], line[400];
  snprintf(path, sizeof path, "%s/script", dir);
  snprintf(line, sizeof line, "#! %s  script an argument \nrest\n", self);
  write_file(path, line, 0755);
  fflush(stdout);
  pid_t pid = fork();
  if (pid == 0) {
    execl(path, "zero", "one", "two", (char *)NULL);
    _exit(1);
  }
  waitpid(pid, NULL, 0);
  unlink(path);
}

static int script(int argc, char **argv) {
  printf("script: %d '%s' '%s' '%s' '%s'\n", argc, argv[1], strrchr(argv[2], '/'), argv[3], argv[4]);
  return 0;
}

static void memory(void) {
  int value = 1;
  int *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  pid_t pid = fork();
  if (pid == 0) {
    value = 2;
    *shared = 2;
    _exit(value);
  }
  int status;
  waitpid(pid, &status, 0);
  printf("memory: own %d, shared %d, the child's %d\n", value, *shared, WEXITSTATUS(status));
}

static void pipes(void) {
  int ends[2];
  pipe(ends);
  pid_t pid = fork();
  if (pid == 0) {
    close(ends[0]);
    char block[1000];
    memset(block, 'a', sizeof block);
    for (int i = 0; i < 300; i++) write(ends[1], block, sizeof block);
    _exit(0);
  }
  close(ends[1]);
  long sum = 0;
  char block[4096];
  ssize_t n;
  while ((n = read(ends[0], block, sizeof block)) > 0) sum += n;
  waitpid(pid, NULL, 0);
  printf("pipe: %ld bytes\n", sum);
  close(ends[0]);
  pipe(ends);
  close(ends[0]);
  fflush(stdout);
  pid = fork();
  if (pid == 0) {
    write(ends[1], "x", 1);
    _exit(0);
  }
  int status;
  waitpid(pid, &status, 0);
  printf("nobody reads: signal %d\n", WTERMSIG(status));
  signal(SIGPIPE, SIG_IGN);
  ssize_t result = write(ends[1], "x", 1);
  printf("and ignored: %zd %s\n", result, strerror(errno));
  signal(SIGPIPE, SIG_DFL);
}

static int children;
static void reap(int signal) {
  (void)signal;
  int saved = errno;
  while (waitpid(-1, NULL, WNOHANG) > 0) children++;
  errno = saved;
}

static void waiting(void) {
  int status;
  pid_t result = waitpid(-1, &status, 0);
  printf("nobody to wait for: %d %s\n", result, strerror(errno));
  pid_t pid = fork();
  if (pid == 0) {
    pause();
    _exit(0);
  }
  printf("not yet: %d\n", waitpid(pid, &status, WNOHANG));
  kill(pid, SIGTERM);
  siginfo_t info = {0};
  waitid(P_PID, pid, &info, WEXITED | WNOWAIT);
  printf("waitid: code %d status %d\n", info.si_code, info.si_status);
  waitpid(pid, &status, 0);
  printf("signal %d\n", WTERMSIG(status));
  signal(SIGCHLD, reap);
  for (int i = 0; i < 10; i++)
    if (fork() == 0) _exit(i);
  while (children < 10) usleep(500);
  printf("reaped %d\n", children);
  signal(SIGCHLD, SIG_IGN);
  pid = fork();
  if (pid == 0) _exit(0);
  result = waitpid(pid, &status, 0);
  printf("ignored children: %d %s\n", result, strerror(errno));
  signal(SIGCHLD, SIG_DFL);
}

static void orphans(void) {
  int ends[2];
  pipe(ends);
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  if (fork() == 0) {
    pid_t parent = getpid();
    if (fork() == 0) {
      while (getppid() == parent) usleep(200);
      write(ends[1], "o", 1);
      _exit(9);
    }
    _exit(0);
  }
  int status, codes = 0;
  char byte;
  while (wait(&status) > 0) codes += WEXITSTATUS(status);
  read(ends[0], &byte, 1);
  printf("orphan: %c, codes %d\n", byte, codes);
}

static void spawning(void) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, 1, 20);
  char *argv[] = {self, "exit", NULL};
  pid_t pid;
  int status, error = posix_spawn(&pid, self, &actions, NULL, argv, environ);
  waitpid(pid, &status, 0);
  printf("posix_spawn: %d, exited %d\n", error, WEXITSTATUS(status));
  error = posix_spawn(&pid, "/no/such/program", NULL, NULL, argv, environ);
  printf("posix_spawn of nothing: %s\n", strerror(error));
}

int main(int argc, char **argv) {
  setvbuf(stdout, NULL, _IONBF, 0);
  self = argv[0];
  if (argc > 1 && !strcmp(argv[1], "child")) return child(argc, argv);
  if (argc > 1 && !strcmp(argv[1], "exit")) return 11;
  if (argc > 1 && !strncmp(argv[1], "script", 6)) return script(argc, argv);
  char path[] = "/tmp/procmem-XXXXXX";
  char *dir = mkdtemp(path);
  exec_keeps();
  exec_refuses(dir);
  scripts(dir);
  memory();
  pipes();
  waiting();
  orphans();
  spawning();
  rmdir(dir);
  return 0;
}
