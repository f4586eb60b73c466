/* Locks whose owner died: what the list of them is for. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static pthread_mutex_t *robust;

static void *die_with_lock(void *argument) {
  pthread_mutex_lock(robust);
  return argument;
}

int main(void) {
  pthread_mutexattr_t attributes;
  robust = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
  pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
  pthread_mutex_init(robust, &attributes);
  pthread_t thread;
  pthread_create(&thread, NULL, die_with_lock, NULL);
  pthread_join(thread, NULL);
  int error = pthread_mutex_lock(robust);
  printf("lock of a dead thread: %s\n", strerror(error));
  pthread_mutex_consistent(robust);
  pthread_mutex_unlock(robust);
  pid_t child = fork();
  if (child == 0) {
    pthread_mutex_lock(robust);
    _exit(0);
  }
  waitpid(child, NULL, 0);
  error = pthread_mutex_lock(robust);
  printf("lock of a dead process: %s\n", strerror(error));
  pthread_mutex_consistent(robust);
  child = fork();
  if (child == 0) {
    error = pthread_mutex_lock(robust);
    printf("waited for, then: %s\n", strerror(error));
    return 0;
  }
  usleep(2000);
  pthread_mutex_unlock(robust);
  waitpid(child, NULL, 0);
  error = pthread_mutex_lock(robust);
  printf("lock of one that just left: %s\n", strerror(error));
  return 0;
}
