// What /proc says of tasks that sleep, stop, are traced, wait in vfork or are dead, and of times and switches.
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/times.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int pair[2], word;

static void in_nanosleep(void) { sleep(100); }
static void in_pause(void) { pause(); }
static void in_read(void) { char c; read(pair[0], &c, 1); }
static void in_wait(void) { if (fork() == 0) { pause(); } wait(0); }
static void in_futex(void) { syscall(SYS_futex, &word, FUTEX_WAIT, 0, 0); }
static void in_poll(void) { struct pollfd p = { pair[0], POLLIN, 0 }; poll(&p, 1, -1); }
static void in_select(void) { fd_set s; FD_ZERO(&s); FD_SET(pair[0], &s); select(pair[0] + 1, &s, 0, 0, 0); }
static void in_epoll(void) {
  int e = epoll_create1(0);
  struct epoll_event ev = { EPOLLIN };
  epoll_ctl(e, EPOLL_CTL_ADD, pair[0], &ev);
  epoll_wait(e, &ev, 1, -1);
}
static void in_sigsuspend(void) { sigset_t s; sigemptyset(&s); sigsuspend(&s); }
static void in_sigwait(void) { sigset_t s; int n; sigemptyset(&s); sigaddset(&s, SIGUSR1); sigprocmask(SIG_BLOCK, &s, 0); sigwait(&s, &n); }
static void in_accept(void) {
  int s = socket(AF_UNIX, SOCK_STREAM, 0);
  struct sockaddr sa = { AF_UNIX };
  bind(s, &sa, sizeof sa.sa_family);
  listen(s, 1);
  accept(s, 0, 0);
}
static void in_recv(void) { char c; int sv[2]; socketpair(AF_UNIX, SOCK_STREAM, 0, sv); recv(sv[0], &c, 1, 0); }
static void in_write(void) { int p[2]; char b[65536] = {0}; pipe(p); for (;;) write(p[1], b, sizeof b); }
static void in_vfork(void) { if (vfork() == 0) { pause(); } }
static void in_stop(void) { raise(SIGSTOP); pause(); }
static void in_trace(void) { ptrace(PTRACE_TRACEME, 0, 0, 0); raise(SIGUSR1); pause(); }
static void in_exit(void) { _exit(3); }
static void in_loop(void) { for (volatile int i = 0;; i++) { } }
static void *sleeper(void *arg) { pause(); return 0; }
static void in_thread(void) { pthread_t t; pthread_create(&t, 0, sleeper, 0); pthread_join(t, 0); }

static int slurp(const char *dir, int pid, const char *name, char *buf, int size) {
  char path[80];
  snprintf(path, sizeof path, "%s/%d/%s", dir, pid, name);
  int fd = open(path, O_RDONLY);
  if (fd < 0) return -1;
  int n = read(fd, buf, size - 1), sum = n < 0 ? 0 : n;
  while (n > 0 && sum < size - 1) { n = read(fd, buf + sum, size - 1 - sum); sum += n > 0 ? n : 0; }
  buf[sum] = 0;
  close(fd);
  return n < 0 && sum == 0 ? -1 : sum;
}

/* Field n of stat, from 3 on. */
static const char *field(const char *stat, int n) {
  const char *at = strrchr(stat, ')') + 2;
  while (n-- > 3) at = strchr(at, ' ') + 1;
  return at;
}

static void show(const char *name, int pid, char wanted, int nr) {
  char stat[1024], status[4096], wchan[64], call[256];
  for (int i = 0; i < 500; i++) {
    slurp("/proc", pid, "stat", stat, sizeof stat);
    if (*field(stat, 3) == wanted) break;
    usleep(2000);
  }
  usleep(5000);
  slurp("/proc", pid, "status", status, sizeof status);
  char *line = strstr(status, "State:");
  *strchr(line, '\n') = 0;
  int length = slurp("/proc", pid, "wchan", wchan, sizeof wchan);
  if (slurp("/proc", pid, "syscall", call, sizeof call) < 0) strcpy(call, "none");
  /* Clones of functions that a compiler made. */
  wchan[strcspn(wchan, ".")] = 0;
  if (!strcmp(wchan, "__do_sys_pause")) strcpy(wchan, "poll_schedule_timeout");
  int in = atoi(call), words = 1;
  for (char *at = call; *at; at++) words += *at == ' ';
  printf("%-10s %c %-24s waits %ld, wchan %s, ", name, *field(stat, 3), line, atol(field(stat, 35)), length < 0 ? "none" : wchan);
  if (!strncmp(call, "running", 7)) printf("running\n");
  else printf("%s, %d words\n", in == nr ? "the call" : in == -1 ? "no call" : "another call", words);
}

static const struct { const char *name; void (*go)(void); char state; int nr; } rows[] = {
  { "nanosleep", in_nanosleep, 'S', SYS_clock_nanosleep }, { "pause", in_pause, 'S',
#ifdef SYS_pause
    SYS_pause },
#else
    SYS_ppoll },
#endif
  { "read", in_read, 'S', SYS_read }, { "wait", in_wait, 'S', SYS_wait4 }, { "futex", in_futex, 'S', SYS_futex },
  { "sigsuspend", in_sigsuspend, 'S', SYS_rt_sigsuspend }, { "sigwait", in_sigwait, 'S', SYS_rt_sigtimedwait },
  { "poll", in_poll, 'S',
#ifdef SYS_poll
    SYS_poll },
#else
    SYS_ppoll },
#endif
  { "select", in_select, 'S', SYS_pselect6 },
  { "epoll", in_epoll, 'S',
#ifdef SYS_epoll_wait
    SYS_epoll_wait },
#else
    SYS_epoll_pwait },
#endif
  { "accept", in_accept, 'S', SYS_accept }, { "recv", in_recv, 'S', SYS_recvfrom }, { "write", in_write, 'S', SYS_write },
  { "thread", in_thread, 'S', SYS_futex }, { "stop", in_stop, 'T', -2 }, { "trace", in_trace, 't', -2 }, { "exit", in_exit, 'Z', -1 },
  { "loop", in_loop, 'R', -2 },
};

static long number(const char *file, int pid, const char *label) {
  char text[4096];
  slurp("/proc", pid, file, text, sizeof text);
  char *at = strstr(text, label);
  return at ? atol(at + strlen(label)) : -1;
}

static double cpu(int who) {
  struct rusage r;
  getrusage(who, &r);
  return r.ru_utime.tv_sec + r.ru_utime.tv_usec / 1e6 + r.ru_stime.tv_sec + r.ru_stime.tv_usec / 1e6;
}

static void burn(double seconds) {
  double from = cpu(RUSAGE_THREAD);
  while (cpu(RUSAGE_THREAD) < from + seconds) for (volatile int i = 0; i < 10000; i++) { }
}

static void times_and_switches(void) {
  char stat[1024];
  int pid = getpid();
  long voluntary = number("status", pid, "\nvoluntary_ctxt_switches:");
  for (int i = 0; i < 5; i++) usleep(1000);
  long more = number("status", pid, "\nvoluntary_ctxt_switches:") - voluntary;
  printf("five sleeps are five switches: %d\n", more >= 5 && more < 15);
  struct rusage r;
  getrusage(RUSAGE_SELF, &r);
  printf("getrusage counts them: %d\n", r.ru_nvcsw >= 5);
  burn(0.05);
  slurp("/proc", pid, "stat", stat, sizeof stat);
  long ticks = atol(field(stat, 14)) + atol(field(stat, 15));
  printf("time is charged: %d\n", ticks >= 4 && ticks < 100);
  char schedstat[128];
  slurp("/proc", pid, "schedstat", schedstat, sizeof schedstat);
  printf("schedstat too: %d\n", atoll(schedstat) >= 40000000ll);
  // A child's time is its parent's when it was waited for, and nobody's when it was not.
  if (fork() == 0) { burn(0.05); _exit(0); }
  double before = cpu(RUSAGE_CHILDREN);
  wait(0);
  double waited = cpu(RUSAGE_CHILDREN) - before;
  printf("a child's time: %d\n", waited >= 0.04 && waited < 1);
  slurp("/proc", pid, "stat", stat, sizeof stat);
  long children = atol(field(stat, 16)) + atol(field(stat, 17));
  printf("in stat: %d\n", children >= 4 && children < 100);
  struct tms tms;
  times(&tms);
  printf("in times: %d\n", tms.tms_cutime + tms.tms_cstime >= 4);
  signal(SIGCHLD, SIG_IGN);
  before = cpu(RUSAGE_CHILDREN);
  if (fork() == 0) { burn(0.05); _exit(0); }
  while (wait(0) > 0) { }
  printf("of one that nobody waits for: %d\n", cpu(RUSAGE_CHILDREN) - before > 0.01);
  signal(SIGCHLD, SIG_DFL);
  // Masks as numbers of 31 bits.
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR2);
  sigaddset(&set, SIGRTMIN);
  sigprocmask(SIG_BLOCK, &set, 0);
  signal(SIGUSR1, SIG_IGN);
  signal(SIGHUP, (void (*)(int))in_pause);
  raise(SIGUSR2);
  slurp("/proc", pid, "stat", stat, sizeof stat);
  printf("pending %ld blocked %ld ignored %ld caught %ld\n", atol(field(stat, 31)), atol(field(stat, 32)), atol(field(stat, 33)), atol(field(stat, 34)));
}

static void machine(void) {
  char text[65536], *line;
  FILE *f = fopen("/proc/stat", "r");
  text[fread(text, 1, sizeof text - 1, f)] = 0;
  fclose(f);
  long processes = atol(strstr(text, "\nprocesses ") + 11), switches = atol(strstr(text, "\nctxt ") + 6);
  for (int i = 0; i < 3; i++) { if (fork() == 0) _exit(0); wait(0); }
  f = fopen("/proc/stat", "r");
  text[fread(text, 1, sizeof text - 1, f)] = 0;
  fclose(f);
  long more = atol(strstr(text, "\nprocesses ") + 11) - processes;
  printf("three more processes: %d\n", more >= 3 && more < 100);
  printf("more switches: %d\n", atol(strstr(text, "\nctxt ") + 6) > switches);
  printf("somebody runs: %d\n", atol(strstr(text, "\nprocs_running ") + 15) >= 1);
  long user, nice, system, idle;
  printf("cpu line: %d\n", sscanf(text, "cpu  %ld %ld %ld %ld", &user, &nice, &system, &idle));
  double up, rest;
  f = fopen("/proc/uptime", "r");
  fscanf(f, "%lf %lf", &up, &rest);
  fclose(f);
  printf("boot time and uptime agree: %d\n", labs(time(0) - (long)up - atol(strstr(text, "\nbtime ") + 7)) <= 2);
}

int main(void) {
  setvbuf(stdout, 0, _IONBF, 0);
  pipe(pair);
  for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
    int pid = fork();
    if (pid == 0) { setpgid(0, 0); rows[i].go(); _exit(0); }
    setpgid(pid, pid);
    if (rows[i].state == 't') waitpid(pid, 0, WUNTRACED);
    show(rows[i].name, pid, rows[i].state, rows[i].nr);
    kill(-pid, SIGKILL);
    waitpid(pid, 0, 0);
  }
  int pid = fork();
  if (pid == 0) { setpgid(0, 0); in_vfork(); _exit(0); }
  setpgid(pid, pid);
  show("vfork", pid, 'D', -2);
  kill(-pid, SIGKILL);
  waitpid(pid, 0, 0);
  // One's own: it runs, and is in the call that reads.
  char text[256];
  slurp("/proc", getpid(), "wchan", text, sizeof text);
  printf("own wchan %s\n", text);
  slurp("/proc", getpid(), "syscall", text, sizeof text);
  printf("own syscall: read %d\n", atoi(text) == SYS_read);
  // Somebody else's: nothing of it, and no permission.
  pid = fork();
  if (pid == 0) pause();
  usleep(5000);
  int asker = fork();
  if (asker == 0) {
    setresuid(1000, 1000, 1000);
    printf("of another user: wchan %d %s, ", slurp("/proc", pid, "wchan", text, sizeof text), text);
    printf("syscall %d, ", slurp("/proc", pid, "syscall", text, sizeof text));
    slurp("/proc", pid, "stat", text, sizeof text);
    printf("stat waits %ld\n", atol(field(text, 35)));
    _exit(0);
  }
  waitpid(asker, 0, 0);
  kill(pid, SIGKILL);
  waitpid(pid, 0, 0);
  times_and_switches();
  machine();
  return 0;
}
