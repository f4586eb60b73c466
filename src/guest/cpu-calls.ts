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

/** What a call is charged: that of half a microsecond, that of a process, and that of eight bytes moved; ns. */
const CALL_COST = 500;
const BIRTH_COST = 50_000;
const BYTES_A_NS = 8;
const SPECIAL_COSTS: ReadonlyMap<string, number> = new Map([
  ...[...BIRTHS, 'execve', 'execveat'].map((name) => [name, BIRTH_COST] as const),
  // By what they move.
  ...(
    'read write readv writev pread64 pwrite64 preadv pwritev preadv2 pwritev2 sendfile sendto sendmsg recvfrom ' +
    'recvmsg splice tee vmsplice copy_file_range'
  )
    .split(' ')
    .map((name) => [name, 0] as const),
]);

/** Nanoseconds that a call is charged to a thread, by what it answered. */
export function callCost(name: string, result: number | bigint): number {
  const special = SPECIAL_COSTS.get(name);
  if (special === undefined) return CALL_COST;
  if (special > 0) return special;
  return result < BYTES_A_NS ? CALL_COST : CALL_COST + Math.floor(Number(result) / BYTES_A_NS);
}

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
