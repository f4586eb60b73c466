// A process of this computer, copied while it waits, against the core that the kernel writes of it then.
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { suite } from 'uvu';

import { MADV_DONTNEED } from '../../assembly/abi/mman.js';
import { FileSource, openHostFile } from '../../src/cli/file-source.js';
import { type Core, readCore } from '../../src/elf/core.js';
import { readHeader } from '../../src/elf/header.js';
import { readSegments } from '../../src/elf/segments.js';
import { BytesSource, type ByteSource } from '../../src/elf/source.js';
import { LinuxError, Machine, type Task } from '../../src/index.js';
import {
  begunBytes,
  CopyPlan,
  jobCount,
  type SharedPlan,
  stopJobs,
} from '../../src/live/copy-plan.js';
import { type CopyBuffer, copyBuffer, CopyWork } from '../../src/live/copy-work.js';
import { ProcessCopy } from '../../src/live/host-copy.js';
import { hostCore } from '../../src/live/host-core.js';
import { HostPageReader, type HostRange } from '../../src/live/host-pages.js';
import { HostProcess, type HostThread } from '../../src/live/host-process.js';
import { stopProcess } from '../../src/live/stop.js';
import { checksum } from '../../src/mm/checksum.js';
import { asLine, FILE_ARGUMENTS, FILES, type AreaOp } from '../elf/areas-program.js';
import { CrashDirectory, whyNoKernelCore } from '../elf/crash.js';
import { everyKind } from '../elf/every-kind.js';

const test = suite('live/host-process');
const reason = whyNoKernelCore();
if (reason !== null) console.log(`SKIPPED live/host-process: ${reason}`);
const directory = reason === null ? new CrashDirectory() : null;
test.after(() => directory?.remove());
const hostTest = (name: string, run: () => Promise<void>): void => {
  if (reason === null) test(name, run);
};

/** smaps does not say of memory that was given back that it once was there. */
const withoutReturned = (ops: readonly AreaOp[]): AreaOp[] =>
  ops.filter((op) => op.op !== 'a' || op.value !== MADV_DONTNEED);

/** The program, waiting after it did what `ops` say. */
async function waiting(filter: number): Promise<ChildProcess> {
  if (directory === null) throw new Error(String(reason));
  const program = directory.build('areas', ['-pthread']);
  for (const file of FILES) directory.write(file);
  const command = ['-c', 'ulimit -c unlimited && exec "$@"', 'sh', program];
  const args = [...command, `0x${filter.toString(16)}`, '2', ...FILE_ARGUMENTS];
  const env = { ...process.env, AREAS_WAIT: '1', GREETING: 'grüß dich' };
  const child = spawn('sh', args, { cwd: directory.path, env, stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdin?.end(withoutReturned(everyKind()).map(asLine).join(''));
  await once(child.stdout as NodeJS.ReadableStream, 'data');
  return child;
}

/**
 * The core that the kernel writes of a process that is sent a SIGSEGV. One that is stopped is let go after
 * that: it does not run in between, when the kernel would store the number of its CPU.
 */
async function kernelCore(child: ChildProcess, resume = (): void => {}): Promise<FileSource> {
  const ended = once(child, 'exit');
  child.kill('SIGSEGV');
  resume();
  await ended;
  const [core] = directory?.cores() ?? [];
  return new FileSource(join(directory?.path ?? '', core ?? 'no core'));
}

function segments(source: ByteSource): string[] {
  const loads = readSegments(source, readHeader(source)).slice(1);
  return loads.map(({ vaddr, memsz, filesz, flags }) =>
    [vaddr, memsz, filesz, flags].map((n) => n.toString(16)).join(' '),
  );
}

for (const filter of [0x33, 0x7f, 0x10, 0x0e]) {
  hostTest(`a dump of filter 0x${filter.toString(16)} is what the kernel dumps`, async () => {
    const child = await waiting(filter);
    const target = new HostProcess(child.pid ?? 0);
    const resume = stopProcess(target);
    assert.ok(target.states().every((state) => state === 'T'));
    const description = target.describe();
    const { file } = hostCore(target, description);
    const ours = new BytesSource('ours', file.toBytes());
    target.close();
    const kernel = await kernelCore(child, resume);
    assert.equal(segments(ours), segments(kernel));
    const [a, b] = [readCore(ours), readCore(kernel)];
    assert.equal(a.process, b.process);
    assert.equal(a.auxv, b.auxv);
    const tids = (core: Core): number[] => core.threads.map(({ tid }) => tid).sort();
    assert.equal(tids(a), tids(b));
    for (const [i, mapping] of b.mappings.entries()) {
      assert.equal(a.mappings[i]?.file, mapping.file);
      const theirs = kernel.read(mapping.offset, mapping.dumped);
      const own = ours.read(a.mappings[i]?.offset ?? 0, mapping.dumped);
      assert.is(
        own.findIndex((byte, at) => byte !== theirs[at]),
        -1,
        mapping.start.toString(16),
      );
    }
  });
}

const hashOf = (bytes: Uint8Array): string => createHash('md5').update(bytes).digest('hex');

/** Memory is copied as the plan says, by as many threads as there are buffers, one job of each in turn. */
function copyAll(
  target: HostProcess,
  plan: CopyPlan,
  buffers: readonly CopyBuffer[],
): { bytes: Uint8Array; lost: HostRange[]; shared: SharedPlan } {
  const bytes = new Uint8Array(plan.bytes);
  const shared = plan.share();
  const put = (part: Uint8Array, offset: number): void => bytes.set(part, offset);
  const works = buffers.map((buffer) => new CopyWork(shared, target.memory, buffer, put));
  let left = [...works];
  while (left.length > 0) left = left.filter((work) => work.next());
  return { bytes, lost: works.flatMap(({ lost }) => lost), shared };
}

/** Copies a process and loads the copy. */
async function copied(target: HostProcess): Promise<Task> {
  const copy = new ProcessCopy(target, target.describe());
  const buffer = await copyBuffer(2 ** 16, false);
  const { bytes, lost } = copyAll(target, copy.plan(2 ** 16, 0), [buffer]);
  const source: ByteSource = {
    name: 'store',
    size: Number.MAX_SAFE_INTEGER,
    read: (offset, length) => bytes.subarray(offset, offset + length),
  };
  const { core, areas } = copy.process(source, lost);
  const [task] = (await Machine.create()).loadCore(core, { areas }).threads as [Task];
  return task;
}

hostTest('jobs of any size have the bytes that one read after the other has', async () => {
  const child = await waiting(0x7f);
  const target = new HostProcess(child.pid ?? 0);
  const resume = stopProcess(target);
  const reader = new HostPageReader(target);
  const ranges = target
    .describe()
    .mappings.flatMap(({ start, end, inode }) => [
      ...reader.ranges(start, end, inode === 0 ? 'touched' : 'all'),
    ]);
  const expected = new Map<number, string>();
  for (const { start, end } of ranges) {
    for (const { addr, bytes } of reader.read(start, end, 'all')) {
      for (let at = 0; at < bytes.length; at += 4096) {
        expected.set(addr + at, hashOf(bytes.subarray(at, at + 4096)));
      }
    }
  }
  assert.ok(expected.size > 100 && reader.unreadable > 0);
  const zeros = hashOf(new Uint8Array(4096));
  const { core } = (await Machine.create()).kernel;
  for (const [size, threads] of [
    [4096, 1],
    [3 * 4096, 2],
    [2 ** 20, 1],
    [2 ** 20, 3],
  ] as const) {
    const plan = new CopyPlan(size);
    const places = new Map<number, number>();
    for (const { start, end } of ranges) {
      for (let at = start; at < end; at += 4096) places.set(at, plan.bytes + at - start);
      plan.add(start, end - start, plan.bytes);
    }
    const buffers: CopyBuffer[] = [];
    while (buffers.length < threads) buffers.push(await copyBuffer(size, true));
    // What was in the buffer before is not where a page cannot be read.
    for (const { bytes } of buffers) bytes.fill(255);
    const { bytes, lost, shared } = copyAll(target, plan, buffers);
    const gone = new Set<number>();
    for (const { start, end } of lost) for (let at = start; at < end; at += 4096) gone.add(at);
    assert.is(gone.size, reader.unreadable, `${size} bytes, ${threads} threads`);
    for (const [addr, at] of places) {
      const page = hashOf(bytes.subarray(at, at + 4096));
      assert.is(page, expected.get(addr) ?? zeros, addr.toString(16));
      assert.is(expected.has(addr), !gone.has(addr));
    }
    assert.is(shared.checksums.length, Math.ceil(plan.bytes / size));
    shared.checksums.forEach((sum, i) => {
      assert.is(sum, checksum(core, bytes.subarray(i * size, (i + 1) * size)), `job ${i}`);
    });
  }
  resume();
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
  const plan = new CopyPlan(4096);
  plan.add(ranges[0]?.start ?? 0, 4096, 0);
  const buffer = await copyBuffer(4096, false);
  assert.throws(() => copyAll(target, plan, [buffer]), /the process has ended$/);
  target.close();
});

test('a plan has its jobs where their bytes are full, and none when it has no bytes', () => {
  assert.is(jobCount(new CopyPlan(4096).share()), 0);
  const plan = new CopyPlan(0x4000);
  plan.add(0x10000, 0x1000, 0x500000);
  plan.add(0x20000, 0x8000, 0x100000);
  plan.add(0x7fffffffe000, 0x1000, 2 ** 40);
  const shared = plan.share();
  assert.is(plan.bytes, 0xa000);
  assert.equal([...shared.firsts], [0, 2, 3, 5]);
  assert.equal(
    [...shared.pieces],
    [
      ...[0x10000, 0x1000, 0x500000],
      ...[0x20000, 0x3000, 0x100000],
      ...[0x23000, 0x4000, 0x103000],
      ...[0x27000, 0x1000, 0x107000],
      ...[0x7fffffffe000, 0x1000, 2 ** 40],
    ],
  );
  assert.is(begunBytes(shared), 0);
  Atomics.add(shared.next, 0, 2);
  assert.is(begunBytes(shared), 0x8000);
  stopJobs(shared);
  assert.is(shared.next[0], 3);
});

/** Lines of maps without what a copy does not have: device and inode, and that it was shared. */
const shown = (maps: string): string[] =>
  maps
    .trimEnd()
    .split('\n')
    .map((line) => line.replace(/^(\S+ ...)[sp] (\S+) \S+ \d+ */, '$1 $2 '));

hostTest('a copy that is loaded has the mappings, the memory and the arguments', async () => {
  const child = await waiting(0x7f);
  const pid = child.pid ?? 0;
  const target = new HostProcess(pid);
  const resume = stopProcess(target);
  const maps = readFileSync(`/proc/${pid}/maps`, 'latin1');
  const task = await copied(target);
  for (const name of ['cmdline', 'environ', 'auxv', 'comm']) {
    assert.equal(
      task.readFile(`/proc/self/${name}`),
      new Uint8Array(readFileSync(`/proc/${pid}/${name}`)),
    );
  }
  target.close();
  const kernel = await kernelCore(child, resume);
  const mem = task.open('/proc/self/mem');
  assert.equal(shown(task.readText('/proc/self/maps')), shown(maps));
  for (const { start, file, dumped, offset } of readCore(kernel).mappings) {
    const theirs = kernel.read(offset, dumped);
    for (let at = 0; at < dumped; at += 4096) {
      const page = new Uint8Array(4096);
      try {
        mem.pread(page, start + at);
      } catch (error) {
        // Pages of files that nobody had touched, and those that nobody can read.
        if (!(error instanceof LinuxError) || (file === null && theirs[at] !== 0)) throw error;
        continue;
      }
      assert.is(
        page.findIndex((byte, i) => byte !== theirs[at + i]),
        -1,
        `${(start + at).toString(16)} ${file?.path} ${dumped}`,
      );
    }
  }
});

hostTest('a thread that waits in a call is found there', async () => {
  const child = await waiting(0x33);
  const target = new HostProcess(child.pid ?? 0);
  const waits = ({ regs }: HostThread): boolean =>
    regs !== null && new DataView(regs.buffer).getBigUint64(15 * 8, true) === 34n; // pause()
  let { threads } = target.describe();
  for (let i = 0; i < 200 && !threads.every(waits); i++) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    ({ threads } = target.describe());
  }
  assert.ok(threads.every(waits));
  const kernel = await kernelCore(child);
  target.close();
  readCore(kernel).threads.forEach((thread, i) => {
    const ours = threads.find(({ tid }) => tid === thread.tid)?.regs;
    if (ours === undefined || ours === null) return assert.unreachable();
    const word = (regs: Uint8Array, at: number) =>
      new DataView(regs.buffer, regs.byteOffset).getBigUint64(at, true);
    for (const at of [16 * 8, 19 * 8])
      assert.is(word(ours, at), word(thread.regs, at), `thread ${i}`);
  });
});

const gcore = spawnSync('gcore', ['--help']).status === null ? 'no gcore' : null;
if (gcore !== null) console.log(`SKIPPED live/host-process: the core of gcore: ${gcore}`);
else {
  hostTest('a core of gcore is loaded with all that it has, as the kernel’s', async () => {
    const child = await waiting(0x33);
    const path = join(directory?.path ?? '', 'gcore');
    execFileSync('gcore', ['-o', path, String(child.pid)], { stdio: 'ignore' });
    const core = readCore(new FileSource(`${path}.${child.pid}`));
    const [task] = (await Machine.create()).loadCore(core, { open: openHostFile }).threads as [
      Task,
    ];
    const kernel = await kernelCore(child);
    const expected = readCore(kernel);
    assert.is(core.process.pid, expected.process.pid);
    assert.is(core.threads.length, expected.threads.length);
    const mem = task.open('/proc/self/mem');
    const last = everyKind().at(-1);
    const guard = last?.op === 'a' ? last.addr : 0;
    let compared = 0;
    for (const { start, end, perms, dumped, offset } of expected.mappings) {
      if (perms !== 'rw-' || dumped === 0 || start >= 0x20000000) continue;
      // gdb fills a mapping with zeros that reaches beyond the end of its file, or has a guard.
      if (end - start === 8 * 4096 || (start < guard && guard < end)) continue;
      const theirs = kernel.read(offset, 4096);
      const page = new Uint8Array(4096);
      assert.is(mem.pread(page, start), 4096);
      assert.is(
        page.findIndex((byte, at) => byte !== theirs[at]),
        -1,
        start.toString(16),
      );
      compared += 1;
    }
    assert.ok(compared > 10, `${compared} mappings compared`);
  });
}

hostTest('a process that was stopped before stays so, another runs again', async () => {
  const child = await waiting(0x33);
  const target = new HostProcess(child.pid ?? 0);
  const first = stopProcess(target);
  stopProcess(target)();
  assert.ok(target.states().every((state) => state === 'T'));
  first();
  for (let i = 0; i < 100 && target.states().includes('T'); i++)
    await new Promise((r) => setTimeout(r, 5));
  assert.not.ok(target.states().includes('T'));
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
  assert.throws(() => target.memory.read(0x10000000, new Uint8Array(8)), /the process has ended$/);
  target.close();
});

if (process.platform === 'linux') {
  test('a process that is not there is refused by name', () => {
    assert.throws(
      () => new HostProcess(4194305),
      /^\/proc\/4194305\/mem: offset 0x0: no such process$/,
    );
  });
}

test.run();
