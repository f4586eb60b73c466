/* Calls that others' calls come between: a child, a signal, a thread, an end in the middle. */
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int down[2], up[2];

static void nap(int ms) {
  struct timespec time = { 0, ms * 1000000L };
  nanosleep(&time, 0);
}

static void *thread(void *arg) {
  char c;
  read(down[0], &c, 1);
  nap(50);
  return 0;
}

int main(void) {
  char c;
  pipe(down);
  pipe(up);
  int child = fork();
  if (child == 0) {
    read(down[0], &c, 1);
    write(up[1], "y", 1);
    pause();
  }
  nap(20);
  write(down[1], "x", 1);
  read(up[0], &c, 1);
  nap(20);
  kill(child, SIGTERM);
  wait(0);
  pthread_t id;
  pthread_create(&id, 0, thread, 0);
  nap(20);
  write(down[1], "z", 1);
  nap(20);
  return 3;
}
