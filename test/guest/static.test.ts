// The static program that comes with the package: it needs nothing of the host, so it runs in browsers too.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { Console, Guest, Machine, type MachineOptions } from '../../src/index.js';
import { exampleProgram } from './example.js';

const test = suite('guest/static');
const SIGSEGV = 11;
const NAMES = ['priceOf', 'costOf', 'printBill', 'main', 'begin', '_start'];

interface Ran {
  readonly output: string;
  readonly signal: number | null;
  readonly instructions: number;
  readonly calls: readonly string[];
}

async function run(options: MachineOptions = {}, slice?: number): Promise<Ran> {
  const machine = await Machine.create(options);
  machine.addFile('/bin/crash', await exampleProgram('crash'), 0o755);
  const calls: string[] = [];
  const guest = new Guest(machine, {
    onCall: ({ name, result }) => void calls.push(`${name} ${result}`),
    ...(slice === undefined ? {} : { slice }),
  });
  let output = '';
  const text = new TextDecoder();
  const stderr = new Console({ write: (bytes) => void (output += text.decode(bytes)) });
  const task = guest.start('/bin/crash', ['crash'], { uid: 1000, stderr });
  const { signal } = await guest.runToEnd(task);
  assert.equal(machine.check(), []);
  return { output, signal, instructions: guest.instructions, calls };
}

function namesOf({ output }: Ran): string[] {
  return [...output.matchAll(/@ 0x[0-9a-f]{12} {2}(.*)$/gm)].map(([, name = '']) => name);
}

test('without /proc/self/mem every frame is unknown', async () => {
  const ran = await run({ procMem: false });
  assert.match(
    ran.output,
    /^the bill: 550\nthe bill: \*\*\* SIGSEGV \(@0x8\), stack trace: \*\*\*\n/,
  );
  assert.equal(
    namesOf(ran),
    NAMES.map(() => '(unknown)'),
  );
  assert.is(ran.signal, SIGSEGV);
});

test('with it every frame has its name, at the same address', async () => {
  const ran = await run();
  assert.equal(namesOf(ran), NAMES);
  assert.is(ran.signal, SIGSEGV);
  const unknown = await run({ procMem: false });
  assert.is(ran.output.replace(/ {2}\w+$/gm, ''), unknown.output.replace(/ {2}\(unknown\)$/gm, ''));
});

test('every run is the same, however long its turns are', async () => {
  const [once, again] = [await run(), await run({}, 7)];
  assert.equal(again, once);
});

test('a handled fault is told once, when its handler has begun', async () => {
  const machine = await Machine.create();
  machine.addFile('/bin/crash', await exampleProgram('crash'), 0o755);
  const told: string[] = [];
  const guest = new Guest(machine, {
    onSignal: ({ task, signal }) => {
      if (task.struct.exited) return void told.push(`killed by ${signal}`);
      // A handler's first argument is its signal.
      told.push(`${signal}, a0 is ${task.cpu.x(10)}`);
    },
  });
  const task = guest.start('/bin/crash', ['crash'], { stderr: new Console() });
  await guest.runToEnd(task);
  assert.equal(told, ['11, a0 is 11', 'killed by 11']);
});

test.run();
