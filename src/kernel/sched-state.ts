/** How a task asks to be scheduled: kept and told, without effect on a machine whose threads take turns. */
export interface SchedState {
  /** SCHED_* */
  policy: number;
  /** 1 to 99 of SCHED_FIFO and SCHED_RR, else 0. */
  rtPriority: number;
  resetOnFork: boolean;
  /** Of SCHED_DEADLINE, ns; else 0. */
  runtime: bigint;
  deadline: bigint;
  period: bigint;
  /** Class in bits 13 to 15 and level below; 0 until it is set (include/uapi/linux/ioprio.h). */
  ioprio: number;
}

/** A task's state at the start. */
export function newSchedState(): SchedState {
  const times = { runtime: 0n, deadline: 0n, period: 0n };
  return { policy: 0, rtPriority: 0, resetOnFork: false, ...times, ioprio: 0 };
}
