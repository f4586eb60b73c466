// `procmem/core` does what `procmem` does: each row is made on both, and the answers are compared.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import {
  CoreMachine,
  type CoreSpawnOptions,
  CoreTask,
  LinuxError,
  PageFault,
} from '../../src/core.js';
import { Machine, PROT_NONE, PROT_READ, type Task } from '../../src/index.js';

const PAGE = 4096;
const AT = 0x10_0000;
const PRIVATE_ANONYMOUS = 0x22;

const test = suite('api/core-machine');

/** The value of a call, or the error. */
function outcome(call: () => unknown): unknown {
  try {
    return call();
  } catch (error) {
    if (error instanceof LinuxError) return error.code;
    if (error instanceof PageFault) return `${error.code} ${error.address}`;
    throw error;
  }
}

/** What both kinds of machine can do. */
interface Actor {
  mmap(options: { addr: number; length: number; prot?: number }): bigint;
  munmap(addr: number, length: number): void;
  mprotect(addr: number, length: number, prot: number): void;
  load(addr: number, length: number): Uint8Array;
  store(addr: number, from: Uint8Array): void;
  load64(addr: number): bigint;
  store64(addr: number, value: bigint): void;
  exit(code?: number): void;
}

/** A machine with three tasks, two of one user, and how one opens the other's mem. */
interface World {
  readonly spawn: (options: CoreSpawnOptions) => Actor;
  readonly fork: (task: Actor) => Actor;
  readonly mem: (
    caller: Actor,
    target: Actor,
    mode: 'r' | 'w' | 'r+',
  ) => {
    pread(into: Uint8Array, at: number): number;
    pwrite(from: Uint8Array, at: number): number;
  };
  readonly vm: (
    caller: Actor,
    target: Actor,
    at: number,
    bytes: Uint8Array,
    write: boolean,
  ) => number;
}

const asTask = (actor: Actor): Task => actor as unknown as Task;
const asCore = (actor: Actor): CoreTask => actor as unknown as CoreTask;

async function wholeWorld(yama: 0 | 1 | null): Promise<World> {
  const machine = await Machine.create(yama === null ? {} : { yama });
  return {
    spawn: (options) => machine.spawn(options) as never,
    fork: (task) => asTask(task).fork() as never,
    mem: (caller, target, mode) => asTask(caller).open(`/proc/${asTask(target).pid}/mem`, mode),
    vm: (caller, target, at, bytes, write) =>
      write
        ? asTask(caller).processVmWrite(asTask(target), at, bytes)
        : asTask(caller).processVmRead(asTask(target), at, bytes),
  };
}

async function smallWorld(yama: 0 | 1 | null): Promise<World> {
  const machine = await CoreMachine.create({ yama });
  return {
    spawn: (options) => machine.spawn(options) as never,
    fork: (task) => asCore(task).fork() as never,
    mem: (caller, target, mode) => asCore(caller).openMem(asCore(target), mode),
    vm: (caller, target, at, bytes, write) =>
      write
        ? asCore(caller).processVmWrite(asCore(target), at, bytes)
        : asCore(caller).processVmRead(asCore(target), at, bytes),
  };
}

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const bytesOf = (words: string): Uint8Array => new TextEncoder().encode(words);

/** One life of a small machine, told call by call. */
function live(world: World): unknown[] {
  const told: unknown[] = [];
  const tell = (call: () => unknown): void => void told.push(outcome(call));
  const target = world.spawn({ comm: 'target', uid: 1000 });
  const friend = world.spawn({ comm: 'friend', uid: 1000 });
  const stranger = world.spawn({ comm: 'stranger', uid: 1001 });
  const root = world.spawn({ comm: 'root' });
  const drained = world.spawn({ comm: 'drained', caps: 0n });
  tell(() => target.mmap({ addr: AT, length: 4 * PAGE }));
  tell(() => target.mmap({ addr: 0, length: 0 }));
  tell(() => target.store(AT, bytesOf('hello from the target')));
  tell(() => target.mprotect(AT, PAGE, PROT_READ));
  tell(() => target.mprotect(AT + 3 * PAGE, PAGE, PROT_NONE));
  tell(() => target.munmap(AT + 2 * PAGE, PAGE));
  tell(() => target.munmap(AT + 1, PAGE));
  tell(() => target.store(AT, bytesOf('no')));
  tell(() => target.load(AT + 3 * PAGE, 1));
  tell(() => target.load64(AT + 2 * PAGE - 4));
  for (const caller of [friend, stranger, root, drained, target]) {
    for (const mode of ['r', 'w', 'r+'] as const) {
      for (const at of [AT, AT + 2 * PAGE - 8, AT + 2 * PAGE, AT + 3 * PAGE, 0]) {
        const into = new Uint8Array(16);
        tell(() => world.mem(caller, target, mode).pread(into, at));
        tell(() => text(into));
        tell(() => world.mem(caller, target, mode).pwrite(bytesOf('written by force'), at));
        tell(() => world.vm(caller, target, at, into, false));
        tell(() => world.vm(caller, target, at, bytesOf('by process_vm'), true));
      }
    }
  }
  const child = world.fork(target);
  tell(() => child.store64(AT + PAGE, 7n));
  tell(() => [child.load64(AT + PAGE), target.load64(AT + PAGE)]);
  const held = world.mem(root, child, 'r');
  tell(() => child.exit(3));
  tell(() => held.pread(new Uint8Array(8), AT));
  tell(() => typeof world.mem(root, child, 'r'));
  return told;
}

for (const yama of [null, 0, 1] as const) {
  test(`with Yama ${yama} the small machine answers what the whole one answers`, async () => {
    const whole = live(await wholeWorld(yama));
    const small = live(await smallWorld(yama));
    assert.equal(small, whole);
    for (const word of ['EACCES', 'EIO', 'EPERM', 'EFAULT', 'EBADF'])
      assert.ok(small.includes(word), word);
  });
}

test('misuse is named', async () => {
  const [machine, other] = [await CoreMachine.create(), await CoreMachine.create()];
  const [task, foreign] = [machine.spawn(), other.spawn()];
  assert.throws(() => task.openMem(foreign), /another machine/);
  assert.throws(() => task.openMem({} as CoreTask), /not a CoreTask/);
  assert.throws(() => task.openMem(task, 'x' as 'r'), /mode/);
  assert.throws(() => machine.spawn({ uid: -1 }), RangeError);
  const file = task.openMem(task);
  file.close();
  assert.is(
    outcome(() => file.pread(new Uint8Array(1), 0)),
    'EBADF',
  );
  task.exit();
  assert.throws(() => task.load(0, 1), TypeError);
});

test('after the tasks every frame is free again', async () => {
  const machine = await CoreMachine.create();
  const atRest = machine.framesInUse;
  const task = machine.spawn();
  task.mmap({ addr: AT, length: 64 * PAGE });
  task.store(AT, new Uint8Array(64 * PAGE).fill(1));
  const child = task.fork();
  child.store(AT, new Uint8Array(PAGE));
  child.exit();
  task.exit();
  assert.is(machine.framesInUse, atRest);
});

const bad = (value: unknown): never => value as never;

test('an option of a machine that is none is refused by name', async () => {
  for (const [options, said] of [
    [null, /^options: not an object/],
    [{ memmory: 1 }, /^options: "memmory" is not one of memory, wasm, yama, profile/],
    [{ profile: 'gvisor-2020' }, /^profile: not an object/],
    [{ profile: { nosuch: 1 } }, /^profile: "nosuch" is not a rule/],
    [{ profile: { zeroPage: 1 } }, /^profile\.zeroPage: not a boolean/],
    [{ memory: 1 }, /^memory: 1 is no integer/],
    [{ yama: 4 }, /^yama: 4 is not one of/],
  ] as const) {
    const error = await CoreMachine.create(bad(options)).catch((reason: unknown) => reason);
    assert.ok(error instanceof TypeError || error instanceof RangeError, String(error));
    assert.match((error as Error).message, said);
  }
});

test('an argument that is none is refused by name, and changes nothing', async () => {
  const machine = await CoreMachine.create();
  const task = machine.spawn();
  const at = task.mmap({ length: PAGE });
  const MAP_SHARED = 1;
  const rows: readonly (readonly [run: () => unknown, said: RegExp])[] = [
    [() => machine.spawn(bad(null)), /^options: not an object/],
    [() => task.mmap(bad(undefined)), /^options: not an object/],
    [() => task.mmap({ length: PAGE, flags: MAP_SHARED }), /^flags: .*MAP_PRIVATE alone/],
    [() => task.store64(at, bad(5)), /^value: not a bigint/],
    [() => task.store64(at, 1n << 64n), /^value: .*does not fit 64 bits/],
    [() => task.loadUint(at, bad(3)), /^size: 3 is not one of 1, 2, 4/],
    [() => task.storeUint(at, bad(8), 1), /^size: 8 is not one of 1, 2, 4/],
    [() => task.storeUint(at, 1, 256), /^value: 256 is no integer from -128 to 255/],
    [() => task.storeUint(at, 2, 1.5), /^value: 1.5 is no integer/],
    [() => task.storeUint(at, 4, bad('1')), /^value: not a number/],
  ];
  for (const [run, said] of rows) {
    assert.throws(
      run,
      (error: unknown) =>
        (error instanceof TypeError || error instanceof RangeError) && said.test(error.message),
    );
  }
  assert.is(task.load64(at), 0n);
  task.storeUint(at, 4, -1);
  assert.is(task.load64(at), 0xffff_ffffn);
});

test('huge pages: there are none, and no other flag is refused, as with procmem', async () => {
  const small = (await CoreMachine.create()).spawn();
  const whole = (await Machine.create()).spawn();
  for (const flags of [0x40000, 0x40000 | (21 << 26), 0x800, 0x1000, 0x20000, 0x200, 0x2000000]) {
    const make = (task: CoreTask | Task) => () =>
      typeof task.mmap({
        addr: AT,
        length: PAGE,
        prot: PROT_READ,
        flags: flags | PRIVATE_ANONYMOUS,
      });
    assert.is(outcome(make(small)), outcome(make(whole)), flags.toString(16));
  }
});

test.run();
