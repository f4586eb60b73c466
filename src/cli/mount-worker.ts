import { parentPort, workerData } from 'node:worker_threads';

import { describeHostThread, serveFuse } from '../fuse/mount.js';
import { FuseServer } from '../fuse/server.js';
import type { IdPairs } from '../fuse/users.js';
import { Machine } from '../machine.js';
import { exampleCrash, hostCrash, loadInto } from './input.js';

/** What a mount is to show: a core file, or the crash that comes with the package. */
export interface MountJob {
  /** The path of a core; null: the demo's. */
  readonly core: string | null;
  /** Whether /proc/PID has `mem`. */
  readonly mem: boolean;
  readonly yama: 0 | 1 | 2 | 3 | null;
  /** What /proc/self is: `caller`, the process of the core, or the number of one. */
  readonly self: 'caller' | 'core' | number;
  readonly users: IdPairs;
  readonly groups: IdPairs;
}

/** What the worker says: the machine is there, or why it is not. */
export type MountAnswer =
  | { readonly pid: number; readonly comm: string; readonly threads: number }
  | { readonly problem: string };

async function prepare(job: MountJob): Promise<{ server: FuseServer; answer: MountAnswer }> {
  const crash = job.core === null ? exampleCrash() : hostCrash(job.core);
  const machine = await Machine.create({
    procMem: job.mem,
    // As many as the host can have: callers keep their numbers.
    sysctl: { 'kernel.pid_max': 4194304 },
    ...(job.yama === null ? {} : { yama: job.yama }),
  });
  const { threads } = loadInto(machine, crash);
  const pid = threads[0]?.pid ?? 1;
  const self = job.self === 'caller' ? null : job.self === 'core' ? pid : job.self;
  const server = new FuseServer(machine.vfs, {
    self,
    users: job.users,
    groups: job.groups,
    describe: describeHostThread,
    onError: (error) => console.error('procmem: a request failed:', error),
  });
  return { server, answer: { pid, comm: threads[0]?.comm ?? '', threads: threads.length } };
}

const port = parentPort;
if (port === null) throw new Error('mount-worker: runs in a worker of the mount command only');
try {
  const { server, answer } = await prepare(workerData as MountJob);
  // The device comes when it is mounted; the thread then blocks in it until it is unmounted.
  port.once('message', (fd: number) => serveFuse(fd, server));
  port.postMessage(answer);
} catch (error) {
  port.postMessage({ problem: error instanceof Error ? error.message : String(error) });
}
