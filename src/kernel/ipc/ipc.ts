import { MsgQueue } from './msg.js';
import { IpcIds } from './perm.js';
import { SemSet } from './sem.js';

/** The semaphores and message queues of System V of a machine (struct ipc_namespace). */
export interface IpcNamespace {
  readonly sems: IpcIds<SemSet>;
  readonly msgs: IpcIds<MsgQueue>;
}

/** None of either. */
export function makeIpcNamespace(): IpcNamespace {
  return { sems: new IpcIds(), msgs: new IpcIds() };
}
