/* Scheduling policies and I/O priorities: what is kept, told and refused, and what a child begins with. */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define SAY(call) say(#call, (call))
#define BEST_EFFORT(level) (2 << 13 | (level))

struct attr {
  uint32_t size, policy;
  uint64_t flags;
  int32_t nice;
  uint32_t priority;
  uint64_t runtime, deadline, period;
  uint32_t clamps[2];
};

static void say(const char *call, long value) {
  printf("%s: %ld %s\n", call, value, value < 0 ? strerror(errno) : "");
}

static long scheduler(int policy, int priority) {
  struct sched_param param = {priority};
  return syscall(SYS_sched_setscheduler, 0, policy, &param);
}

static long param(int priority) {
  struct sched_param param = {priority};
  return syscall(SYS_sched_setparam, 0, &param);
}

static long attr(uint32_t policy, uint64_t flags, int nice, uint32_t priority) {
  struct attr attr = {sizeof attr, policy, flags, nice, priority, 0, 0, 0, {0}};
  return syscall(SYS_sched_setattr, 0, &attr, 0);
}

static long deadline(uint64_t runtime, uint64_t end, uint64_t period) {
  struct attr attr = {sizeof attr, SCHED_DEADLINE, 0, 0, 0, runtime, end, period, {0}};
  return syscall(SYS_sched_setattr, 0, &attr, 0);
}

/** Everything that tells the policy; the length of a turn of SCHED_OTHER depends on the number of CPUs. */
static void show(void) {
  struct attr attr;
  memset(&attr, 0xee, sizeof attr);
  long size = syscall(SYS_sched_getattr, 0, &attr, sizeof attr, 0);
  printf("  attr %ld %u: policy %u flags %lu nice %d priority %u, %d\n", size, attr.size, attr.policy,
         (long)attr.flags, attr.nice, attr.priority, attr.runtime != 0);
  struct sched_param param = {77};
  sched_getparam(0, &param);
  struct timespec turn;
  sched_rr_get_interval(0, &turn);
  printf("  scheduler %x, param %d, turn %ld.%09ld\n", sched_getscheduler(0), param.sched_priority,
         (long)turn.tv_sec, turn.tv_nsec);
  char text[1024] = "";
  FILE *file = fopen("/proc/self/stat", "r");
  fread(text, 1, sizeof text - 1, file);
  fclose(file);
  int field = 2;
  for (char *word = strtok(strrchr(text, ')'), " "); word; word = strtok(NULL, " "), field++)
    if (field == 18 || field == 19 || field == 40 || field == 41) printf("  stat %d: %s\n", field, word);
}

static void show_child(void) {
  fflush(stdout);
  if (fork() == 0) {
    show();
    exit(0);
  }
  wait(NULL);
}

static void policies(void) {
  show();
  SAY(scheduler(SCHED_FIFO, 5)), show();
  SAY(param(7)), show();
  SAY(param(0)), SAY(param(100));
  SAY(scheduler(SCHED_RR, 99)), show();
  SAY(scheduler(SCHED_BATCH, 0)), show();
  SAY(scheduler(SCHED_BATCH, 1));
  SAY(scheduler(SCHED_IDLE, 0)), show();
  for (int policy = -1; policy < 9; policy++) {
    if (policy == SCHED_FIFO || policy == SCHED_RR) continue;
    printf("%d ", policy);
    SAY(scheduler(policy, 0));
  }
  SAY(scheduler(SCHED_FIFO | SCHED_RESET_ON_FORK, 3)), show(), show_child();
  SAY(scheduler(SCHED_OTHER, 0)), show();
  for (int policy = -1; policy < 9; policy++)
    printf("%d: %d to %d\n", policy, sched_get_priority_min(policy), sched_get_priority_max(policy));
}

static void attributes(void) {
  SAY(attr(SCHED_OTHER, 0, 5, 0)), show();
  SAY(attr(SCHED_OTHER, 0, -30, 0)), show();
  SAY(attr(SCHED_FIFO, 0, 3, 10)), show();
  SAY(attr(SCHED_OTHER, 0x10, 0, 0));
  SAY(attr(SCHED_OTHER, 8, 0, 0)), show();
  SAY(attr(SCHED_OTHER, 1, 0, 0)), show(), show_child();
  SAY(attr(SCHED_OTHER, 0x1000, 0, 0));
  SAY(attr(SCHED_OTHER, 0, 0, 0));
  SAY(deadline(1, 2, 3));
  SAY(deadline(30000000, 20000000, 20000000));
  SAY(deadline(10000000, 20000000, 10000000));
  uint32_t bytes[2048] = {0};
  const uint32_t sizes[] = {0, 40, 48, 56, 64, 4096, 4097};
  for (int i = 0; i < 7; i++) {
    bytes[0] = sizes[i];
    long set = syscall(SYS_sched_setattr, 0, bytes, 0);
    printf("size %u: %ld %s, %u", sizes[i], set, set < 0 ? strerror(errno) : "", bytes[0]);
    long get = syscall(SYS_sched_getattr, 0, bytes, sizes[i], 0);
    printf("; %ld %s, %u\n", get, get < 0 ? strerror(errno) : "", bytes[0]);
    memset(bytes, 0, sizeof bytes);
  }
  bytes[0] = 64, bytes[15] = 1;
  SAY(syscall(SYS_sched_setattr, 0, bytes, 0));
  SAY(syscall(SYS_sched_setattr, 0, bytes, 1));
  SAY(syscall(SYS_sched_setattr, 0, NULL, 0));
  SAY(syscall(SYS_sched_getattr, 0, bytes, 56, 1));
  SAY(syscall(SYS_sched_getattr, -1, bytes, 56, 0));
  SAY(syscall(SYS_sched_getattr, 99999, bytes, 56, 0));
  cpu_set_t cpus;
  SAY(sched_getaffinity(-1, sizeof cpus, &cpus)), SAY(sched_setaffinity(-1, sizeof cpus, &cpus));
  SAY(syscall(SYS_sched_getaffinity, 0, 4, &cpus)), SAY(syscall(SYS_sched_getaffinity, 0, 0, &cpus));
  SAY(sched_getscheduler(-1)), SAY(sched_getscheduler(99999)), SAY(sched_setscheduler(0, 0, NULL));
}

static void io_priorities(void) {
  for (int which = 0; which < 5; which++) SAY(syscall(SYS_ioprio_get, which, which == 3 ? 54321 : 0));
  SAY(syscall(SYS_ioprio_get, 1, 99999));
  const int values[] = {BEST_EFFORT(3), BEST_EFFORT(9), 1 << 13 | 2, 3 << 13 | 7, 4 << 13, 3, 0, 0x10000};
  for (int i = 0; i < 8; i++) {
    printf("%x ", values[i]);
    SAY(syscall(SYS_ioprio_set, 1, 0, values[i]));
    SAY(syscall(SYS_ioprio_get, 1, 0));
    SAY(syscall(SYS_ioprio_get, 2, 0));
  }
  SAY(syscall(SYS_ioprio_set, 7, 0, 0)), SAY(syscall(SYS_ioprio_set, 1, 99999, 0));
  SAY(syscall(SYS_ioprio_set, 2, 0, BEST_EFFORT(1))), SAY(syscall(SYS_ioprio_get, 1, 0));
}

static void another_user(void) {
  setresuid(1000, 1000, 1000);
  SAY(scheduler(SCHED_FIFO, 1));
  SAY(scheduler(SCHED_IDLE, 0)), SAY(scheduler(SCHED_OTHER, 0));
  SAY(attr(SCHED_OTHER, 0, 19, 0));
  SAY(syscall(SYS_ioprio_set, 1, 0, 1 << 13 | 2));
  SAY(syscall(SYS_ioprio_set, 1, 0, 3 << 13));
  SAY(syscall(SYS_ioprio_set, 1, getppid(), BEST_EFFORT(0)));
}

int main(void) {
  setpgid(0, 0);
  setpriority(PRIO_PROCESS, 0, 0);
  policies();
  attributes();
  io_priorities();
  fflush(stdout);
  if (fork() == 0) {
    another_user();
    exit(0);
  }
  wait(NULL);
}
