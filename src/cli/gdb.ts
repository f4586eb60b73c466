import { MachineTarget } from '../api/machine-target.js';
import { GdbSession } from '../gdb/session.js';
import type { Command, Options } from './command.js';
import { type ClientEvent, listenForGdb } from './gdb-server.js';
import { chooseCrash, type Loaded, loadCrash, onlyOperand } from './input.js';
import { type CliIo, InputError, UsageError } from './io.js';
import { printJsonLine } from './json.js';
import { printable } from './terminal.js';

/** gdb's manual uses this port; nobody else can reach it here. */
const DEFAULT_LISTEN = '127.0.0.1:1234';
const LOOPBACK = /^(?:127(?:\.\d{1,3}){3}|::1|localhost)$/;

type Listen = { readonly host: string; readonly port: number };

/**
 * `procmem gdb [CORE] [--listen HOST:PORT | --stdio]`: serves the process of a core or snapshot, or of the
 * example crash, to gdb and lldb until it is interrupted, or on standard input and output until they end.
 *
 * @throws {UsageError} the command line makes no sense
 * @throws {InputError} the core cannot be read, or the host cannot listen there
 */
export const gdb: Command = async (operands, io, options) => {
  const listen = listenOption(options);
  const loaded = await loadCrash(await chooseCrash(onlyOperand(operands, 'gdb'), options));
  if (listen === 'stdio') await serveStdio(loaded);
  else await serve(loaded, listen, io, options.flag('json'));
  return 0;
};

function listenOption(options: Options): Listen | 'stdio' {
  const listen = options.text('listen');
  if (!options.flag('stdio')) return parseAddress(listen ?? DEFAULT_LISTEN);
  if (listen !== null) throw new UsageError('--listen and --stdio exclude each other');
  if (options.flag('json')) throw new UsageError('--json and --stdio exclude each other');
  return 'stdio';
}

function parseAddress(text: string): { host: string; port: number } {
  const match = /^(?:\[([^\]]+)\]|([^:]*)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (match === null || port > 0xffff) {
    throw new UsageError(`--listen ${JSON.stringify(text)} is not HOST:PORT`);
  }
  return { host: match[1] ?? (match[2] || '127.0.0.1'), port };
}

async function serve(loaded: Loaded, listen: Listen, io: CliIo, json: boolean): Promise<void> {
  const onClient = (event: ClientEvent): void => io.err(`procmem: ${describeEvent(event)}\n`);
  const request = { ...listen, loaded: loaded.process, onClient };
  const server = await listenForGdb(loaded.machine, request).catch((error) => {
    throw new InputError(`cannot listen on ${listen.host}:${listen.port}: ${String(error.code)}`);
  });
  const { pid, comm } = loaded.task;
  const isLocal = LOOPBACK.test(listen.host);
  const who = isLocal
    ? 'this host alone'
    : 'everyone who reaches this port: they may read and change the process and the machine’s files';
  const { address } = server;
  if (json) printJsonLine(io, { address, pid, comm, loopbackOnly: isLocal });
  else {
    io.out(`${printable(comm)}, process ${pid}, on ${address} for ${who}\n`);
    io.out(`gdb:  target remote ${address}\nlldb: gdb-remote ${address}\n`);
  }
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
function serveStdio({ machine, process: loaded }: Loaded): Promise<void> {
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
