import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';

import { type FuseMount, mountFuse, MountError, unmountFuse } from '../fuse/mount.js';
import type { IdPairs } from '../fuse/users.js';
import type { CliIo, Command } from './io.js';
import { InputError, UsageError } from './io.js';
import type { MountAnswer, MountJob } from './mount-worker.js';

/** How it is called, for help and complaints. */
export const MOUNT_USAGE =
  'mount DIR (--core FILE | --demo) [--self caller|core|PID] [--no-mem] [--yama 0..3] ' +
  '[--user HOST:MACHINE]… [--group HOST:MACHINE]…';

const OPTIONS = {
  core: { type: 'string' },
  demo: { type: 'boolean' },
  self: { type: 'string' },
  'no-mem': { type: 'boolean' },
  yama: { type: 'string' },
  user: { type: 'string', multiple: true },
  group: { type: 'string', multiple: true },
} as const;

/**
 * `procmem mount DIR`: the machine's /proc on a real directory, until it is unmounted, interrupted or
 * terminated.
 *
 * @returns 0 when the mount is gone, 1 when its server failed
 * @throws {UsageError} the command line makes no sense
 * @throws {InputError} the core cannot be loaded, or the directory not mounted on
 */
export const mount: Command = async (args: string[], io: CliIo): Promise<number> => {
  const { directory, job } = parse(args);
  const worker = new Worker(new URL('./mount-worker.js', import.meta.url), { workerData: job });
  try {
    const [answer] = (await once(worker, 'message')) as [MountAnswer];
    if ('problem' in answer) throw new InputError(answer.problem);
    const mounted = mountOrExplain(directory);
    worker.postMessage(mounted.fd);
    const { pid, comm, threads } = answer;
    const what = `process ${pid} (${comm}), ${threads} thread${threads === 1 ? '' : 's'}`;
    io.out(`/proc of ${what}, on ${mounted.directory}; interrupt (Ctrl-C) to unmount\n`);
    return await untilGone(worker, mounted, io);
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
async function untilGone(worker: Worker, mounted: FuseMount, io: CliIo): Promise<number> {
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
    io.out(`${mounted.directory} is unmounted\n`);
    return 0;
  } catch (error) {
    unmountFuse(mounted);
    io.err(`procmem: the server failed: ${(error as Error).message}\n`);
    return 1;
  } finally {
    for (const signal of signals) process.off(signal, stop);
  }
}

function parse(args: string[]): { directory: string; job: MountJob } {
  const { values, positionals } = parseOrExplain(args);
  const [directory, ...rest] = positionals;
  if (directory === undefined || rest.length > 0) throw wrong('one directory is needed');
  if ((values.core === undefined) !== (values.demo === true)) {
    throw wrong('either --core FILE or --demo is needed');
  }
  const job: MountJob = {
    core: values.core ?? null,
    mem: values['no-mem'] !== true,
    yama: values.yama === undefined ? null : (numberOf('--yama', values.yama, 3) as 0 | 1 | 2 | 3),
    self: selfOf(values.self ?? 'caller'),
    users: pairsOf('--user', values.user ?? []),
    groups: pairsOf('--group', values.group ?? []),
  };
  return { directory, job };
}

function parseOrExplain(args: string[]) {
  try {
    return parseArgs({ args, options: OPTIONS, allowPositionals: true });
  } catch (error) {
    throw wrong((error as Error).message);
  }
}

function selfOf(text: string): MountJob['self'] {
  return text === 'caller' || text === 'core' ? text : numberOf('--self', text, 0x7fffffff);
}

function pairsOf(name: string, texts: readonly string[]): IdPairs {
  return texts.map((text) => {
    const [host = '', machine = '', ...rest] = text.split(':');
    if (rest.length > 0) throw wrong(`${name} ${text}: not HOST:MACHINE`);
    return [numberOf(name, host, 0xfffffffe), numberOf(name, machine, 0xfffffffe)] as const;
  });
}

function numberOf(name: string, text: string, max: number): number {
  const number = /^\d{1,10}$/.test(text) ? Number(text) : NaN;
  if (!(number <= max)) throw wrong(`${name} ${text}: not a number from 0 to ${max}`);
  return number;
}

function wrong(what: string): UsageError {
  return new UsageError(`${what}; usage: procmem ${MOUNT_USAGE}`);
}
