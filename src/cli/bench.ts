import { Machine } from '../machine.js';
import type { Command } from './command.js';
import type { Contender } from './demo-speed.js';
import { kernelContender, measureSpeeds, memcpyContender, printSpeeds } from './demo-speed.js';
import { UsageError } from './io.js';
import { printJson } from './json.js';
import { Terminal } from './terminal.js';

/** Bytes of the process that is read. */
const LENGTH = 1 << 20;

/**
 * `procmem bench`: how fast another process's memory is copied out.
 *
 * @throws {UsageError} it is given operands
 */
export const bench: Command = async (operands, io, options) => {
  if (operands.length > 0) throw new UsageError(`bench takes no ${operands[0]}`);
  const contenders = usualContenders(await Machine.create());
  if (options.flag('json')) printJson(io, measureSpeeds(contenders));
  else printSpeeds(new Terminal(io), contenders);
  return 0;
};

/** The machine, memcpy, and the kernel underneath where it is Linux. */
export function usualContenders(machine: Machine): Contender[] {
  const kernel = kernelContender();
  const contenders = [machineContender(machine), memcpyContender()];
  return kernel === null ? contenders : [...contenders, kernel];
}

/** Reads of /proc/PID/mem between two processes of a machine. */
function machineContender(machine: Machine): Contender {
  const [target, reader] = [machine.spawn({ uid: 1000 }), machine.spawn({ uid: 1000 })];
  const addr = target.mmap({ length: LENGTH });
  target.store(addr, new Uint8Array(LENGTH).fill(1));
  const mem = reader.open(`/proc/${target.pid}/mem`);
  return { name: 'procmem', copy: (into) => void mem.pread(into, addr) };
}
