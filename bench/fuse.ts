// How fast is mem through a mount? A process of its own reads the same bytes of a machine's process
// over FUSE and of a real one through the kernel's /proc. Needs root and /dev/fuse:
// `node dist/bench/fuse.js [SECONDS]`.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, openSync, readSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';

import { describeHostThread, mountFuse, serveFuse, unmountFuse } from '../src/fuse/mount.js';
import { FuseServer } from '../src/fuse/server.js';
import { Machine } from '../src/machine.js';

const FILE = fileURLToPath(import.meta.url);
const LENGTH = 32 << 20;
const SIZES = [64, 4096, 65536, 131072, 1 << 20];

/** Bytes and reads a second, of `size` bytes each, over and over a range of an open file. */
function measure(path: string, start: number, size: number, seconds: number): [number, number] {
  const fd = openSync(path, 'r');
  const buffer = new Uint8Array(size);
  const end = performance.now() + seconds * 1000;
  const began = performance.now();
  let reads = 0;
  for (let at = 0; performance.now() < end; at = (at + size) % (LENGTH - size + 1)) {
    if (readSync(fd, buffer, 0, size, start + at) !== size)
      throw new Error(`${path}: a short read`);
    reads += 1;
  }
  const rate = (reads / (performance.now() - began)) * 1000;
  return [rate * size, rate];
}

/** The machine and its server: in a worker, which blocks in the device. */
async function serve(): Promise<void> {
  const machine = await Machine.create();
  const target = machine.spawn();
  const addr = target.mmap({ length: LENGTH });
  target.store(addr, new Uint8Array(LENGTH).fill(1));
  const server = new FuseServer(machine.vfs, { describe: describeHostThread });
  parentPort!.once('message', (fd: number) => serveFuse(fd, server));
  parentPort!.postMessage({ pid: target.pid, addr: Number(addr) });
}

/** Where the kernel has as many bytes of this process as the machine has of its own. */
function ownMapping(): number {
  const maps = spawnSync('cat', [`/proc/${process.pid}/maps`], { encoding: 'utf8' }).stdout;
  for (const line of maps.split('\n')) {
    const [, start = '', end = '', perms] = /^(\w+)-(\w+) (\S+)/.exec(line) ?? [];
    const size = parseInt(end, 16) - parseInt(start, 16);
    if (perms === 'rw-p' && size >= LENGTH && size < 2 * LENGTH) return parseInt(start, 16);
  }
  throw new Error('this process has no mapping of that size');
}

async function compare(seconds: number): Promise<void> {
  const worker = new Worker(FILE);
  const [{ pid, addr }] = (await once(worker, 'message')) as [{ pid: number; addr: number }];
  const directory = mkdtempSync(join(tmpdir(), 'procmem-bench-'));
  const mounted = mountFuse(directory);
  worker.postMessage(mounted.fd);
  const block = new Uint8Array(LENGTH + 4096).fill(1);
  const row = (name: string, path: string, start: number): void => {
    for (const size of SIZES) {
      const args = [FILE, '--read', path, String(start), String(size), String(seconds)];
      const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
      if (stdout === '') throw new Error(stderr);
      console.log(`${name.padEnd(12)} ${stdout.trim()}`);
    }
  };
  row('over FUSE', join(directory, String(pid), 'mem'), addr);
  row("kernel's own", `/proc/${process.pid}/mem`, ownMapping());
  // It is read from outside only: here it must seem to be of use to the end.
  if (block[0] !== 1) throw new Error('the block is gone');
  unmountFuse(mounted);
  rmdirSync(directory);
}

const [mode, path = '', start, size, seconds] = process.argv.slice(2);
if (!isMainThread) await serve();
else if (mode !== '--read') await compare(Number(mode ?? 1));
else {
  const [bytes, reads] = measure(path, Number(start), Number(size), Number(seconds));
  const [mbs, rate] = [(bytes / 1e6).toFixed(0), reads.toFixed(0)];
  console.log(
    `${String(size).padStart(8)} B  ${mbs.padStart(6)} MB/s  ${rate.padStart(7)} reads/s`,
  );
}
