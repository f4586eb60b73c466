// How long does a copy of a live process take? Node reads the same memory, and writes as many bytes to the same
// file system: no copy is faster than the slower of the two.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

import type { Case, Setting, Suite } from './bench.js';
import type { Clock } from './clock.js';
import { TIMED_ENV } from './process.js';

const MAIN = fileURLToPath(new URL('../cli/main.cjs', import.meta.url));
const MEBIBYTE = 2 ** 20;
const SHARED_MEMORY = '/dev/shm';

/** Memory without a page of zeros, or two alike. */
const PROGRAM = `
const words = new Uint32Array(Number(process.argv[1]) / 4);
for (let i = 0; i < words.length; i++) words[i] = Math.imul(i + 1, 0x9e3779b1);
console.log('ready');
setInterval(() => {}, 1e6);`;

/** A process that has `size` bytes at `addr`. */
interface Holder {
  readonly child: ChildProcess;
  readonly addr: number;
}

async function hold(size: number): Promise<Holder> {
  const child = spawn(process.execPath, ['-e', PROGRAM, String(size)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout as NodeJS.ReadableStream, 'data');
  const areas = [
    ...readFileSync(`/proc/${child.pid}/smaps`, 'utf8').matchAll(
      /^(\w+)-\w+ rw.p 0{8} .*\n(?:.*\n)*?Rss: +(\d+) kB$/gm,
    ),
  ];
  const found = areas.find(([, , rss]) => Number(rss) * 1024 >= size);
  if (found === undefined) throw new Error('the process has no such memory');
  return { child, addr: parseInt(found[1] as string, 16) };
}

/** One run, timed; `path` is removed before it and after it. */
function timed(run: () => void, path?: string): Clock {
  const clear = (): void => void (path !== undefined && rmSync(path, { force: true }));
  return () => {
    clear();
    const started = performance.now();
    run();
    const ns = (performance.now() - started) * 1e6;
    clear();
    return ns;
  };
}

function readClock({ child, addr }: Holder, size: number): Clock {
  const into = new Uint8Array(MEBIBYTE);
  return timed(() => {
    const fd = openSync(`/proc/${child.pid}/mem`, 'r');
    for (let at = 0; at < size; at += MEBIBYTE) readSync(fd, into, 0, MEBIBYTE, addr + at);
    closeSync(fd);
  });
}

function writeClock(path: string, size: number): Clock {
  const from = new Uint8Array(MEBIBYTE).fill(1);
  return timed(() => {
    const fd = openSync(path, 'w');
    for (let at = 0; at < size; at += MEBIBYTE) writeSync(fd, from, 0, MEBIBYTE, at);
    closeSync(fd);
  }, path);
}

function copyClock(command: string, { child }: Holder, path: string): Clock {
  return timed(() => {
    const args = [MAIN, command, String(child.pid), '-o', path];
    const { status, stderr } = spawnSync(process.execPath, args, {
      encoding: 'utf8',
      env: TIMED_ENV,
    });
    if (status !== 0) throw new Error(`procmem ${command}: ${stderr}`);
  }, path);
}

async function* copyCases(command: string, { quick }: Setting): AsyncGenerator<Case> {
  const name = `${command}-live/${quick ? '64M' : '1G'}`;
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    console.log(`SKIPPED ${name}: no processes of x86-64 Linux`);
    return;
  }
  const size = (quick ? 64 : 1024) * MEBIBYTE;
  const scratch = existsSync(SHARED_MEMORY) ? SHARED_MEMORY : tmpdir();
  const dir = mkdtempSync(join(scratch, 'procmem-bench-'));
  const holder = await hold(size);
  try {
    const [path, plain] = [join(dir, 'copy'), join(dir, 'plain')];
    const node = timed(() => void spawnSync(process.execPath, ['-e', '0'], { env: TIMED_ENV }));
    const baselines = { read: readClock(holder, size), write: writeClock(plain, size), node };
    yield { name, bytes: size, clock: copyClock(command, holder, path), baselines };
  } finally {
    holder.child.kill('SIGKILL');
    rmSync(dir, { recursive: true });
  }
}

const suiteOf = (command: string): Suite => ({
  name: `${command}-live`,
  title:
    `procmem ${command} of a process into shared memory, with the start of Node (read: Node reads its memory; ` +
    'write: Node writes such a file)',
  cases: (setting) => copyCases(command, setting),
});

/** Copies of live processes. */
export const liveSuites: readonly Suite[] = ['dump', 'snapshot'].map(suiteOf);
