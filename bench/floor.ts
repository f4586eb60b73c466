// What is a call made of? The parts of the small calls, each alone: no call is faster than the sum of its own.
import { MAP_ANONYMOUS, MAP_FIXED, MAP_PRIVATE, PAGE_SIZE } from '../src/index.js';
import { mmLimits } from '../src/kernel/mm-limits.js';
import { mmAccess, PTRACE_MODE_ATTACH_REALCREDS } from '../src/kernel/ptrace.js';
import type { TaskStruct } from '../src/kernel/task.js';
import type { Mm } from '../src/mm/mm.js';
import { mmapAnonymous, munmap } from '../src/mm/mmap.js';
import type { Case, Suite } from './bench.js';
import { clockOf } from './clock.js';
import { mapMemory, sharedGuest, touchPages } from './guest.js';

/** Operations of one call of a clock's work. */
const OPERATIONS = 64;
const GETPPID = 110;

interface Scene {
  readonly syscall: () => void;
  readonly reader: TaskStruct;
  readonly target: TaskStruct;
  readonly near: Mm;
  readonly far: Mm;
  /** Memory of the target, and of the reader. */
  readonly from: number;
  readonly into: number;
}

async function makeScene(): Promise<Scene> {
  const { machine, reader, target } = await sharedGuest();
  const from = mapMemory(target, PAGE_SIZE);
  touchPages(target, from, PAGE_SIZE);
  const into = mapMemory(reader, PAGE_SIZE);
  touchPages(reader, into, PAGE_SIZE);
  const [near, far] = [reader.struct.mm, target.struct.mm];
  if (near === null || far === null) throw new TypeError('a task has no memory');
  const syscall = (): void => void machine.syscall(reader, GETPPID);
  const tasks = { reader: reader.struct, target: target.struct };
  return { syscall, ...tasks, near, far, from: Number(from), into: Number(into) };
}

/** The parts by name. */
function partsOf({
  syscall,
  reader,
  target,
  near,
  far,
  from,
  into,
}: Scene): [string, () => void][] {
  const { core } = far;
  const { exports, bounce } = core;
  const limit = far.stackLimit;
  const array = (length: number): Uint8Array => new Uint8Array(length);
  const [a8, a512, a4096] = [array(8), array(512), array(PAGE_SIZE)];
  const access = (length: number) => (): void =>
    void exports.accessRemoteVm(far.ptr, from, bounce, length, 0, limit);
  const ready = (write: boolean) => (): void => void exports.readyPlace(far.ptr, from, 8, write);
  const runs = (): void => void exports.accessRuns(far.ptr, from, PAGE_SIZE, 0, limit, true);
  const limits = mmLimits(reader);
  const flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
  const place = Number(near.findVma(into)?.start) - 2 ** 21;
  return [
    ['call', () => void exports.gupStop()],
    ['ready', ready(false)],
    ['ready-write', ready(true)],
    ['walk/8', access(8)],
    ['walk/512', access(512)],
    ['walk/4096', runs],
    ['out/8', () => core.takeBounce(a8, 8)],
    ['out/512', () => core.takeBounce(a512, 512)],
    ['out/4096', () => core.takeBounce(a4096, PAGE_SIZE)],
    [
      'copy/4096',
      () => void exports.processVmCopy(far.ptr, from, near.ptr, into, 4096, false, limit, 4096),
    ],
    ['access', () => void mmAccess(reader, target, PTRACE_MODE_ATTACH_REALCREDS)],
    ['syscall', syscall],
    [
      'mmap',
      () => {
        mmapAnonymous(near, place, PAGE_SIZE, 3, flags, limits);
        munmap(near, place, PAGE_SIZE, limits);
      },
    ],
  ];
}

async function* floorCases(): AsyncGenerator<Case> {
  for (const [name, part] of partsOf(await makeScene())) {
    const clock = clockOf(() => {
      for (let i = 0; i < OPERATIONS; i++) part();
    }, OPERATIONS);
    yield { name: `floor-${name}`, clock, baselines: {} };
  }
}

/** The parts of small calls. */
export const floorSuite: Suite = {
  name: 'floor',
  title:
    'parts of small calls alone: a call into the core, its walk, the copy out, the access check, a system call',
  cases: floorCases,
};
