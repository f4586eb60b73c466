// A process that crashed here, in a machine that real debuggers look at over a socket.
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { openHostFile, openInput } from '../../src/cli/file-source.js';
import { GdbSession } from '../../src/gdb/session.js';
import {
  type LoadedProcess,
  Machine,
  MachineTarget,
  readCore,
  type Task,
} from '../../src/index.js';

const SOURCE = fileURLToPath(new URL('../../../test/gdb/programs/debuggee.c', import.meta.url));

/** Why real debuggers cannot be had here; null when they can. */
export function obstacle(): string | null {
  if (process.platform !== 'linux' || process.arch !== 'x64') return 'not x86-64 Linux';
  const tools = [
    ['gcc', '--version'],
    ['gdb', '--version'],
    ['lldb', '--version'],
    ['eu-stack', '--version'],
  ];
  for (const [tool = '', option = ''] of tools) {
    if (spawnSync(tool, [option]).status !== 0) return `${tool} is not installed`;
  }
  const pattern = readFileSync('/proc/sys/kernel/core_pattern', 'utf8').trim();
  return pattern === 'core' ? null : `cores go to ${JSON.stringify(pattern)}`;
}

/** A directory with the program and the core that it left. */
export class Crash {
  readonly directory = mkdtempSync(join(tmpdir(), 'procmem-gdb-'));
  readonly program = join(this.directory, 'debuggee');
  readonly core: string;

  constructor() {
    const built = spawnSync('gcc', ['-g', '-O0', '-pthread', SOURCE, '-o', this.program]);
    if (built.status !== 0) throw new Error(String(built.stderr));
    spawnSync('sh', ['-c', 'ulimit -c unlimited; exec ./debuggee'], { cwd: this.directory });
    const core = readdirSync(this.directory).find((file) => /^core(\.\d+)?$/.test(file));
    if (core === undefined) throw new Error('the program left no core');
    this.core = join(this.directory, core);
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** A server of one machine with the crashed process in it. */
export class Served {
  readonly machine: Machine;
  readonly loaded: LoadedProcess;
  readonly task: Task;
  address = '';
  readonly #server: Server;

  private constructor(machine: Machine, loaded: LoadedProcess, make: MakeTarget) {
    this.machine = machine;
    this.loaded = loaded;
    this.task = loaded.threads[0] as Task;
    this.#server = createServer((socket) => {
      const target = make(machine.spawn({ comm: 'gdbserver' }), loaded);
      const session = new GdbSession(target, {
        send: (bytes) => void socket.write(bytes),
        close: () => void socket.end(),
      });
      socket.setNoDelay(true);
      socket.on('data', (bytes) => session.receive(bytes));
      socket.on('error', () => {});
      socket.on('close', () => {
        session.close();
        target.close();
      });
    });
  }

  static async start(crash: Crash, make: MakeTarget = plainTarget): Promise<Served> {
    const machine = await Machine.create();
    const loaded = machine.loadCore(readCore(openInput(crash.core)), { open: openHostFile });
    const served = new Served(machine, loaded, make);
    await new Promise<void>((resolve) => served.#server.listen(0, '127.0.0.1', resolve));
    const address = served.#server.address();
    // A test that fails before it closes the server must not wait for it.
    served.#server.unref();
    served.address = `127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
    return served;
  }

  close(): Promise<void> {
    return new Promise((resolve) => void this.#server.close(() => resolve()));
  }
}

type MakeTarget = (task: Task, loaded: LoadedProcess) => MachineTarget;
const plainTarget: MakeTarget = (task, loaded) => new MachineTarget(task, { loaded });

/** A debugger that runs; what it prints is on its way. */
export class Debugger {
  readonly pid: number;
  output = '';
  /** All it printed, once it has ended. */
  readonly ended: Promise<string>;

  constructor(command: string, args: readonly string[]) {
    // One pipe for both of its streams: what it complains of stands behind the command it is about.
    const child = spawn('sh', ['-c', 'exec "$@" 2>&1', 'sh', command, ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, DEBUGINFOD_URLS: '' },
    });
    this.pid = child.pid ?? 0;
    child.stdout.setEncoding('utf8').on('data', (text: string) => (this.output += text));
    const alarm = setTimeout(() => child.kill('SIGKILL'), 60_000);
    this.ended = new Promise((resolve) => {
      child.on('close', () => {
        clearTimeout(alarm);
        resolve(this.output);
      });
    });
  }

  /** Waits until a condition holds, at most half a minute. */
  static async until(condition: () => boolean): Promise<void> {
    for (let i = 0; i < 1500 && !condition(); i++) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

/** gdb, connected, that does a few things and ends. */
export function gdb(address: string, commands: readonly string[], kind = 'remote'): Debugger {
  const all = ['set width 0', 'set confirm off', `target ${kind} ${address}`, ...commands];
  return new Debugger('gdb', ['-nx', '-batch', ...all.flatMap((command) => ['-ex', command])]);
}

/** lldb, connected, the same. */
export function lldb(program: string, address: string, commands: readonly string[]): Debugger {
  const all = [`target create ${program}`, `gdb-remote ${address}`, ...commands];
  return new Debugger('lldb', ['-x', '-b', ...all.flatMap((command) => ['-o', command])]);
}
