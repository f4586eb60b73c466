/**
 * /proc/PID/wchan: where in the kernel a task waits. "0": nowhere, or not for this reader (K-604);
 * no task of this kernel waits.
 * @see fs/proc/base.c proc_pid_wchan()
 */
export function showWchan(): string {
  return '0';
}
