// The real kernel of this machine, where there is one: its own /proc/self/mem, and a C helper for
// what JavaScript cannot call.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
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
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

import { type Clock, clockOf } from './clock.js';
import { findSandbox } from './gvisor.js';

const HELPER_SOURCE = fileURLToPath(new URL('../../bench/kernel.c', import.meta.url));
const MEBIBYTE = 1024 * 1024;

/** Memory of this process, as /proc/self/mem shows it. */
interface Window {
  readonly fd: number;
  /** Below 2^47: a number holds it, and Node's writeSync takes no bigint. */
  readonly address: number;
  /** Kept here so that it is not collected. */
  readonly bytes: Buffer;
}

/** The baselines that ask the kernel; each is null where this machine cannot give it. */
export class Kernel {
  #helperDir: string | null = null;
  #helper: string | null | undefined;
  #sandbox: readonly string[] | null | undefined;
  readonly #children: ChildProcess[] = [];
  #window: Window | null | undefined;

  /** `fs.readSync` of `size` bytes on the real /proc/self/mem. */
  read(size: number): Clock | null {
    const window = this.#openWindow();
    if (window === null) return null;
    const into = Buffer.alloc(size);
    return clockOf(() => void readSync(window.fd, into, 0, size, window.address));
  }

  /** `fs.writeSync` of `size` bytes on the real /proc/self/mem. */
  write(size: number): Clock | null {
    const window = this.#openWindow();
    if (window === null) return null;
    const from = Buffer.alloc(size, 1);
    return clockOf(() => void writeSync(window.fd, from, 0, size, window.address));
  }

  /** A case of bench/kernel.c, in a process of its own. */
  helperCase(name: string, size: number): Clock | null {
    const helper = this.#buildHelper();
    return helper === null ? null : this.#startHelper([helper, name, String(size)]);
  }

  /** A case of bench/kernel.c in a gVisor sandbox. */
  sandboxedCase(name: string, size: number): Clock | null {
    const helper = this.#buildHelper();
    if (helper === null) return null;
    if (this.#sandbox === undefined) this.#sandbox = findSandbox(helper);
    if (this.#sandbox === null) return null;
    return this.#startHelper([...this.#sandbox, helper, name, String(size)]);
  }

  #startHelper([program = '', ...args]: readonly string[]): Clock {
    const child = spawn(program, args);
    // Not inherited: runsc makes the files that it is given its own user's.
    child.stderr.on('data', (text: Buffer) => process.stderr.write(text));
    this.#children.push(child);
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    return async (seconds) => {
      child.stdin.write(`${seconds}\n`);
      const { value, done } = await lines.next();
      if (done === true) throw new Error(`bench/kernel.c: '${args.join(' ')}' ended early`);
      return Number(value);
    };
  }

  /** Ends the helpers of the cases so far: their memory is needed by the next. */
  endHelpers(): void {
    for (const child of this.#children.splice(0)) child.stdin?.end();
  }

  close(): void {
    this.endHelpers();
    if (this.#window) closeSync(this.#window.fd);
    if (this.#helperDir !== null) rmSync(this.#helperDir, { recursive: true, force: true });
  }

  #buildHelper(): string | null {
    if (this.#helper !== undefined) return this.#helper;
    this.#helper = null;
    if (process.platform !== 'linux') return null;
    this.#helperDir = mkdtempSync(join(tmpdir(), 'procmem-bench-'));
    const path = join(this.#helperDir, 'kernel');
    const compiler = spawnSync('cc', ['-O2', '-o', path, HELPER_SOURCE], { encoding: 'utf8' });
    if (compiler.status === 0) this.#helper = path;
    else console.log('no C compiler: the columns that need bench/kernel.c are left out\n');
    return this.#helper;
  }

  /** 64 MiB of our own memory, seen through /proc/self/mem. */
  #openWindow(): Window | null {
    if (this.#window !== undefined) return this.#window;
    this.#window = null;
    if (!existsSync('/proc/self/mem')) return null;
    const bytes = Buffer.alloc(64 * MEBIBYTE, 1);
    const fd = openSync('/proc/self/mem', 'r+');
    const address = findInMemory(fd, bytes);
    if (address === null) closeSync(fd);
    else this.#window = { fd, address: Number(address), bytes };
    return this.#window;
  }
}

/** Where a buffer is: marks both of its ends, and looks for the marks in the whole memory. */
function findInMemory(fd: number, bytes: Buffer): bigint | null {
  const mark = randomBytes(32);
  const last = bytes.length - mark.length;
  bytes.set(mark, 0);
  bytes.set(mark, last);
  const chunk = Buffer.alloc(MEBIBYTE);
  const end = Buffer.alloc(mark.length);
  for (const [start, size] of writableAreas(bytes.length)) {
    for (let offset = 0; offset < size; offset += chunk.length) {
      const at = start + BigInt(offset);
      const filled = readSync(fd, chunk, 0, Math.min(chunk.length, size - offset), at);
      const found = chunk.subarray(0, filled).indexOf(mark);
      if (found < 0) continue;
      const address = at + BigInt(found);
      const whole = size - offset - found >= bytes.length;
      if (whole && readSync(fd, end, 0, end.length, address + BigInt(last)) > 0 && end.equals(mark))
        return address;
    }
  }
  return null;
}

function writableAreas(atLeast: number): [start: bigint, size: number][] {
  return [...readFileSync('/proc/self/maps', 'utf8').matchAll(/^(\w+)-(\w+) rw.p /gm)]
    .map(([, start, end]): [bigint, number] => {
      const first = BigInt(`0x${start}`);
      return [first, Number(BigInt(`0x${end}`) - first)];
    })
    .filter(([, size]) => size >= atLeast);
}
