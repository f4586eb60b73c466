import { open, unlink } from 'node:fs/promises';
import { writeSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';

import { copyProcess } from '../live/host-copy.js';
import { ProcError } from '../live/error.js';
import { HostProcess } from '../live/host-process.js';
import { stopProcess } from '../live/stop.js';
import { LinuxError } from '../errno.js';
import { Machine } from '../machine.js';
import { encodeState } from '../snapshot/state.js';
import { STORE_TO_COME } from '../snapshot/store.js';
import { SnapshotWriter } from '../snapshot/writer.js';
import type { Command, Options } from './command.js';
import { Interrupt, outputOption, report } from './dump.js';
import { unreadable } from './file-source.js';
import { type CliIo, InputError, UsageError } from './io.js';
import { Progress } from './progress.js';

/** Chunks copied between two looks at whether the user has had enough. */
const BREATH = 16;

/**
 * `procmem snapshot PID -o FILE`: copies a process of this computer, which rests meanwhile, into a
 * machine's snapshot: Machine.restore() makes it a process whose pages are read when they are touched.
 *
 * @returns 0; 1 when it was interrupted, and there is no file then
 * @throws {UsageError} the command line makes no sense
 * @throws {InputError} no such process, or not permitted
 */
export const snapshot: Command = async (operands, io, options) => {
  const [pid = '', more] = operands;
  if (!/^\d+$/.test(pid) || more !== undefined) {
    throw new UsageError('the number of one process; usage: procmem snapshot PID -o FILE');
  }
  const output = outputOption(options);
  try {
    return await snapshotProcess(Number(pid), output, io, options);
  } catch (error) {
    if (error instanceof ProcError) throw new InputError(error.message);
    if (!(error instanceof LinuxError)) throw error;
    throw new InputError(`${pid}: the machine cannot hold this process (${error.code})`);
  }
};

async function snapshotProcess(
  pid: number,
  output: string,
  io: CliIo,
  options: Options,
): Promise<number> {
  const process = new HostProcess(pid);
  const machine = await Machine.create();
  // A snapshot holds secrets: it is its owner's alone.
  const file = await open(output, 'w', 0o600).catch((error: unknown) => {
    process.close();
    throw unreadable(output, error);
  });
  const interrupt = new Interrupt();
  let complete = false;
  const resume = options.flag('no-stop') ? (): void => {} : stopProcess(process);
  try {
    const { vfs, kernel } = machine;
    const writer = new SnapshotWriter(kernel.core, (bytes) => writeAll(file.fd, bytes));
    writer.begin(0);
    const description = process.describe();
    const total = [...description.sizes.values()].reduce((sum, { rss }) => sum + rss, 0);
    const progress = new Progress(io, 'snapshot', total);
    const steps = copyProcess(process, description, STORE_TO_COME, (bytes) => writer.store(bytes));
    let step = steps.next();
    for (let count = 1; !step.done; count++, step = steps.next()) {
      progress.add(step.value);
      if (count % BREATH === 0) await setImmediate();
      if (interrupt.came) return 1;
    }
    resume();
    progress.end();
    const { core, areas, bytes, unreadable: lost } = step.value;
    machine.loadCore(core, { areas });
    writer.machine(encodeState(kernel, vfs).state);
    writer.end();
    complete = true;
    report(io, options, { output, bytes, unreadablePages: lost });
    return 0;
  } finally {
    resume();
    interrupt.release();
    process.close();
    await file.close();
    if (!complete) await unlink(output);
  }
}

function writeAll(fd: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length;) done += writeSync(fd, bytes, done);
}
