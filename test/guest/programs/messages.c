// Message queues of System V: what they answer, who waits; and the files about all of System V.
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef MSG_COPY
#define MSG_COPY 040000
#endif

static void tell(const char *what, long result) {
  printf("%s: %ld %s\n", what, result, result < 0 ? strerror(errno) : "");
}

struct message {
  long type;
  char text[9000];
};

static void text(const char *what, int queue, size_t size, long type, int flags) {
  static struct message got;
  memset(&got, 0, sizeof got);
  ssize_t result = msgrcv(queue, &got, size, type, flags);
  printf("%s: %zd %s", what, result, result < 0 ? strerror(errno) : "");
  if (result >= 0) printf("type %ld '%.*s'", got.type, (int)result, got.text);
  printf("\n");
}

static long send(int queue, long type, const char *bytes, int flags) {
  static struct message out;
  out.type = type;
  strcpy(out.text, bytes);
  return msgsnd(queue, &out, strlen(bytes), flags);
}

static void fill(int queue) {
  static struct message out;
  out.type = 1;
  while (msgsnd(queue, &out, 1000, IPC_NOWAIT) == 0) {}
}

static void messages(void) {
  static struct message big = {1};
  struct msqid_ds status;
  tell("none", msgget(0x7002, 0));
  int queue = msgget(0x7002, IPC_CREAT | 0600);
  tell("exclusive", msgget(0x7002, IPC_CREAT | IPC_EXCL));
  tell("type 0", send(queue, 0, "a", 0));
  tell("type below", send(queue, -1, "a", 0));
  tell("too large", msgsnd(queue, &big, 8193, 0));
  tell("size below", msgsnd(queue, &big, -1, 0));
  tell("address", msgsnd(queue, (void *)8, 1, 0));
  tell("queue", send(-1, 1, "a", 0));
  tell("room below", msgrcv(queue, &big, -1, 0, IPC_NOWAIT));
  tell("empty", msgrcv(queue, &big, 10, 0, IPC_NOWAIT));
  for (int i = 1; i <= 5; i++) {
    char one[8];
    sprintf(one, "m%d", i);
    tell("send", send(queue, 6 - i, one, 0));
  }
  send(queue, 3, "again", 0);
  text("copy 1", queue, 100, 1, MSG_COPY | IPC_NOWAIT);
  text("copy 9", queue, 100, 9, MSG_COPY | IPC_NOWAIT);
  text("copy, waits", queue, 100, 1, MSG_COPY);
  text("copy, except", queue, 100, 1, MSG_COPY | MSG_EXCEPT | IPC_NOWAIT);
  text("copy, too small", queue, 1, 1, MSG_COPY | IPC_NOWAIT);
  text("too small", queue, 1, 3, 0);
  text("cut", queue, 1, 3, MSG_NOERROR);
  text("of type 3", queue, 100, 3, 0);
  text("but 5", queue, 100, 5, MSG_EXCEPT);
  text("lowest to 3", queue, 100, -3, 0);
  text("lowest to 3", queue, 100, -3, IPC_NOWAIT);
  text("lowest", queue, 100, LONG_MIN, 0);
  text("first", queue, 100, 0, IPC_NOWAIT);
  text("none", queue, 100, 0, IPC_NOWAIT);
  tell("empty message", send(queue, 7, "", 0));
  text("empty message", queue, 0, 0, 0);
  send(queue, 8, "lost", 0);
  tell("bad buffer", msgrcv(queue, (void *)8, 100, 0, 0));
  text("lost", queue, 100, 0, IPC_NOWAIT);
  fill(queue);
  tell("stat", msgctl(queue, IPC_STAT, &status));
  printf("  cbytes %ld qnum %ld qbytes %ld lspid %d stime %d mode %o\n", (long)status.__msg_cbytes,
         (long)status.msg_qnum, (long)status.msg_qbytes, status.msg_lspid == getpid(),
         time(NULL) - status.msg_stime < 60, status.msg_perm.mode);
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    tell("sent when there was room", msgsnd(queue, &big, 1000, 0));
    fflush(stdout);
    _exit(0);
  }
  usleep(20000);
  fflush(stdout);
  msgrcv(queue, &big, 1000, 0, 0);
  waitpid(child, NULL, 0);
  msgctl(queue, IPC_STAT, &status);
  status.msg_qbytes = 15000;
  tell("less room", msgctl(queue, IPC_SET, &status));
  status.msg_perm.mode = 0;
  fill(queue);
  msgctl(queue, IPC_STAT, &status);
  printf("  cbytes %ld\n", (long)status.__msg_cbytes);
  struct msginfo info;
  tell("info", msgctl(0, IPC_INFO, (void *)&info) >= 0 ? 0 : -1);
  printf("  %d %d %d %d %d %d %d %d\n", info.msgpool, info.msgmap, info.msgmax, info.msgmnb, info.msgmni,
         info.msgssz, info.msgtql, info.msgseg);
  tell("command", msgctl(queue, 99, NULL));
  while (msgrcv(queue, &big, 8192, 0, IPC_NOWAIT) >= 0) {}
  fflush(stdout);
  child = fork();
  if (child == 0) {
    text("waited for 5", queue, 100, 5, 0);
    fflush(stdout);
    _exit(0);
  }
  pid_t narrow = fork();
  if (narrow == 0) {
    usleep(20000);
    int failed = msgrcv(queue, &big, 1, 6, 0) < 0 ? errno : 0;
    _exit(failed == E2BIG ? 30 : 1);
  }
  usleep(60000);
  send(queue, 4, "not this", 0);
  send(queue, 5, "this", 0);
  waitpid(child, NULL, 0);
  send(queue, 6, "large", 0);
  int result;
  waitpid(narrow, &result, 0);
  printf("too large for who waited: %d\n", WEXITSTATUS(result));
  text("still there", queue, 100, 6, IPC_NOWAIT);
  text("and this", queue, 100, 0, IPC_NOWAIT);
  fflush(stdout);
  child = fork();
  if (child == 0) {
    text("removed meanwhile", queue, 100, 5, 0);
    fflush(stdout);
    _exit(0);
  }
  usleep(30000);
  int removed = msgctl(queue, IPC_RMID, NULL);
  // The child tells first, however long it takes to wake.
  waitpid(child, NULL, 0);
  tell("remove", removed);
  tell("gone", msgctl(queue, IPC_STAT, &status));
}

static void as_another(void) {
  int queue = msgget(IPC_PRIVATE, 0602);
  fflush(stdout);
  if (fork() == 0) {
    if (setgid(1234) < 0 || setuid(1234) < 0) _exit(1);
    tell("other sends", send(queue, 1, "hello", 0));
    text("other receives", queue, 5, 0, IPC_NOWAIT);
    tell("other removes", msgctl(queue, IPC_RMID, NULL));
    fflush(stdout);
    _exit(0);
  }
  wait(NULL);
  msgctl(queue, IPC_RMID, NULL);
}

static void listed(void) {
  char line[512];
  int set = semget(0x7003, 7, IPC_CREAT | 0640);
  int queue = msgget(0x7004, IPC_CREAT | 0600);
  send(queue, 1, "four", 0);
  const char *files[] = {"/proc/sysvipc/sem", "/proc/sysvipc/msg", "/proc/sysvipc/shm"};
  for (int i = 0; i < 3; i++) {
    FILE *file = fopen(files[i], "r");
    printf("%s", fgets(line, sizeof line, file));
    while (fgets(line, sizeof line, file)) {
      int key, id, mode;
      unsigned long first, second;
      sscanf(line, "%d %d %o %lu %lu", &key, &id, &mode, &first, &second);
      if (key == 0x7003) printf("%x %d %o %lu, %zu long\n", key, id == set, mode, first, strlen(line));
      if (key == 0x7004) printf("%x %d %o %lu %lu, %zu long\n", key, id == queue, mode, first, second, strlen(line));
    }
    fclose(file);
  }
  semctl(set, 0, IPC_RMID);
  msgctl(queue, IPC_RMID, NULL);
}

int main(void) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  as_another();
  messages();
  listed();
}
