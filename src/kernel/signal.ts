// include/uapi/asm-generic/signal.h, arch/x86/include/uapi/asm/signal.h
export const SIGHUP = 1;
export const SIGINT = 2;
export const SIGQUIT = 3;
export const SIGILL = 4;
export const SIGTRAP = 5;
export const SIGABRT = 6;
export const SIGBUS = 7;
export const SIGFPE = 8;
export const SIGKILL = 9;
export const SIGUSR1 = 10;
export const SIGSEGV = 11;
export const SIGUSR2 = 12;
export const SIGPIPE = 13;
export const SIGALRM = 14;
export const SIGTERM = 15;
export const SIGSTKFLT = 16;
export const SIGCHLD = 17;
export const SIGCONT = 18;
export const SIGSTOP = 19;
export const SIGTSTP = 20;
export const SIGTTIN = 21;
export const SIGTTOU = 22;
export const SIGURG = 23;
export const SIGXCPU = 24;
export const SIGXFSZ = 25;
export const SIGVTALRM = 26;
export const SIGPROF = 27;
export const SIGWINCH = 28;
export const SIGIO = 29;
export const SIGPWR = 30;
export const SIGSYS = 31;
/** Highest signal number. */
export const NSIG = 64;

const IGNORED = new Set([SIGCHLD, SIGCONT, SIGURG, SIGWINCH]);
/** Signals that stop a process (SIG_KERNEL_STOP_MASK). */
export const STOPPING: ReadonlySet<number> = new Set([SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU]);

/** What a signal does to a process without a handler for it. */
export type SignalAction = 'terminate' | 'stop' | 'continue' | 'ignore';

/**
 * Gives the default action of a signal (include/linux/signal.h, sig_kernel_*()); a core dump counts
 * as terminate.
 */
export function defaultAction(signal: number): SignalAction {
  if (signal === SIGCONT) return 'continue';
  if (IGNORED.has(signal)) return 'ignore';
  return STOPPING.has(signal) ? 'stop' : 'terminate';
}

/** Tells whether a number is a signal or 0, which only asks for permission (valid_signal()). */
export function validSignal(signal: number): boolean {
  return signal >= 0 && signal <= NSIG;
}
