import { PAGE_SIZE } from '../../assembly/abi/page.js';
import type { CopyPlan } from '../live/copy-plan.js';
import { ProcError } from '../live/error.js';
import { ProcessCopy } from '../live/host-copy.js';
import { HostProcess } from '../live/host-process.js';
import { stopProcess } from '../live/stop.js';
import { LinuxError } from '../errno.js';
import { Machine } from '../machine.js';
import { encodeState } from '../snapshot/state.js';
import { STORE_CHUNK, STORE_TO_COME } from '../snapshot/store.js';
import { SnapshotWriter } from '../snapshot/writer.js';
import type { Command, Options } from './command.js';
import { bytesOf, type Copied, MemoryCopy } from './copy-memory.js';
import { outputOption, report } from './dump.js';
import { type CliIo, InputError, UsageError } from './io.js';
import { OutputFile } from './output-file.js';
import { Progress } from './progress.js';

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
    const wrong =
      pid === ''
        ? 'which process?'
        : more === undefined
          ? `${JSON.stringify(pid)} is no number of a process`
          : `one process, please: ${pid} or ${more}`;
    throw new UsageError(`${wrong}; usage: procmem snapshot PID -o FILE`);
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
  let resume = (): void => {};
  try {
    const file = new OutputFile(output, { replace: true });
    const memory = new MemoryCopy(process, { jobBytes: STORE_CHUNK, checks: true });
    try {
      if (!options.flag('no-stop')) resume = stopProcess(process);
      const progress = new Progress(io, 'snapshot', process.residentBytes());
      const copied = await writeSnapshot({
        copy: new ProcessCopy(process, process.describe()),
        run: (plan) => memory.run(plan, file, progress),
        resume: () => resume(),
        file,
      });
      if (copied === null) return 1;
      report(io, options, { output, ...copied });
      return 0;
    } finally {
      await memory.end();
      file.close();
    }
  } finally {
    resume();
    process.close();
  }
}

interface Writing {
  readonly copy: ProcessCopy;
  readonly run: (plan: CopyPlan) => Promise<Copied | null>;
  /** Called when the process is needed no more. */
  readonly resume: () => void;
  readonly file: OutputFile;
}

/**
 * Writes the memory, and then a machine whose process has it.
 *
 * @returns bytes and pages without them; null when the user broke it off
 */
async function writeSnapshot({
  copy,
  run,
  resume,
  file,
}: Writing): Promise<{ bytes: number; unreadablePages: number } | null> {
  const machine = await Machine.create();
  const { vfs, kernel } = machine;
  const writer = new SnapshotWriter(kernel.core, (bytes) => {
    file.put({ offset: writer.offset, bytes });
  });
  writer.begin(0);
  const plan = copy.plan(STORE_CHUNK, writer.offset);
  const copied = await run(plan);
  resume();
  if (copied === null) return null;
  const { checksums, lost } = copied;
  for (const [i, checksum] of checksums.entries()) {
    writer.storeElsewhere(Math.min(STORE_CHUNK, plan.bytes - i * STORE_CHUNK), checksum);
  }
  const { core, areas } = copy.process(STORE_TO_COME, lost);
  machine.loadCore(core, { areas });
  writer.machine(encodeState(kernel, vfs).state);
  writer.end();
  file.complete(writer.offset);
  const lostBytes = bytesOf(lost);
  return { bytes: plan.bytes - lostBytes, unreadablePages: lostBytes / PAGE_SIZE };
}
