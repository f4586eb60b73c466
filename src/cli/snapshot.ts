import { ProcError } from '../live/error.js';
import { ProcessCopy } from '../live/host-copy.js';
import { HostProcess } from '../live/host-process.js';
import { stopProcess } from '../live/stop.js';
import { LinuxError } from '../errno.js';
import { Machine } from '../machine.js';
import { CheckedMemory } from '../mm/checked-memory.js';
import { encodeState } from '../snapshot/state.js';
import { STORE_CHUNK, STORE_TO_COME } from '../snapshot/store.js';
import { SnapshotWriter } from '../snapshot/writer.js';
import type { Command, Options } from './command.js';
import { outputOption, report, residentBytes } from './dump.js';
import { type CliIo, InputError, UsageError } from './io.js';
import { OutputFile } from './output-file.js';
import { BUFFER_SIZE, BUFFERS, pour } from './pour.js';
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
    try {
      if (!options.flag('no-stop')) resume = stopProcess(process);
      const description = process.describe();
      const copy = new ProcessCopy(process, description);
      const progress = new Progress(io, 'snapshot', residentBytes(description));
      if (!(await writeSnapshot(copy, file, progress, () => resume()))) return 1;
      const { bytes, unreadable } = copy;
      report(io, options, { output, bytes, unreadablePages: unreadable });
      return 0;
    } finally {
      file.close();
    }
  } finally {
    resume();
    process.close();
  }
}

/**
 * Writes the memory as it is read, and then a machine whose process has it.
 *
 * @param copied is called when the process is needed no more
 * @returns false when the user broke it off
 */
async function writeSnapshot(
  copy: ProcessCopy,
  file: OutputFile,
  progress: Progress,
  copied: () => void,
): Promise<boolean> {
  const machine = await Machine.create();
  const { vfs, kernel } = machine;
  const writer = new SnapshotWriter(kernel.core, (bytes) => {
    file.put({ offset: writer.offset, bytes });
  });
  writer.begin(0);
  const checked = await CheckedMemory.create(BUFFERS, BUFFER_SIZE);
  const done = await pour({
    batches: (take) => copy.batches(take),
    buffers: checked.buffers,
    place: ({ bytes }) => {
      const { offset } = writer;
      for (let at = 0; at < bytes.length; at += STORE_CHUNK) {
        const part = bytes.subarray(at, at + STORE_CHUNK);
        writer.storeElsewhere(part.length, checked.checksum(part));
      }
      return [{ offset, bytes }];
    },
    ...{ file, progress },
  });
  copied();
  if (!done) return false;
  const { core, areas } = copy.process(STORE_TO_COME);
  machine.loadCore(core, { areas });
  writer.machine(encodeState(kernel, vfs).state);
  writer.end();
  file.complete(writer.offset);
  return true;
}
