#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

static void tell(const char *what, long result) {
  printf("%s: %ld %s\n", what, result, result < 0 ? strerror(errno) : "");
}

static long create(int clock, int notify, int signal, long value, int tid, int *id) {
  struct sigevent event;
  memset(&event, 0, sizeof event);
  event.sigev_notify = notify;
  event.sigev_signo = signal;
  event.sigev_value.sival_ptr = (void *)value;
  event.sigev_notify_thread_id = tid;
  return syscall(SYS_timer_create, clock, &event, id);
}

static long set(int id, int flags, long value_us, long interval_us, struct itimerspec *old) {
  struct itimerspec spec = {{interval_us / 1000000, interval_us % 1000000 * 1000},
                            {value_us / 1000000, value_us % 1000000 * 1000}};
  return syscall(SYS_timer_settime, id, flags, &spec, old);
}

static int waits_for(int signal, siginfo_t *info, long ms) {
  sigset_t set;
  struct timespec limit = {ms / 1000, ms % 1000 * 1000000};
  sigemptyset(&set);
  sigaddset(&set, signal);
  return syscall(SYS_rt_sigtimedwait, &set, info, &limit, 8);
}

// At least so many overruns: how many more depends on how busy the computer is.
static void show(const char *what, int result, siginfo_t *info, int id, int overruns) {
  printf("%s: %d %s\n", what, result, result < 0 ? strerror(errno) : "");
  if (result > 0)
    printf("  code %d id %d overruns %d, told twice %d, value %lx\n", info->si_code, info->si_timerid - id,
           info->si_overrun >= overruns, syscall(SYS_timer_getoverrun, id) == info->si_overrun,
           (long)info->si_value.sival_ptr);
}

static void list(const char *what) {
  char text[4096], *at;
  int fd = open("/proc/self/timers", O_RDONLY);
  ssize_t got = read(fd, text, sizeof text - 1);
  close(fd);
  text[got > 0 ? got : 0] = 0;
  char pid[32];
  sprintf(pid, ".%d\n", getpid());
  printf("%s:\n", what);
  while ((at = strstr(text, pid)) != NULL) memmove(at + 1, at + strlen(pid) - 1, strlen(at + strlen(pid) - 1) + 1);
  fputs(text, stdout);
}

static long queued(void) {
  char line[256];
  long count = -1;
  FILE *file = fopen("/proc/self/status", "r");
  while (fgets(line, sizeof line, file))
    if (!strncmp(line, "SigQ:", 5)) count = strtol(line + 5, NULL, 10);
  fclose(file);
  return count;
}

static void refused(void) {
  int id = -1, clocks[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 99, -1, -2, -5, -6, -7, -8};
  for (unsigned i = 0; i < sizeof clocks / sizeof *clocks; i++) {
    long result = create(clocks[i], SIGEV_NONE, 0, 0, 0, &id);
    if (clocks[i] == 8 || clocks[i] == 9) {
      if (result == 0) syscall(SYS_timer_delete, id);
      continue;
    }
    printf("clock %d: %ld %s\n", clocks[i], result, result < 0 ? strerror(errno) : "");
    if (result == 0) syscall(SYS_timer_delete, id);
  }
  int ways[] = {0, 1, 2, 3, 4, 5, 6, 8};
  for (unsigned i = 0; i < sizeof ways / sizeof *ways; i++) {
    long result = create(1, ways[i], SIGUSR1, 0, gettid(), &id);
    printf("notify %d: %ld %s\n", ways[i], result, result < 0 ? strerror(errno) : "");
    if (result == 0) syscall(SYS_timer_delete, id);
  }
  tell("signal 0", create(1, SIGEV_SIGNAL, 0, 0, 0, &id));
  tell("signal 65", create(1, SIGEV_SIGNAL, 65, 0, 0, &id));
  tell("signal 0, none", create(1, SIGEV_NONE, 0, 0, 0, &id));
  syscall(SYS_timer_delete, id);
  tell("another's thread", create(1, SIGEV_THREAD_ID, SIGUSR1, 0, 1, &id));
  tell("event", syscall(SYS_timer_create, 1, (void *)8, &id));
  tell("id", create(1, SIGEV_SIGNAL, SIGUSR1, 0, 0, (void *)8));
  list("none left");
  struct itimerspec bad = {{0, 0}, {0, 1000000000}}, worse = {{-1, 0}, {0, 0}};
  tell("no timer, bad time", syscall(SYS_timer_settime, 1234, 0, &bad, NULL));
  tell("gettime", syscall(SYS_timer_gettime, 1234, &bad));
  tell("getoverrun", syscall(SYS_timer_getoverrun, 1234));
  tell("delete", syscall(SYS_timer_delete, 1234));
  tell("create", create(1, SIGEV_SIGNAL, SIGUSR1, 0, 0, &id));
  tell("time", syscall(SYS_timer_settime, id, 0, &bad, NULL));
  tell("interval", syscall(SYS_timer_settime, id, 0, &worse, NULL));
  tell("null", syscall(SYS_timer_settime, id, 0, NULL, NULL));
  tell("address", syscall(SYS_timer_settime, id, 0, (void *)8, NULL));
  tell("unknown flags", set(id, 0xff00, 1000000, 0, NULL));
  tell("old address", set(id, 0, 1000000, 0, (void *)8));
  tell("gettime address", syscall(SYS_timer_gettime, id, (void *)8));
  tell("delete", syscall(SYS_timer_delete, id));
  tell("again", syscall(SYS_timer_delete, id));
}

static void numbers(void) {
  int a, b, c;
  long before = queued();
  create(1, SIGEV_SIGNAL, SIGUSR1, 0xabcdef, 0, &a);
  create(0, SIGEV_NONE, SIGUSR2, 1, 0, &b);
  syscall(SYS_timer_delete, b);
  create(7, SIGEV_THREAD_ID, SIGRTMAX, -1, gettid(), &c);
  printf("numbers: %d %d\n", b - a, c - a);
  create(2, SIGEV_SIGNAL, SIGALRM, 1, 0, &b);
  syscall(SYS_timer_create, 3, NULL, &b);
  list("timers");
  printf("count as signals: %ld\n", queued() - before);
  syscall(SYS_timer_delete, a);
  syscall(SYS_timer_delete, c);
  syscall(SYS_timer_delete, b);
  syscall(SYS_timer_delete, b - 1);
  list("gone");
  printf("count as signals: %ld\n", queued() - before);
}

static void signals(void) {
  int id;
  siginfo_t info;
  sigset_t all;
  struct itimerspec left;
  sigfillset(&all);
  sigprocmask(SIG_BLOCK, &all, NULL);
  create(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGUSR1, 0x1122334455667788, 0, &id);
  tell("once", set(id, 0, 10000, 0, NULL));
  int got = waits_for(SIGUSR1, &info, 2000);
  show("took", got, &info, id, 0);
  syscall(SYS_timer_gettime, id, &left);
  printf("left %ld %ld, every %ld\n", (long)left.it_value.tv_sec, left.it_value.tv_nsec, left.it_interval.tv_nsec);
  tell("once", set(id, 0, 1000, 0, NULL));
  usleep(20000);
  syscall(SYS_timer_gettime, id, &left);
  printf("due, not taken: %ld %ld\n", (long)left.it_value.tv_sec, left.it_value.tv_nsec);
  waits_for(SIGUSR1, &info, 2000);
  tell("repeats", set(id, 0, 20000, 40000, NULL));
  usleep(120000);  // 20, 60, 100
  got = waits_for(SIGUSR1, &info, 0);
  show("took", got, &info, id, 2);
  got = waits_for(SIGUSR1, &info, 2000);
  show("next", got, &info, id, 0);
  usleep(200000);
  syscall(SYS_timer_gettime, id, &left);
  printf("left of 40: %d, every %ld\n", left.it_value.tv_nsec <= 40000000 && left.it_value.tv_nsec > 1, left.it_interval.tv_nsec);
  tell("set while it waits", set(id, 0, 0, 5, &left));
  printf("old: %d, every %ld\n", left.it_value.tv_nsec <= 40000000, left.it_interval.tv_nsec);
  syscall(SYS_timer_gettime, id, &left);
  printf("off: %ld %ld\n", left.it_value.tv_nsec, left.it_interval.tv_nsec);
  sigset_t pending;
  sigpending(&pending);
  printf("pending still: %d\n", sigismember(&pending, SIGUSR1));
  tell("void", waits_for(SIGUSR1, &info, 0));
  tell("overrun", syscall(SYS_timer_getoverrun, id));
  tell("past moment", set(id, TIMER_ABSTIME, 1, 0, NULL));
  got = waits_for(SIGUSR1, &info, 2000);
  show("took", got, &info, id, 0);
  tell("past moment, repeats", set(id, TIMER_ABSTIME, 1, 1000000000, NULL));
  got = waits_for(SIGUSR1, &info, 2000);
  set(id, 0, 1000, 0, NULL);
  usleep(20000);
  tell("deleted while it waits", syscall(SYS_timer_delete, id));
  tell("void", waits_for(SIGUSR1, &info, 0));
}

static void two_of_one_signal(void) {
  int a, b;
  siginfo_t info;
  create(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGUSR1, 1, 0, &a);
  create(CLOCK_REALTIME, SIGEV_SIGNAL, SIGUSR1, 2, 0, &b);
  set(a, 0, 5000, 0, NULL);
  set(b, 0, 25000, 0, NULL);
  usleep(60000);
  kill(getpid(), SIGUSR1);
  int got = waits_for(SIGUSR1, &info, 0);
  printf("first: %d value %ld code %d\n", got, (long)info.si_value.sival_ptr, info.si_code);
  got = waits_for(SIGUSR1, &info, 0);
  printf("second: %d value %ld code %d\n", got, (long)info.si_value.sival_ptr, info.si_code);
  tell("third", waits_for(SIGUSR1, &info, 0));
  syscall(SYS_timer_delete, a);
  syscall(SYS_timer_delete, b);
}

static void ignored(void) {
  int id;
  siginfo_t info;
  sigset_t set_of;
  sigemptyset(&set_of);
  sigaddset(&set_of, SIGUSR2);
  signal(SIGUSR2, SIG_IGN);
  sigprocmask(SIG_UNBLOCK, &set_of, NULL);
  create(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGUSR2, 7, 0, &id);
  set(id, 0, 1000, 1000, NULL);
  usleep(30000);
  sigprocmask(SIG_BLOCK, &set_of, NULL);
  tell("ignored", waits_for(SIGUSR2, &info, 0));
  signal(SIGUSR2, SIG_DFL);
  int got = waits_for(SIGUSR2, &info, 100);
  printf("no longer: %d, overruns %d\n", got, info.si_overrun > 10);
  syscall(SYS_timer_delete, id);
}

static volatile long spins;
static void burns_cpu(void) {
  int id;
  siginfo_t info;
  struct itimerspec left;
  int clocks[] = {CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID};
  for (int i = 0; i < 2; i++) {
    create(clocks[i], SIGEV_SIGNAL, SIGUSR1, i, 0, &id);
    set(id, 0, 20000, 0, NULL);
    usleep(60000);
    tell("asleep", waits_for(SIGUSR1, &info, 0));
    struct timespec from, now;
    clock_gettime(clocks[i], &from);
    do {
      for (int j = 0; j < 10000; j++) spins++;
      clock_gettime(clocks[i], &now);
    } while ((now.tv_sec - from.tv_sec) * 1000 + (now.tv_nsec - from.tv_nsec) / 1000000 < 40);
    tell("busy", waits_for(SIGUSR1, &info, 0));
    printf("  code %d value %ld\n", info.si_code, (long)info.si_value.sival_ptr);
    syscall(SYS_timer_delete, id);
  }
}

static int target;
static void *takes(void *argument) {
  siginfo_t info;
  target = gettid();
  int got = waits_for(SIGUSR1, &info, 3000);
  printf("the thread took: %d\n", got);
  return argument;
}

static void to_a_thread(void) {
  int id;
  pthread_t thread;
  siginfo_t info;
  pthread_create(&thread, NULL, takes, NULL);
  while (target == 0) usleep(1000);
  tell("create", create(CLOCK_MONOTONIC, SIGEV_THREAD_ID, SIGUSR1, 3, target, &id));
  set(id, 0, 5000, 0, NULL);
  tell("not for this one", waits_for(SIGUSR1, &info, 50));
  pthread_join(thread, NULL);
  tell("to a thread that is gone", set(id, 0, 1000, 0, NULL));
  usleep(10000);
  tell("nobody", waits_for(SIGUSR1, &info, 0));
  syscall(SYS_timer_delete, id);
}

static void *made_by_glibc(union sigval value) {
  (*(volatile int *)value.sival_ptr)++;
  return NULL;
}

static void in_a_thread_of_its_own(void) {
  volatile int count = 0;
  timer_t id;
  struct sigevent event = {0};
  struct itimerspec spec = {{0, 2000000}, {0, 2000000}};
  event.sigev_notify = SIGEV_THREAD;
  event.sigev_notify_function = (void (*)(union sigval))made_by_glibc;
  event.sigev_value.sival_ptr = (void *)&count;
  tell("SIGEV_THREAD", timer_create(CLOCK_MONOTONIC, &event, &id));
  timer_settime(id, 0, &spec, NULL);
  while (count < 3) usleep(1000);
  tell("delete", timer_delete(id));
}

static void limits_and_heirs(char *self) {
  int id, other;
  siginfo_t info;
  create(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGUSR1, 1, 0, &id);
  set(id, 0, 20000, 20000, NULL);
  if (fork() == 0) {
    list("a child has none");
    tell("settime", set(id, 0, 1, 0, NULL));
    tell("nothing comes", waits_for(SIGUSR1, &info, 50));
    create(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGUSR1, 1, 0, &other);
    printf("first of the child: %d\n", other);
    fflush(stdout);
    _exit(0);
  }
  wait(NULL);
  struct rlimit limit = {2, 4};
  syscall(SYS_timer_delete, id);
  if (fork() == 0) {
    setrlimit(RLIMIT_SIGPENDING, &limit);
    // The user may have others.
    for (int i = 0; i < 5; i++) {
      long result = create(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGUSR1, 1, 0, &id);
      if (result < 0) {
        printf("too many: %s, at least by the fifth\n", strerror(errno));
        break;
      }
    }
    fflush(stdout);
    _exit(0);
  }
  wait(NULL);
  fflush(stdout);
  create(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGUSR1, 1, 0, &id);
  set(id, 0, 1000, 0, NULL);
  usleep(10000);
  execl(self, self, "again", NULL);
}

int main(int argc, char **argv) {
  setvbuf(stdout, NULL, _IONBF, 0);
  if (argc > 1) {
    siginfo_t info;
    int id;
    list("after exec");
    tell("pending", waits_for(SIGUSR1, &info, 0));
    create(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGUSR1, 1, 0, &id);
    printf("goes on counting: %d\n", id > 0);
    return 0;
  }
  refused();
  numbers();
  signals();
  two_of_one_signal();
  ignored();
  burns_cpu();
  to_a_thread();
  in_a_thread_of_its_own();
  limits_and_heirs(argv[0]);
}
