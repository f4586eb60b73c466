import { coreSignal } from '../elf/core.js';
import type { Command } from './command.js';
import { causeOf, memoryOf, plural, signalName } from './demo-summary.js';
import type { Loaded } from './input.js';
import { chooseCrash, loadCrash, onlyOperand } from './input.js';
import type { CliIo } from './io.js';
import { hex, printJson } from './json.js';
import { registerOf } from './registers.js';
import { printTable } from './table.js';
import { printable, Terminal, truncate } from './terminal.js';

/** Where the second column begins. */
const COLUMN = 10;

/**
 * `procmem info [CORE]`: what crashed, why, its threads, memory and files.
 *
 * @throws {InputError} the core cannot be loaded
 */
export const info: Command = async (operands, io, options) => {
  const loaded = await loadCrash(await chooseCrash(onlyOperand(operands, 'info'), options));
  if (options.flag('json')) printInfoAsJson(io, loaded);
  else printInfo(new Terminal(io), loaded);
  return 0;
};

function printInfo(terminal: Terminal, { label, process }: Loaded): void {
  const { core, found, missing } = process;
  const { comm, pid, ppid, uid, gid, psargs } = core.process;
  const rows: [string, string][] = [
    ['process', `${comm}, ${pid}, child of ${ppid}, user ${uid}, group ${gid}`],
    ['command', psargs],
    ['signal', causeOf(coreSignal(core))],
    ['core', `${label}, ${core.machine.name}`],
    ['memory', memoryOf(core)],
    ['files', `${found.length} found, ${missing.length} not found`],
  ];
  for (const [name, text] of rows) {
    const shown = truncate(printable(text), terminal.width - COLUMN);
    if (text !== '') terminal.line(`${terminal.paint('dim', name.padEnd(COLUMN))}${shown}`);
  }
  for (const path of missing) {
    const shown = truncate(printable(path), terminal.width - COLUMN - 10);
    terminal.line(`${' '.repeat(COLUMN)}${terminal.paint('yellow', 'not found')} ${shown}`);
  }
  terminal.line();
  const threads = core.threads.map(({ tid, signal, regs }) => [
    String(tid),
    signal === 0 ? '' : signalName(signal),
    hex(registerOf(regs, 'pc') ?? 0),
    hex(registerOf(regs, 'sp') ?? 0),
  ]);
  const columns = ['thread', 'signal', 'pc', 'sp'].map((title) => ({ title }));
  printTable(terminal, columns, threads);
  terminal.line();
  terminal.line(terminal.paint('dim', plural(threads.length, 'thread')));
}

function printInfoAsJson(io: CliIo, { label, process }: Loaded): void {
  const { core, found, missing, areas } = process;
  const signal = coreSignal(core);
  printJson(io, {
    core: label,
    machine: core.machine.name,
    process: core.process,
    executable: areas.executable,
    signal:
      signal === null
        ? null
        : {
            name: signalName(signal.number),
            number: signal.number,
            code: signal.code,
            address: signal.address === null ? null : hex(signal.address),
          },
    threads: core.threads.map(({ tid, signal: number, regs }) => ({
      tid,
      signal: number,
      pc: hex(registerOf(regs, 'pc') ?? 0),
      sp: hex(registerOf(regs, 'sp') ?? 0),
    })),
    mappings: core.mappings.length,
    bytesMapped: core.mappings.reduce((sum, { start, end }) => sum + end - start, 0),
    bytesDumped: core.mappings.reduce((sum, { dumped }) => sum + dumped, 0),
    files: { found, missing },
  });
}
