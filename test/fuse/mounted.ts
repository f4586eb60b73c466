// A mount as a user makes one: the command in a process of its own, over a copy of a real process.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  mkdirSync,
  mkdtempSync,
  openSync,
  closeSync,
  readdirSync,
  readFileSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));
const PROGRAMS = fileURLToPath(new URL('../../../test/fuse/programs/', import.meta.url));
/** Milliseconds that a client may take: one that hangs fails. */
const PATIENCE = 30_000;

export interface Ran {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program; a text of its output, one character a byte. */
export function run(program: string, args: readonly string[], cwd = '/'): Ran {
  const options = { cwd, encoding: 'latin1', timeout: PATIENCE, maxBuffer: 1 << 28 } as const;
  const { status, stdout, stderr, error } = spawnSync(program, [...args], options);
  return { status, stdout: stdout ?? '', stderr: error === undefined ? stderr : String(error) };
}

/** Whether a program is installed. */
export function installed(program: string): boolean {
  return run('sh', ['-c', `command -v ${program}`]).status === 0;
}

/** Why nothing can be mounted here; null when it can. */
export function obstacle(): string | null {
  if (process.platform !== 'linux') return 'not Linux';
  if (process.getuid?.() !== 0) return 'mounting needs root';
  try {
    closeSync(openSync('/dev/fuse', 'r+'));
  } catch (error) {
    return `/dev/fuse: ${(error as NodeJS.ErrnoException).code}`;
  }
  // A container may have the device and not the right to mount.
  const tried = run('unshare', ['-m', 'mount', '-t', 'tmpfs', 'none', '/mnt']);
  return tried.status === 0 ? null : `mount: ${tried.stderr.trim()}`;
}

/** The command while it serves. */
export class Mounted {
  readonly directory: string;
  readonly child: ChildProcess;
  /** What it printed so far. */
  output = '';
  errors = '';
  /** The process that is shown. */
  pid = 0;
  readonly #exit: Promise<number | null>;

  constructor(directory: string, args: readonly string[]) {
    this.directory = directory;
    mkdirSync(directory, { recursive: true });
    this.child = spawn(process.execPath, [MAIN, 'mount', directory, ...args]);
    this.child.stdout?.on('data', (data) => (this.output += String(data)));
    this.child.stderr?.on('data', (data) => (this.errors += String(data)));
    this.#exit = once(this.child, 'close').then(([code]) => code as number | null);
  }

  /** Waits until it says that it is mounted. */
  async ready(): Promise<this> {
    const ended = this.#exit.then(() => {
      throw new Error(`the mount ended: ${this.output}${this.errors}`);
    });
    ended.catch(() => {});
    while (!this.output.includes('\n')) {
      await Promise.race([ended, once(this.child.stdout!, 'data')]);
    }
    this.pid = Number(/process (\d+)/.exec(this.output)?.[1]);
    return this;
  }

  /** A path below /proc of the machine. */
  path(name: string): string {
    return join(this.directory, name);
  }

  get mounted(): boolean {
    return readFileSync('/proc/self/mounts', 'utf8').includes(` ${this.directory} `);
  }

  /** Waits for its end; its exit status, null when a signal ended it. */
  async end(signal?: NodeJS.Signals): Promise<number | null> {
    if (signal !== undefined) this.child.kill(signal);
    const patience = AbortSignal.timeout(PATIENCE);
    const late = once(patience, 'abort').then(() => {
      throw new Error(`the mount does not end: ${this.output}${this.errors}`);
    });
    return Promise.race([this.#exit, late]);
  }

  /** Runs a program for which the mount is /proc, in a mount namespace of its own. */
  over(program: string, args: readonly string[]): Ran {
    const script = 'mount --bind "$1" /proc; shift; exec "$@"';
    const inner = ['sh', '-c', script, 'sh', this.directory, program, ...args];
    return run('unshare', ['-m', '--propagation', 'private', ...inner]);
  }

  /** Whatever happened: nothing of it stays. */
  async remove(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.#exit;
    run('umount', ['-l', this.directory]);
  }
}

/** A directory of a test, with programs built in it and a copy of one of them. */
export class Workshop {
  readonly directory = mkdtempSync(join(tmpdir(), 'procmem-fuse-'));

  path(name: string): string {
    return join(this.directory, name);
  }

  /** Compiles; the complaint of the compiler, or null. */
  build(compiler: string, source: string, output: string, ...flags: string[]): string | null {
    const args = ['-O1', '-g', join(PROGRAMS, source), '-o', this.path(output), ...flags];
    const { status, stderr } = run(compiler, args);
    return status === 0 ? null : stderr;
  }

  /** Starts the target, copies it with gcore and ends it; what it printed, and the kernel's maps. */
  copy(): { core: string; printed: string; maps: string } {
    const script = [
      './target > printed & pid=$!',
      'until grep -q secret printed; do sleep 0.02; done',
      'cp /proc/$pid/maps maps',
      'gcore -o copy $pid > gcore.log 2>&1; kill $pid',
    ].join('\n');
    run('bash', ['-c', script], this.directory);
    const core = readdirSync(this.directory).find((name) => name.startsWith('copy.'));
    if (core === undefined) throw new Error(readFileSync(this.path('gcore.log'), 'utf8'));
    const text = (name: string): string => readFileSync(this.path(name), 'utf8');
    return { core: this.path(core), printed: text('printed'), maps: text('maps') };
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}
