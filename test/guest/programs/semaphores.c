// Semaphores of System V: what they answer, who waits, and what is taken back.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/sem.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void tell(const char *what, long result) {
  printf("%s: %ld %s\n", what, result, result < 0 ? strerror(errno) : "");
}

static long op(int id, int num, int by, int flags) {
  struct sembuf one = {num, by, flags};
  return semop(id, &one, 1);
}

// Until somebody waits for a semaphore.
static void until_waits(int id, int num, int command) {
  for (int i = 0; i < 2000 && semctl(id, num, command) < 1; i++) usleep(1000);
}

static void refused(void) {
  struct sembuf many[501], pair[2] = {{0, 1, 0}, {9, 1, 0}};
  struct timespec bad = {0, -1};
  memset(many, 0, sizeof many);
  tell("none", semget(0x7001, 1, 0));
  tell("no semaphores", semget(IPC_PRIVATE, 0, 0600));
  tell("fewer than none", semget(IPC_PRIVATE, -1, 0600));
  tell("too many", semget(IPC_PRIVATE, 32001, 0600));
  int id = semget(0x7001, 3, IPC_CREAT | IPC_EXCL | 0640);
  tell("made", id < 0 ? -1 : 0);
  tell("exclusive", semget(0x7001, 3, IPC_CREAT | IPC_EXCL | 0600));
  tell("more than it has", semget(0x7001, 4, 0));
  tell("again", semget(0x7001, 0, 0) == id ? 0 : -1);
  tell("set", semop(-1, many, 1));
  tell("none of them", semop(id, many, 0));
  tell("501 of them", semop(id, many, 501));
  tell("500 of them", semop(id, many, 500));
  tell("address", semop(id, (void *)8, 1));
  tell("semaphore", semop(id, pair, 2));
  tell("time", semtimedop(id, pair, 1, &bad));
  tell("would wait", op(id, 0, -1, IPC_NOWAIT));
  tell("too large", op(id, 0, 32767, 0));
  tell("beyond", op(id, 0, 1, IPC_NOWAIT));
  tell("not zero", op(id, 0, 0, IPC_NOWAIT));
  tell("value", semctl(id, 0, GETVAL));
  tell("set value", semctl(id, 0, SETVAL, -1));
  tell("set value", semctl(id, 0, SETVAL, 32768));
  tell("set value", semctl(id, 3, SETVAL, 1));
  tell("get value", semctl(id, 3, GETVAL));
  tell("get value", semctl(id, -1, GETVAL));
  tell("command", semctl(id, 0, 99));
  tell("command", semctl(id, 0, 15 + 200));
  tell("address", semctl(id, 0, GETALL, 8));
  unsigned short values[3] = {1, 2, 32768};
  tell("a value of all", semctl(id, 0, SETALL, values));
  values[2] = 7;
  tell("all", semctl(id, 0, SETALL, values));
  memset(values, 0, sizeof values);
  tell("all", semctl(id, 99, GETALL, values));
  printf("  %d %d %d, pid is mine: %d\n", values[0], values[1], values[2], semctl(id, 2, GETPID) == getpid());
  struct sembuf both[] = {{0, -1, 0}, {1, -3, IPC_NOWAIT}};
  tell("all or none", semop(id, both, 2));
  printf("  %d\n", semctl(id, 0, GETVAL));
  struct sembuf twice[] = {{0, -1, 0}, {0, 0, 0}, {0, 5, 0}};
  tell("one after another", semop(id, twice, 3));
  printf("  %d\n", semctl(id, 0, GETVAL));
  struct semid_ds status;
  tell("stat", semctl(id, 0, IPC_STAT, &status));
  printf("  mode %o nsems %ld key %x otime %d ctime %d\n", status.sem_perm.mode, (long)status.sem_nsems,
         status.sem_perm.__key, time(NULL) - status.sem_otime < 60, time(NULL) - status.sem_ctime < 60);
  status.sem_perm.mode = 0604;
  tell("set", semctl(id, 0, IPC_SET, &status));
  semctl(id, 0, IPC_STAT, &status);
  printf("  mode %o\n", status.sem_perm.mode);
  struct seminfo info;
  tell("info", semctl(0, 0, IPC_INFO, &info) >= 0 ? 0 : -1);
  printf("  %d %d %d %d %d %d %d %d %d %d\n", info.semmap, info.semmni, info.semmns, info.semmnu, info.semmsl,
         info.semopm, info.semume, info.semusz, info.semvmx, info.semaem);
  tell("info in use", semctl(0, 0, SEM_INFO, &info) >= 0 ? 0 : -1);
  tell("stat by slot", semctl(id & 32767, 0, SEM_STAT, &status) == id ? 0 : -1);
  tell("remove", semctl(id, 0, IPC_RMID));
  tell("remove", semctl(id, 0, IPC_RMID));
  tell("stat", semctl(id, 0, IPC_STAT, &status));
  tell("op", op(id, 0, 1, 0));
}

static void as_another(void) {
  int id = semget(IPC_PRIVATE, 1, 0604);
  fflush(stdout);
  if (fork() == 0) {
    struct semid_ds status;
    if (setgid(1234) < 0 || setuid(1234) < 0) _exit(1);
    tell("other reads", semctl(id, 0, GETVAL));
    tell("other waits for zero", op(id, 0, 0, 0));
    tell("other changes", op(id, 0, 1, 0));
    tell("other sets", semctl(id, 0, SETVAL, 1));
    tell("other removes", semctl(id, 0, IPC_RMID));
    tell("other stats", semctl(id, 0, IPC_STAT, &status));
    status.sem_perm.mode = 0666;
    tell("other sets mode", semctl(id, 0, IPC_SET, &status));
    fflush(stdout);
    _exit(0);
  }
  wait(NULL);
  semctl(id, 0, IPC_RMID);
}

static void on_signal(int signal) {}

static void waits(void) {
  int id = semget(IPC_PRIVATE, 2, 0600);
  struct timespec short_time = {0, 20000000};
  struct sembuf one = {0, -1, 0};
  tell("too late", semtimedop(id, &one, 1, &short_time));
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    tell("child waited", op(id, 0, -2, 0));
    fflush(stdout);
    _exit(0);
  }
  until_waits(id, 0, GETNCNT);
  printf("who waits: %d %d %d\n", semctl(id, 0, GETNCNT), semctl(id, 0, GETZCNT), semctl(id, 1, GETNCNT));
  tell("one", op(id, 0, 1, 0));
  usleep(20000);
  printf("still: %d, value %d\n", semctl(id, 0, GETNCNT), semctl(id, 0, GETVAL));
  fflush(stdout);
  long result = op(id, 0, 1, 0);
  wait(NULL);
  tell("two", result);
  printf("value %d, last was the child: %d\n", semctl(id, 0, GETVAL), semctl(id, 0, GETPID) == child);
  // Waits for zero come first, then the others in their order, as far as they can.
  semctl(id, 0, SETVAL, 1);
  fflush(stdout);
  pid_t zero = fork();
  if (zero == 0) _exit(op(id, 0, 0, 0) == 0 ? 10 : 1);
  until_waits(id, 0, GETZCNT);
  pid_t large = fork();
  if (large == 0) _exit(op(id, 0, -5, 0) == 0 ? 11 : 1);
  until_waits(id, 0, GETNCNT);
  pid_t small = fork();
  if (small == 0) _exit(op(id, 1, -1, 0) == 0 ? 12 : 1);
  until_waits(id, 1, GETNCNT);
  op(id, 0, -1, 0);
  int status;
  waitpid(zero, &status, 0);
  printf("zero: %d\n", WEXITSTATUS(status));
  op(id, 1, 1, 0);
  waitpid(small, &status, 0);
  printf("small: %d\n", WEXITSTATUS(status));
  op(id, 0, 7, 0);
  waitpid(large, &status, 0);
  printf("large: %d, value %d\n", WEXITSTATUS(status), semctl(id, 0, GETVAL));
  // Removal, and a handler.
  semctl(id, 0, SETVAL, 0);
  child = fork();
  if (child == 0) {
    tell("removed meanwhile", op(id, 0, -1, 0));
    fflush(stdout);
    _exit(0);
  }
  until_waits(id, 0, GETNCNT);
  pid_t other = fork();
  if (other == 0) {
    struct sigaction action = {0};
    action.sa_handler = on_signal;
    action.sa_flags = SA_RESTART;
    sigaction(SIGUSR1, &action, NULL);
    tell("interrupted", op(id, 1, -1, 0));
    fflush(stdout);
    _exit(0);
  }
  until_waits(id, 1, GETNCNT);
  kill(other, SIGUSR1);
  waitpid(other, NULL, 0);
  printf("nobody waits: %d\n", semctl(id, 1, GETNCNT));
  fflush(stdout);
  semctl(id, 0, IPC_RMID);
  waitpid(child, NULL, 0);
}

static int thread_ops(void *argument) {
  int id = *(int *)argument;
  op(id, 0, -3, SEM_UNDO);
  return 0;
}

static void undoes(void) {
  int id = semget(IPC_PRIVATE, 2, 0600);
  semctl(id, 0, SETVAL, 5);
  fflush(stdout);
  if (fork() == 0) {
    op(id, 0, -3, SEM_UNDO);
    op(id, 0, 1, SEM_UNDO);
    op(id, 1, 4, SEM_UNDO);
    printf("in the child: %d %d\n", semctl(id, 0, GETVAL), semctl(id, 1, GETVAL));
    fflush(stdout);
    _exit(0);
  }
  wait(NULL);
  printf("taken back: %d %d\n", semctl(id, 0, GETVAL), semctl(id, 1, GETVAL));
  if (fork() == 0) {
    op(id, 0, -3, SEM_UNDO);
    semctl(id, 0, SETVAL, 9);
    _exit(0);
  }
  wait(NULL);
  printf("set meanwhile: %d\n", semctl(id, 0, GETVAL));
  if (fork() == 0) {
    op(id, 1, 3, SEM_UNDO);
    op(id, 1, -2, 0);
    _exit(0);
  }
  wait(NULL);
  printf("not below zero: %d\n", semctl(id, 1, GETVAL));
  semctl(id, 0, SETVAL, 5);
  fflush(stdout);
  if (fork() == 0) {
    // A child inherits none.
    op(id, 0, -2, SEM_UNDO);
    if (fork() == 0) _exit(0);
    wait(NULL);
    printf("a child that ends takes nothing back: %d\n", semctl(id, 0, GETVAL));
    char *stack = malloc(65536);
    int task = clone(thread_ops, stack + 65536, CLONE_SYSVSEM | CLONE_VM | SIGCHLD, &id);
    waitpid(task, NULL, 0);
    printf("nor does one that shares them: %d\n", semctl(id, 0, GETVAL));
    unshare(CLONE_SYSVSEM);
    printf("until they part: %d\n", semctl(id, 0, GETVAL));
    fflush(stdout);
    _exit(0);
  }
  wait(NULL);
  printf("all is as before: %d\n", semctl(id, 0, GETVAL));
  // Who waits goes on when a process that died gives back.
  semctl(id, 0, SETVAL, 1);
  fflush(stdout);
  pid_t holder = fork();
  if (holder == 0) {
    op(id, 0, -1, SEM_UNDO);
    pause();
  }
  while (semctl(id, 0, GETVAL) != 0) usleep(1000);
  pid_t next = fork();
  if (next == 0) _exit(op(id, 0, -1, 0) == 0 ? 20 : 1);
  until_waits(id, 0, GETNCNT);
  kill(holder, SIGKILL);
  int status;
  waitpid(next, &status, 0);
  waitpid(holder, NULL, 0);
  printf("given back by the dead: %d\n", WEXITSTATUS(status));
  semctl(id, 0, IPC_RMID);
}

int main(void) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  refused();
  as_another();
  waits();
  undoes();
}
