/** Calls that make a task whose number they return. */
export const BIRTHS: ReadonlySet<string> = new Set(['clone', 'clone3', 'fork', 'vfork']);

/**
 * Calls that a handler interrupts for good: SA_RESTART does not have them made again.
 *
 * @see signal(7), "Interruption of system calls and library functions by signal handlers"
 */
export const NEVER_RESTARTED: ReadonlySet<string> = new Set([
  'pause',
  'rt_sigsuspend',
  'rt_sigtimedwait',
  'poll',
  'ppoll',
  'select',
  'pselect6',
  'epoll_wait',
  'epoll_pwait',
  'epoll_pwait2',
  'nanosleep',
  'clock_nanosleep',
  'semop',
  'semtimedop',
  'msgsnd',
  'msgrcv',
  'io_getevents',
]);

/** Calls that send SIGPIPE when they answer EPIPE: writes to a pipe that nobody reads. */
export const WRITES: ReadonlySet<string> = new Set([
  'write',
  'writev',
  'pwritev2',
  'sendfile',
  'splice',
  'tee',
  'vmsplice',
]);

/** FUTEX_LOCK_PI, FUTEX_WAIT_REQUEUE_PI, FUTEX_LOCK_PI2: made again after any handler. */
export const LOCKS_PI: ReadonlySet<number> = new Set([6, 11, 13]);
