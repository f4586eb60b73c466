/* Pipes: their size, and copies of what they hold. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define SAY(call) say(#call, (call))

static char bytes[3000000], got[3000000];

static void say(const char *call, long value) {
  printf("%s: %ld %s\n", call, value, value < 0 ? strerror(errno) : "");
}

static void sizes(void) {
  int p[2], null = open("/dev/null", O_RDWR);
  pipe2(p, O_NONBLOCK);
  SAY(fcntl(p[0], F_GETPIPE_SZ));
  SAY(fcntl(p[0], F_SETPIPE_SZ, 0)), SAY(fcntl(p[0], F_SETPIPE_SZ, 1)), SAY(fcntl(p[0], F_SETPIPE_SZ, 4097));
  SAY(fcntl(p[1], F_GETPIPE_SZ));
  SAY(write(p[1], bytes, 100000));
  SAY(fcntl(p[1], F_SETPIPE_SZ, 4096)), SAY(fcntl(p[1], F_SETPIPE_SZ, 8000));
  SAY(fcntl(p[1], F_SETPIPE_SZ, 1000000));
  SAY(write(p[1], bytes + 8192, 3000000 - 8192));
  SAY(fcntl(p[1], F_SETPIPE_SZ, -1)), SAY(fcntl(p[1], F_SETPIPE_SZ, 0x80000001u));
  SAY(read(p[0], got, 3000000));
  SAY(memcmp(bytes, got, 1048576));
  SAY(fcntl(p[0], F_SETPIPE_SZ, 4096));
  SAY(fcntl(null, F_SETPIPE_SZ, 4096)), SAY(fcntl(null, F_GETPIPE_SZ));
  fflush(stdout);
  if (fork() == 0) {
    setresuid(1000, 1000, 1000);
    SAY(fcntl(p[0], F_SETPIPE_SZ, 2097152)), SAY(fcntl(p[0], F_SETPIPE_SZ, 1048576));
    exit(0);
  }
  wait(NULL);
}

static void tees(void) {
  int a[2], b[2], null = open("/dev/null", O_RDWR);
  pipe(a), pipe(b);
  SAY(tee(a[0], b[1], 10, SPLICE_F_NONBLOCK));
  write(a[1], "hello", 5);
  SAY(tee(a[0], b[1], 3, 0)), SAY(tee(a[0], b[1], 100, 0));
  SAY(read(b[0], got, 100)), SAY(memcmp(got, "helhello", 8)), SAY(read(a[0], got, 100));
  SAY(tee(a[0], a[1], 10, 0)), SAY(tee(a[1], b[0], 10, 0)), SAY(tee(a[0], b[1], 0, 0));
  SAY(tee(a[0], b[1], 10, 16)), SAY(tee(99, b[1], 10, 0)), SAY(tee(null, b[1], 10, 0));
  SAY(tee(a[0], null, 10, 0)), SAY(tee(99, 98, 0, 0));
  write(a[1], bytes, 65536);
  SAY(tee(a[0], b[1], 200000, 0)), SAY(tee(a[0], b[1], 200000, SPLICE_F_NONBLOCK));
  SAY(read(a[0], got, 200000)), SAY(read(b[0], got, 200000)), SAY(memcmp(got, bytes, 65536));
  fflush(stdout);
  if (fork() == 0) {
    usleep(50000);
    write(a[1], "late", 4);
    _exit(0);
  }
  SAY(tee(a[0], b[1], 10, 0));
  wait(NULL);
  SAY(read(a[0], got, 10)), SAY(read(b[0], got, 10));
  close(a[1]);
  SAY(tee(a[0], b[1], 10, 0));
}

static void vmsplices(void) {
  int p[2], null = open("/dev/null", O_RDWR);
  pipe(p);
  struct iovec three[3] = {{"0123456789", 10}, {bytes, 0}, {"abc", 3}};
  SAY(vmsplice(p[1], three, 3, 0)), SAY(read(p[0], got, 100)), SAY(memcmp(got, "0123456789abc", 13));
  SAY(vmsplice(p[1], three, 0, 0)), SAY(vmsplice(p[0], three, 2, SPLICE_F_NONBLOCK));
  SAY(vmsplice(null, three, 1, 0)), SAY(vmsplice(99, three, 1, 0)), SAY(vmsplice(p[1], three, 3, 16));
  SAY(vmsplice(null, three, 0, 0)), SAY(vmsplice(p[1], (void *)8, 2, 0)), SAY(vmsplice(p[1], three, 2000, 0));
  three[1].iov_base = (void *)8, three[1].iov_len = 5;
  SAY(vmsplice(p[1], three, 3, 0)), SAY(read(p[0], got, 100)), SAY(vmsplice(p[1], three + 1, 2, 0));
  char *page = aligned_alloc(4096, 131072);
  memcpy(page, bytes, 131072);
  struct iovec much = {page, 131072}, into[2] = {{got, 3}, {got + 3, 200000}};
  SAY(vmsplice(p[1], &much, 1, 0)), SAY(vmsplice(p[1], &much, 1, SPLICE_F_NONBLOCK));
  SAY(vmsplice(p[0], into, 2, 0)), SAY(memcmp(got, bytes, 65536));
  SAY(vmsplice(p[0], into, 2, SPLICE_F_NONBLOCK));
  close(p[1]);
  SAY(vmsplice(p[0], into, 2, 0));
}

/** Who writes where nobody reads is told by SIGPIPE, too. */
static void nobody_reads(void) {
  int a[2], b[2], status;
  pipe(a), pipe(b);
  write(a[1], "q", 1);
  close(b[0]);
  struct iovec one = {bytes, 1};
  for (int which = 0; which < 4; which++) {
    fflush(stdout);
    if (fork() == 0) {
      signal(SIGPIPE, which < 2 ? SIG_IGN : SIG_DFL);
      if (which % 2) SAY(tee(a[0], b[1], 10, 0));
      else SAY(vmsplice(b[1], &one, 1, 0));
      exit(0);
    }
    wait(&status);
    printf("status %x\n", status);
  }
}

int main(void) {
  for (int i = 0; i < 3000000; i++) bytes[i] = i * 31 >> 5;
  sizes();
  tees();
  vmsplices();
  nobody_reads();
}
