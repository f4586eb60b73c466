import type { CoreThread } from '../elf/core-notes.js';
import { CoreMemory } from '../elf/core-memory.js';
import { demangle } from '../unwind/demangle.js';
import { FunctionNames } from '../unwind/function-names.js';
import type { MapsLine } from '../unwind/maps.js';
import { parseMaps } from '../unwind/maps.js';
import { unwindMachineOf, X86_64 } from '../unwind/machines.js';
import type { StackFrame, StackTrace } from '../unwind/unwind.js';
import { OUTERMOST, unwind } from '../unwind/unwind.js';
import type { Command, Options } from './command.js';
import { openHostFile } from './file-source.js';
import type { Crash } from './input.js';
import { chooseCrash, onlyOperand } from './input.js';
import type { CliIo } from './io.js';
import { InputError } from './io.js';
import { hex, printJson } from './json.js';
import { countOption } from './number.js';
import { pad, printable, Terminal } from './terminal.js';

const DEFAULT_LIMIT = 256;
const DEBUG_DIR = '/usr/lib/debug';

/** A stack trace with its names. */
interface NamedTrace {
  readonly tid: number;
  readonly frames: readonly (StackFrame & { name: string | null; path: string })[];
  readonly end: string;
}

/**
 * `procmem bt [CORE]`: the stack trace of every thread.
 *
 * @returns 0, or 1 when a thread has no frame
 * @throws {InputError} the core is none, or has no such thread
 */
export const bt: Command = async (operands, io, options) => {
  const crash = await chooseCrash(onlyOperand(operands, 'bt'), options);
  const limit = countOption(options, 'limit', DEFAULT_LIMIT);
  const tracer = new Tracer(crash, options);
  const traces = chooseThreads(crash, options).map((thread) => tracer.trace(thread, limit));
  if (options.flag('json')) printTracesAsJson(io, crash, traces);
  else printTraces(new Terminal(io), crash, traces, options.flag('module'));
  return traces.every(({ frames }) => frames.length > 0) ? 0 : 1;
};

function chooseThreads({ core, label }: Crash, options: Options): readonly CoreThread[] {
  const tid = options.text('thread');
  if (tid === null) return core.threads;
  const threads = core.threads.filter((thread) => String(thread.tid) === tid);
  if (threads.length > 0) return threads;
  const known = core.threads.slice(0, 8).map((thread) => thread.tid);
  throw new InputError(`${label}: no thread ${tid}; there are ${known.join(', ')}`);
}

class Tracer {
  readonly #read: (addr: number, length: number) => Uint8Array | null;
  readonly #maps: readonly MapsLine[];
  readonly #crash: Crash;
  readonly #names: FunctionNames;
  readonly #mangled: boolean;

  constructor(crash: Crash, options: Options) {
    const { core, open } = crash;
    const memory = new CoreMemory(core, open);
    const debugDir = options.text('debug-dir') ?? `${options.text('sysroot') ?? ''}${DEBUG_DIR}`;
    this.#crash = crash;
    this.#read = (addr, length) => memory.read(addr, length);
    this.#maps = parseMaps(memory.maps);
    this.#mangled = options.flag('mangled');
    this.#names = new FunctionNames({
      read: this.#read,
      maps: this.#maps,
      open,
      openDebug: (path) => openHostFile(`${debugDir}/${path}`),
    });
  }

  trace({ tid, regs }: CoreThread, limit: number): NamedTrace {
    const machine = unwindMachineOf(regs.length) ?? X86_64;
    const source = { read: this.#read, maps: this.#maps, open: this.#crash.open, machine };
    const { frames, end }: StackTrace = unwind(machine.registers(regs), source, limit);
    const named = frames.map((frame) => {
      const at = frame.exact || frame.pc === 0n ? frame.pc : frame.pc - 1n;
      return { ...frame, name: this.#nameAt(at), path: this.#names.pathOf(at) };
    });
    return { tid, frames: named, end };
  }

  #nameAt(pc: bigint): string | null {
    const name = this.#names.nameOf(pc);
    return name === null || this.#mangled ? name : demangle(name);
  }
}

function printTraces(
  terminal: Terminal,
  { core }: Crash,
  traces: readonly NamedTrace[],
  modules: boolean,
): void {
  terminal.line(`PID ${core.process.pid} - ${printable(core.process.comm)}`);
  for (const { tid, frames, end } of traces) {
    terminal.line(terminal.paint('bold', `TID ${tid}:`));
    for (const [i, { pc, name, path }] of frames.entries()) {
      const text = name === null ? '' : ` ${terminal.paint('green', printable(name))}`;
      const file = modules && path !== '' ? terminal.paint('dim', ` - ${printable(path)}`) : '';
      const address = terminal.paint('dim', `0x${pc.toString(16).padStart(16, '0')}`);
      terminal.line(`${pad(`#${i}`, 3)} ${address}${text}${file}`);
    }
    if (!end.startsWith(OUTERMOST)) terminal.line(terminal.paint('dim', `the trace ends: ${end}`));
  }
}

function printTracesAsJson(io: CliIo, { core }: Crash, traces: readonly NamedTrace[]): void {
  printJson(io, {
    pid: core.process.pid,
    comm: core.process.comm,
    threads: traces.map(({ tid, frames, end }) => ({
      tid,
      end,
      frames: frames.map(({ pc, sp, by, name, path, exact }) => ({
        pc: hex(pc),
        sp: hex(sp),
        function: name,
        file: path === '' ? null : path,
        by,
        exact,
      })),
    })),
  });
}
