// What the built-in hart tells watches, and what it asks of devices.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { Machine } from '../../src/machine.js';
import type { Task } from '../../src/api/task.js';
import type { WatchEvent, WatchOn } from '../../src/api/task-hooks.js';
import { MAP_ANONYMOUS, MAP_FIXED, MAP_PRIVATE, PROT_READ } from '../../assembly/abi/mman.js';
import { assemble, EBREAK, ECALL } from '../cpu/hart-fixture.js';
import { iType, jType, rType, sType } from '../cpu/snippet.js';

const test = suite('api/cpu-watch');
const machine = await Machine.create();
const atRest = machine.stats().framesInUse;

const CODE = 0x10000;
const DATA = 0x20000;
const PAGE = 4096;
/** x10 points to the data, x11 holds what is stored. */
const A0 = 10;
const A1 = 11;
const VALUE = 0x8877665544332211n;

function makeTask(words: readonly number[], at = CODE): Task {
  const task = machine.spawn({ comm: 'guest' });
  const flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
  task.mmap({ addr: CODE, length: 2 * PAGE, prot: 7, flags });
  task.mmap({ addr: DATA, length: 2 * PAGE, flags });
  task.store(at, assemble(words));
  task.cpu.pc = at;
  task.cpu.setX(A0, DATA);
  task.cpu.setX(A1, VALUE);
  return task;
}

function shown({ kind, address, before, after, by, task }: WatchEvent): string {
  const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
  return `${kind} ${address.toString(16)} ${hex(before)}>${hex(after)} ${by} of ${task?.comm}`;
}

/** Watches bytes, and collects what is told. */
function watch(task: Task, on: WatchOn, start: number, length: number, log: string[]): void {
  task.watch({ start, length, on, hit: (event) => void log.push(shown(event)) });
}

const amo = (funct5: number, f3: number, rd: number): number =>
  rType(0x2f, f3, funct5 << 2, rd, A0, A1);
const memory = '0102030405060708';
const filled = (bytes: number): string => memory.slice(0, 2 * bytes);
const value = '1122334455667788';

/** An instruction, what is told of bytes at DATA that hold 1 to 8, and the register 5 or f5 afterwards. */
const ROWS: [name: string, word: number, told: string[], x5: bigint, f5?: bigint][] = [
  ...([0, 1, 2, 3] as const).map((f3): [string, number, string[], bigint] => {
    const text = filled(1 << f3);
    const low = 0x0807060504030201n & ((1n << (8n << BigInt(f3))) - 1n);
    return [`load of ${1 << f3}`, iType(0x03, f3, 5, A0, 0), [`read ${text}>${text}`], low];
  }),
  ...([0, 1, 2, 3] as const).map((f3): [string, number, string[], bigint] => {
    const told = `write ${filled(1 << f3)}>${value.slice(0, 2 << f3)}`;
    return [`store of ${1 << f3}`, sType(0x23, f3, A0, A1, 0), [told], 0n];
  }),
  ['flw', iType(0x07, 2, 5, A0, 0), ['read 01020304>01020304'], 0n, 0xffffffff04030201n],
  ['fld', iType(0x07, 3, 5, A0, 0), [`read ${memory}>${memory}`], 0n, 0x0807060504030201n],
  ['fsw', sType(0x27, 2, A0, 6, 0), ['write 01020304>0a0b0c0d'], 0n],
  ['fsd', sType(0x27, 3, A0, 6, 0), [`write ${memory}>0a0b0c0d0e0f1011`], 0n],
  ['c.lw x13', 0x4114, ['read 01020304>01020304'], 0n],
  ['c.sd x11', 0xe10c, [`write ${memory}>${value}`], 0n],
  ['amoadd.w', amo(0, 2, 5), ['read 01020304>01020304', 'write 01020304>12243648'], 0x04030201n],
  [
    'amoswap.d',
    amo(1, 3, 5),
    [`read ${memory}>${memory}`, `write ${memory}>${value}`],
    0x0807060504030201n,
  ],
  ['lr.d', rType(0x2f, 3, 2 << 2, 5, A0, 0), [`read ${memory}>${memory}`], 0x0807060504030201n],
  ['sc.d without a reservation', amo(3, 3, 5), [], 1n],
];

for (const [name, word, told, x5, f5 = 0n] of ROWS) {
  test(`${name} is told of with the bytes before and after`, () => {
    const task = makeTask([word, EBREAK]);
    task.store(DATA, Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8));
    task.cpu.setF(6, 0x11100f0e0d0c0b0an);
    const log: string[] = [];
    watch(task, 'access', DATA, 64, log);
    assert.is(task.cpu.run(10).reason, 'ebreak');
    const expected = told.map((line) => `${line.replace(' ', ' 20000 ')} cpu of guest`);
    assert.equal(log, expected);
    assert.equal([task.cpu.x(5), task.cpu.f(5), task.cpu.instret], [x5, f5, 1n]);
    task.exit();
  });
}

test('SC is a write when it succeeds, and nothing when the value has changed', () => {
  for (const changed of [false, true]) {
    const task = makeTask([rType(0x2f, 2, 2 << 2, 5, A0, 0), ECALL, amo(3, 2, 6), EBREAK]);
    const log: string[] = [];
    watch(task, 'write', DATA, 8, log);
    assert.is(task.cpu.run(10).reason, 'ecall');
    if (changed) machine.spawn().open(`/proc/${task.pid}/mem`, 'r+').pwrite(Uint8Array.of(9), DATA);
    log.length = 0;
    assert.is(task.cpu.run(10).reason, 'ebreak');
    assert.equal(log, changed ? [] : ['write 20000 00000000>11223344 cpu of guest']);
    assert.is(task.cpu.x(6), changed ? 1n : 0n);
    task.exit();
  }
});

test('of an access only the watched bytes are told, and one across pages is told once', () => {
  const code = [sType(0x23, 3, A0, A1, 0), iType(0x03, 3, 5, A0, 0), EBREAK];
  const task = makeTask(code);
  task.cpu.setX(A0, DATA + PAGE - 3);
  const log: string[] = [];
  watch(task, 'access', DATA + PAGE - 1, 2, log);
  assert.is(task.cpu.run(10).reason, 'ebreak');
  assert.equal(log, ['write 20fff 0000>3344 cpu of guest', 'read 20fff 3344>3344 cpu of guest']);
  assert.is(task.cpu.x(5), VALUE);
  task.exit();
});

test('a load that faults is not told of, and nor is that it was executed', () => {
  const task = makeTask([iType(0x03, 3, 5, A0, 0), EBREAK]);
  task.cpu.setX(A0, DATA + 2 * PAGE - 4);
  const log: string[] = [];
  watch(task, 'access', DATA, 3 * PAGE, log);
  watch(task, 'execute', CODE, PAGE, log);
  const stop = task.cpu.run(10);
  assert.equal([stop.reason, stop.pc, task.cpu.instret], ['fault', BigInt(CODE), 0n]);
  assert.is(stop.reason === 'fault' && stop.address, BigInt(DATA + 2 * PAGE));
  assert.equal(log, []);
  task.exit();
});

test('instructions that are executed are told of by their own bytes, after what they access', () => {
  const task = makeTask([0x4114, sType(0x23, 2, A0, A1, 4), jType(0, 4), ECALL, EBREAK]);
  const log: string[] = [];
  watch(task, 'execute', CODE, 64, log);
  watch(task, 'access', DATA, 64, log);
  assert.is(task.cpu.run(10).reason, 'ecall');
  assert.is(task.cpu.run(10).reason, 'ebreak');
  assert.equal(log, [
    'read 20000 00000000>00000000 cpu of guest',
    'execute 10000 1441>1441 cpu of guest',
    'write 20004 00000000>11223344 cpu of guest',
    'execute 10002 2322b500>2322b500 cpu of guest',
    'execute 10006 6f004000>6f004000 cpu of guest',
    'execute 1000a 73000000>73000000 cpu of guest',
  ]);
  task.exit();
});

test('an instruction on two pages, of which the second is watched, is seen', () => {
  const at = CODE + PAGE - 2;
  const task = makeTask([iType(0x13, 0, 5, 0, 7), EBREAK], at);
  const log: string[] = [];
  watch(task, 'execute', CODE + PAGE, 2, log);
  assert.is(task.cpu.run(10).reason, 'ebreak');
  assert.equal(log, ['execute 11000 7000>7000 cpu of guest']);
  task.exit();
});

test('a watch that is set on code that has run before is told of', () => {
  const task = makeTask([iType(0x13, 0, 5, 5, 1), jType(0, -4)]);
  assert.is(task.cpu.run(1000).reason, 'fuel');
  const log: string[] = [];
  watch(task, 'execute', CODE, 4, log);
  assert.is(task.cpu.run(4).reason, 'fuel');
  assert.equal([log.length, task.cpu.x(5), task.cpu.instret], [2, 502n, 1004n]);
  task.exit();
});

test('a hook finds the hart behind the instruction, and may change it', () => {
  const task = makeTask([iType(0x03, 3, 5, A0, 0), iType(0x13, 0, 6, 5, 1), EBREAK]);
  const seen: bigint[] = [];
  task.watch({
    ...{ start: DATA, length: 8, on: 'read' },
    hit: () => {
      seen.push(task.cpu.pc, task.cpu.instret, task.cpu.x(5));
      task.cpu.setX(5, 41);
    },
  });
  assert.is(task.cpu.run(10).reason, 'ebreak');
  assert.equal([seen, task.cpu.x(6)], [[BigInt(CODE + 4), 1n, 0n], 42n]);
  task.exit();
});

test('an error of a hook comes out of the run, which can go on behind the instruction', () => {
  const task = makeTask([sType(0x23, 3, A0, A1, 0), iType(0x13, 0, 5, 0, 1), EBREAK]);
  const hit = (): void => {
    throw new Error('of the hook');
  };
  task.watch({ start: DATA, length: 8, on: 'write', hit });
  assert.throws(() => task.cpu.run(10), /of the hook/);
  assert.equal([task.cpu.pc, task.cpu.instret], [BigInt(CODE + 4), 1n]);
  assert.is(task.load64(DATA), VALUE);
  assert.equal(machine.check(), []);
  assert.is(task.cpu.run(10).reason, 'ebreak');
  assert.equal([task.cpu.x(5), task.cpu.instret], [1n, 2n]);
  task.exit();
});

test('a hook may end the task, or give it other memory, in the middle of a run', () => {
  for (const ends of [true, false]) {
    const task = makeTask([sType(0x23, 3, A0, A1, 0), EBREAK]);
    const hit = (): void => {
      if (ends) task.exit();
      else task.munmap(CODE, 2 * PAGE);
    };
    task.watch({ start: DATA, length: 8, on: 'write', hit });
    if (ends) assert.throws(() => task.cpu.run(10), /has exited/);
    else assert.is(task.cpu.run(10).reason, 'fault');
    assert.is(task.cpu.instret, 1n);
    if (!ends) task.exit();
  }
  assert.equal(machine.check(), []);
});

test('a hook that has others act does not make them the one who waits for a page', () => {
  const task = makeTask([iType(0x03, 3, 5, A0, 0), iType(0x03, 3, 6, 12, 0), EBREAK]);
  const other = machine.spawn({ comm: 'other' });
  const page = task.mmap({ length: PAGE });
  const asked: number[] = [];
  const uffd = task.userfaultfd({ userModeOnly: true, onFault: ({ tid }) => void asked.push(tid) });
  uffd.register(page, PAGE);
  task.cpu.setX(12, page);
  task.watch({ start: DATA, length: 8, on: 'read', hit: () => void other.syscall('getpid') });
  const stop = task.cpu.run(10);
  assert.equal(stop.reason === 'fault' && [stop.code, stop.pc], ['USERFAULT', BigInt(CODE + 4)]);
  assert.equal(asked, [task.tid]);
  other.exit();
  task.exit();
});

test('a hook may run a program in its place: the run goes on in the new memory', () => {
  const task = makeTask([sType(0x23, 3, A0, A1, 0), EBREAK]);
  machine.addFile('/bin/next', assemble([EBREAK]), 0o755);
  const hit = (): void => {
    task.exec('/bin/next');
    const flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
    task.mmap({ addr: CODE, length: PAGE, prot: 7, flags });
    task.store(CODE, assemble([iType(0x13, 0, 5, 0, 3), iType(0x13, 0, 6, 0, 4), EBREAK]));
  };
  const watch = task.watch({ start: DATA, length: 8, on: 'write', hit });
  assert.equal(task.cpu.run(10), { reason: 'ebreak', pc: BigInt(CODE + 8) });
  const { cpu } = task;
  assert.equal([watch.active, cpu.x(5), cpu.x(6), cpu.instret], [false, 0n, 4n, 2n]);
  task.exit();
  machine.spawn({ uid: 0 }).unlink('/bin/next');
});

test('fuel counts the instructions that the host does', () => {
  const task = makeTask([sType(0x23, 3, A0, A1, 0), jType(0, -4)]);
  const log: string[] = [];
  watch(task, 'access', DATA, 8, log);
  watch(task, 'execute', CODE, 4, log);
  for (const fuel of [1, 1, 2, 3, 0, 5]) assert.is(task.cpu.run(fuel).reason, 'fuel');
  assert.equal([task.cpu.instret, log.length], [12n, 12]);
  task.exit();
});

interface Asked {
  readonly log: string[];
  readonly at: bigint;
}

function mapUart(task: Task, prot?: number): Asked {
  const log: string[] = [];
  const at = task.mapDevice({
    length: 16,
    ...(prot === undefined ? {} : { prot }),
    read: (offset, size) => {
      log.push(`read ${offset} ${size}`);
      return 0x8182838485868788n;
    },
    write: (offset, size, to) => void log.push(`write ${offset} ${size} ${to.toString(16)}`),
  });
  task.cpu.setX(A0, at);
  return { log, at };
}

const DEVICE_ROWS: [name: string, word: number, asked: string[], x5: bigint][] = [
  ['lb', iType(0x03, 0, 5, A0, 1), ['read 1 1'], 0xffffffffffffff88n],
  ['lhu', iType(0x03, 5, 5, A0, 2), ['read 2 2'], 0x8788n],
  ['lw', iType(0x03, 2, 5, A0, 4), ['read 4 4'], 0xffffffff85868788n],
  ['ld', iType(0x03, 3, 5, A0, 8), ['read 8 8'], 0x8182838485868788n],
  ['sb', sType(0x23, 0, A0, A1, 3), ['write 3 1 11'], 0n],
  ['sh', sType(0x23, 1, A0, A1, 2), ['write 2 2 2211'], 0n],
  ['sw', sType(0x23, 2, A0, A1, 4), ['write 4 4 44332211'], 0n],
  ['sd', sType(0x23, 3, A0, A1, 8), ['write 8 8 8877665544332211'], 0n],
  ['c.sd', 0xe10c, ['write 0 8 8877665544332211'], 0n],
  ['amoor.w', amo(8, 2, 5), ['read 0 4', 'write 0 4 c5b7a799'], 0xffffffff85868788n],
];

for (const [name, word, asked, x5] of DEVICE_ROWS) {
  test(`${name} asks a device`, () => {
    const task = makeTask([word, EBREAK]);
    const { log } = mapUart(task);
    assert.is(task.cpu.run(10).reason, 'ebreak');
    assert.equal([log, task.cpu.x(5), task.cpu.instret], [asked, x5, 1n]);
    task.exit();
  });
}

test('nothing can be reserved in a device', () => {
  const task = makeTask([rType(0x2f, 3, 2 << 2, 5, A0, 0), EBREAK]);
  const { log, at } = mapUart(task);
  const fault = { reason: 'fault', signal: 'SIGSEGV', code: 'SEGV_ACCERR' };
  assert.equal(task.cpu.run(10), { ...fault, address: at, pc: BigInt(CODE) });
  assert.equal([log, task.cpu.instret], [[], 0n]);
  task.exit();
});

test('protections of a device count first, what is behind its registers is SIGBUS, and it is no code', () => {
  const task = makeTask([sType(0x23, 3, A0, A1, 0), EBREAK]);
  const { log, at } = mapUart(task, PROT_READ);
  const stop = task.cpu.run(10);
  assert.equal(stop.reason === 'fault' && [stop.signal, stop.address], ['SIGSEGV', at]);
  task.mprotect(at, PAGE, 3);
  task.cpu.setX(A0, at + 12n);
  const beyond = task.cpu.run(10);
  assert.equal(beyond.reason === 'fault' && [beyond.signal, beyond.address], ['SIGBUS', at + 16n]);
  task.mprotect(at, PAGE, 7);
  task.cpu.pc = at;
  const fetched = task.cpu.run(10);
  assert.equal(fetched.reason === 'fault' && [fetched.signal, fetched.pc], ['SIGBUS', at]);
  assert.equal([log, task.cpu.instret], [[], 0n]);
  task.exit();
});

test('an error of a device comes out of the run with pc at the instruction, and a watch lies over one', () => {
  const task = makeTask([iType(0x03, 3, 5, A0, 0), EBREAK]);
  let broken = true;
  const at = task.mapDevice({
    length: 8,
    read: () => {
      if (broken) throw new Error('of the device');
      return 5;
    },
    write: () => undefined,
  });
  task.cpu.setX(A0, at);
  const log: string[] = [];
  watch(task, 'access', Number(at), 8, log);
  assert.throws(() => task.cpu.run(10), /of the device/);
  assert.equal([task.cpu.pc, task.cpu.instret, log], [BigInt(CODE), 0n, []]);
  broken = false;
  assert.is(task.cpu.run(10).reason, 'ebreak');
  assert.is(task.cpu.x(5), 5n);
  const hex = at.toString(16);
  assert.equal(log, [`read ${hex} 0500000000000000>0500000000000000 cpu of guest`]);
  task.exit();
});

test('memory stays whole, and every frame comes back', () => {
  assert.equal(machine.check(), []);
  for (const task of machine.tasks()) if (task.pid !== 1 && !task.exited) task.exit(0);
  assert.is(machine.stats().framesInUse, atRest);
});

test.run();
