import { parseArgs } from 'node:util';

import type { LoadedProcess } from '../api/load-core.js';
import { MachineTarget } from '../api/machine-target.js';
import { GdbSession } from '../gdb/session.js';
import { Machine } from '../machine.js';
import { type ClientEvent, listenForGdb } from './gdb-server.js';
import { exampleCrash, hostCrash, loadInto } from './input.js';
import { type CliIo, InputError, UsageError } from './io.js';
import { printable } from './terminal.js';

/** gdb's manual uses this port; nobody else can reach it here. */
const DEFAULT_LISTEN = '127.0.0.1:1234';
const LOOPBACK = /^(?:127(?:\.\d{1,3}){3}|::1|localhost)$/;

/** What a command line asks for. */
interface Request {
  readonly core: string | undefined;
  readonly listen: { readonly host: string; readonly port: number } | 'stdio';
}

/**
 * `procmem gdb [CORE] [--listen HOST:PORT | --stdio]`: serves the process of a core, or of the example
 * crash, to gdb and lldb until it is interrupted, or on standard input and output until they end.
 *
 * @throws {UsageError} the command line makes no sense
 * @throws {InputError} the core cannot be read, or the host cannot listen there
 */
export async function gdb(args: string[], io: CliIo): Promise<number> {
  const { core, listen } = parseRequest(args);
  const machine = await Machine.create();
  const loaded = loadInto(machine, core === undefined ? exampleCrash() : hostCrash(core));
  if (listen === 'stdio') await serveStdio(machine, loaded);
  else await serve(machine, loaded, { listen, io });
  return 0;
}

function parseRequest(args: string[]): Request {
  const { values, positionals } = readOptions(args);
  const { listen, stdio = false } = values;
  if (positionals.length > 1) throw new UsageError('gdb takes at most one core file');
  if (stdio && listen !== undefined)
    throw new UsageError('--listen and --stdio exclude each other');
  const where = stdio ? 'stdio' : parseAddress(listen ?? DEFAULT_LISTEN);
  return { core: positionals[0], listen: where };
}

function readOptions(args: string[]) {
  const options = { listen: { type: 'string' }, stdio: { type: 'boolean' } } as const;
  try {
    return parseArgs({ args, options, allowPositionals: true });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function parseAddress(text: string): { host: string; port: number } {
  const match = /^(?:\[([^\]]+)\]|([^:]*)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (match === null || port > 0xffff) {
    throw new UsageError(`--listen ${JSON.stringify(text)} is not HOST:PORT`);
  }
  return { host: match[1] ?? (match[2] || '127.0.0.1'), port };
}

async function serve(
  machine: Machine,
  loaded: LoadedProcess,
  { listen, io }: { listen: { host: string; port: number }; io: CliIo },
): Promise<void> {
  const onClient = (event: ClientEvent): void => io.err(`procmem: ${describeEvent(event)}\n`);
  const server = await listenForGdb(machine, { ...listen, loaded, onClient }).catch((error) => {
    throw new InputError(`cannot listen on ${listen.host}:${listen.port}: ${String(error.code)}`);
  });
  const [{ pid, comm } = { pid: 0, comm: '' }] = loaded.threads;
  const who = LOOPBACK.test(listen.host)
    ? 'this host alone'
    : 'everyone who reaches this port: they may read and change the process and the machine’s files';
  io.out(`${printable(comm)}, process ${pid}, on ${server.address} for ${who}\n`);
  io.out(`gdb:  target remote ${server.address}\nlldb: gdb-remote ${server.address}\n`);
  await interrupted();
  await server.close();
}

function describeEvent(event: ClientEvent): string {
  const why = event.kind === 'dropped' ? `: ${printable(event.why)}` : '';
  return `${event.client} ${event.kind}${why}`;
}

/** Until the user has had enough. */
function interrupted(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
  });
}

/** One client on standard input and output: `target remote | procmem gdb --stdio CORE`. */
function serveStdio(machine: Machine, loaded: LoadedProcess): Promise<void> {
  const { stdin, stdout } = process;
  // gdb interrupts the target with a byte of the protocol; a terminal's ^C is not for this program.
  process.on('SIGINT', () => {});
  return new Promise((resolve) => {
    const target = new MachineTarget(machine.spawn({ comm: 'gdbserver' }), { loaded });
    const session = new GdbSession(target, {
      send: (bytes) => void stdout.write(bytes),
      close: () => stdin.destroy(),
    });
    stdin.on('data', (bytes: Buffer) => session.receive(bytes));
    stdin.on('close', () => {
      session.close();
      resolve();
    });
  });
}
