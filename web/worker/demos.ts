import crashCore from '../../examples/crash/core.gz';
import crashProgram from '../../examples/crash/thumbnail.gz';

import {
  BytesSource,
  type Machine,
  MAP_ANONYMOUS,
  MAP_FIXED,
  MAP_NORESERVE,
  MAP_PRIVATE,
  MAP_SHARED,
  type OpenCoreFile,
  PROT_EXEC,
  PROT_NONE,
  PROT_READ,
  PROT_WRITE,
  readCore,
  type Task,
} from '../../src/index.js';
import { gunzip } from './file-source.js';
import { createMachine, type Opened, type SessionInfo } from './session.js';

const PAGE = 4096;
const MIB = 1024 * 1024;
const GIB = 1024 * MIB;
/** Mappings of the crowded process. */
const CROWD = 100_000;

const DEMOS: Readonly<Record<string, () => Promise<Opened>>> = {
  crash: openCrash,
  family: openFamily,
  large: openLarge,
};

/**
 * A machine that comes with the page.
 *
 * @throws {TypeError} there is no demo of that name
 */
export function makeDemo(name: string): Promise<Opened> {
  const make = Object.hasOwn(DEMOS, name) ? DEMOS[name] : undefined;
  if (make === undefined) {
    throw new TypeError(`there is no demo '${name}'; there are ${Object.keys(DEMOS).join(', ')}`);
  }
  return make();
}

/** The files of the crash that comes with the package: its core, and its program by any path. */
export async function crashFiles(): Promise<{ core: Uint8Array; open: OpenCoreFile }> {
  const unpack = (name: string, bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array> =>
    gunzip(name, new Blob([bytes]));
  const program = new BytesSource('thumbnail', await unpack('thumbnail.gz', crashProgram));
  const open: OpenCoreFile = (path) => (path.endsWith('/thumbnail') ? program : null);
  return { core: await unpack('core.gz', crashCore), open };
}

async function openCrash(): Promise<Opened> {
  const { core: bytes, open } = await crashFiles();
  const core = readCore(new BytesSource('core', bytes));
  const machine = await createMachine();
  const process = machine.loadCore(core, { open });
  const firstTask = process.threads[0]?.tid ?? 1;
  const about = 'a program that made thumbnails until a damaged picture ended it (SIGSEGV)';
  const { found, missing } = process;
  const info: SessionInfo = { kind: 'demo', label: 'A crash', firstTask, found, missing, about };
  return { info, machine, core, process, open };
}

function opened(machine: Machine, task: Task, label: string, about: string): Opened {
  const rest = { kind: 'demo', found: [], missing: [] } as const;
  const info: SessionInfo = { ...rest, label, firstTask: task.tid, about };
  return { info, machine, core: null, process: null, open: () => null };
}

/** Three users; a parent and its child with pages that they share until one writes. */
async function openFamily(): Promise<Opened> {
  const machine = await createMachine({ yama: 1 });
  machine.addFile(
    '/usr/bin/server',
    new TextEncoder().encode('text of a program\n'.repeat(2000)),
    0o755,
  );
  const server = machine.spawn({
    comm: 'server',
    uid: 1000,
    argv: ['/usr/bin/server', '--port', '80'],
  });
  const program = server.open('/usr/bin/server');
  server.mmap({ length: 4 * PAGE, prot: PROT_READ | PROT_EXEC, file: program });
  server.mmap({ length: 2 * PAGE, prot: PROT_READ, file: program, offset: 4 * PAGE });
  program.close();
  const heap = server.mmap({ length: 16 * PAGE });
  for (let page = 0; page < 12; page++)
    fill(server, heap + BigInt(page * PAGE), `heap page ${page}`);
  const shared = server.mmap({ length: 4 * PAGE, flags: MAP_SHARED | MAP_ANONYMOUS });
  fill(server, shared, 'seen by both');
  const secret = server.mmap({ length: PAGE });
  fill(server, secret, 'password=correct horse battery staple');
  server.mprotect(secret, PAGE, PROT_READ);
  server.thread();
  const child = server.fork();
  for (const page of [1, 4, 5]) fill(child, heap + BigInt(page * PAGE), `the child's page ${page}`);
  child.setDumpable(0);
  machine.spawn({ comm: 'colleague', uid: 1000, argv: ['colleague'] });
  machine.spawn({ comm: 'stranger', uid: 1001, argv: ['stranger'] });
  machine.spawn({ comm: 'tracer', uid: 1002, caps: 1n << 19n, argv: ['tracer'] }); // CAP_SYS_PTRACE
  const about =
    'a server and the child it forked, a colleague, a stranger and a tracer, under Yama 1';
  return opened(machine, server, 'A family', about);
}

function fill(task: Task, addr: bigint, text: string): void {
  task.store(addr, new TextEncoder().encode(`${text}\0`));
}

/** A mapping of 1 GiB, a reservation of 64 TiB and a process with 100,000 mappings. */
async function openLarge(): Promise<Opened> {
  const machine = await createMachine({ sysctl: { 'vm.max_map_count': 2 * CROWD } });
  const giant = machine.spawn({ comm: 'giant', uid: 1000, argv: ['giant'] });
  const memory = giant.mmap({ length: GIB });
  for (let at = 0; at < GIB; at += 16 * MIB) writeCounters(giant, memory + BigInt(at), at);
  giant.mmap({
    length: 64 * 1024 * GIB,
    prot: PROT_NONE,
    flags: MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
  });
  const crowd = machine.spawn({ comm: 'crowd', uid: 1000 });
  crowdMappings(crowd);
  const about = '1 GiB and a reservation of 64 TiB in one process, 100,000 mappings in another';
  return opened(machine, giant, 'A giant and a crowd', about);
}

/** A megabyte of rising 64-bit numbers. */
function writeCounters(task: Task, addr: bigint, first: number): void {
  const words = new BigUint64Array(MIB / 8);
  for (let i = 0; i < words.length; i++) words[i] = BigInt(first + i * 8);
  task.store(addr, new Uint8Array(words.buffer));
}

/** Neighbours that differ in protection do not merge. */
function crowdMappings(task: Task): void {
  const flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
  const prots = [PROT_READ, PROT_READ | PROT_WRITE, PROT_READ | PROT_EXEC];
  for (let i = 0; i < CROWD; i++) {
    const gap = Math.floor(i / 1000) * 64 * MIB;
    const addr = 0x10_0000_0000 + gap + i * 2 * PAGE;
    task.mmap({
      addr,
      length: i % 7 === 0 ? PAGE : 2 * PAGE,
      prot: prots[i % 3] ?? PROT_READ,
      flags,
    });
  }
}
