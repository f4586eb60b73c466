import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

import { type FuseMount, mountFuse, MountError, unmountFuse } from '../fuse/mount.js';
import type { IdPairs } from '../fuse/users.js';
import type { Command, Options } from './command.js';
import { plural } from './demo-summary.js';
import type { CliIo } from './io.js';
import { InputError, UsageError } from './io.js';
import { printJsonLine } from './json.js';
import type { MountAnswer, MountJob } from './mount-worker.js';
import { printable } from './terminal.js';

/**
 * `procmem mount DIR`: the machine's /proc on a real directory, until it is unmounted, interrupted or
 * terminated.
 *
 * @returns 0 when the mount is gone, 1 when its server failed
 * @throws {UsageError} the command line makes no sense
 * @throws {InputError} the core cannot be loaded, or the directory not mounted on
 */
export const mount: Command = async (operands, io, options) => {
  const [directory, ...more] = operands;
  if (directory === undefined || more.length > 0) throw new UsageError('one directory is needed');
  const job = jobOf(options);
  const worker = new Worker(new URL('./mount-worker.js', import.meta.url), { workerData: job });
  try {
    const [answer] = (await once(worker, 'message')) as [MountAnswer];
    if ('problem' in answer) throw new InputError(answer.problem);
    const mounted = mountOrExplain(directory);
    worker.postMessage(mounted.fd);
    const { pid, comm, threads } = answer;
    const what = `process ${pid} (${printable(comm)}), ${plural(threads, 'thread')}`;
    const json = options.flag('json');
    if (json) printJsonLine(io, { directory: mounted.directory, pid, comm, threads });
    else io.out(`/proc of ${what}, on ${mounted.directory}; interrupt (Ctrl-C) to unmount\n`);
    return await untilGone(worker, mounted, io, json);
  } finally {
    await worker.terminate();
  }
};

function mountOrExplain(directory: string): FuseMount {
  try {
    return mountFuse(directory);
  } catch (error) {
    if (error instanceof MountError) throw new InputError(error.message);
    throw error;
  }
}

/** Waits for the end of the worker, which is that of the mount; signals bring it about. */
async function untilGone(
  worker: Worker,
  mounted: FuseMount,
  io: CliIo,
  json: boolean,
): Promise<number> {
  const stop = (): void => {
    try {
      if (!unmountFuse(mounted)) io.err(`procmem: ${mounted.directory} was in use\n`);
    } catch (error) {
      io.err(`procmem: ${(error as Error).message}\n`);
    }
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const signal of signals) process.on(signal, stop);
  try {
    await once(worker, 'exit');
    if (!json) io.out(`${mounted.directory} is unmounted\n`);
    return 0;
  } catch (error) {
    unmountFuse(mounted);
    io.err(`procmem: the server failed: ${(error as Error).message}\n`);
    return 1;
  } finally {
    for (const signal of signals) process.off(signal, stop);
  }
}

function jobOf(options: Options): MountJob {
  const [core, snapshot] = [options.text('core'), options.text('snapshot')];
  const chosen = [core, snapshot, options.flag('demo') ? '' : null].filter((one) => one !== null);
  if (chosen.length !== 1) {
    throw new UsageError('one of --core FILE, --snapshot FILE and --demo is needed');
  }
  const yama = options.text('yama');
  return {
    path: core ?? snapshot,
    choice: {
      snapshot: snapshot !== null,
      pid: options.text('pid'),
      exe: options.text('exe'),
      sysroot: options.text('sysroot'),
    },
    mem: !options.flag('no-mem'),
    yama: yama === null ? null : (numberOf('--yama', yama, 3) as 0 | 1 | 2 | 3),
    self: selfOf(options.text('self') ?? 'caller'),
    users: pairsOf('--user', options.texts('user')),
    groups: pairsOf('--group', options.texts('group')),
  };
}

function selfOf(text: string): MountJob['self'] {
  return text === 'caller' || text === 'core' ? text : numberOf('--self', text, 0x7fffffff);
}

function pairsOf(name: string, texts: readonly string[]): IdPairs {
  return texts.map((text) => {
    const [host = '', machine = '', ...rest] = text.split(':');
    if (rest.length > 0) throw new UsageError(`${name} ${text}: not HOST:MACHINE`);
    return [numberOf(name, host, 0xfffffffe), numberOf(name, machine, 0xfffffffe)] as const;
  });
}

function numberOf(name: string, text: string, max: number): number {
  const number = /^\d{1,10}$/.test(text) ? Number(text) : NaN;
  if (number <= max) return number;
  throw new UsageError(`${name} ${text}: not a number from 0 to ${max}`);
}
