// What does it cost to keep a moment of a machine, to go back to it, and to write it all down?
import { PAGE_SIZE } from '../assembly/abi/page.js';
import type { Task } from '../src/api/task.js';
import type { Machine } from '../src/machine.js';
import type { Case, Setting, Suite } from './bench.js';
import { clockOf } from './clock.js';
import { makeGuest, mapMemory, touchPages } from './guest.js';

const MEBIBYTE = 1024 * 1024;
const GIBIBYTE = 1024 * MEBIBYTE;
/** Pages that change between a checkpoint and the way back. */
const CHANGED = 256;
/** Tasks of the machine that has many, each with a page of its own. */
const TASKS = 10_000;

interface Full {
  readonly machine: Machine;
  readonly target: Task;
  readonly addr: bigint;
}

async function fullMachine(size: number): Promise<Full> {
  const { machine, target } = await makeGuest();
  const addr = mapMemory(target, size);
  touchPages(target, addr, size);
  return { machine, target, addr };
}

function* sizes(quick: boolean): Generator<[name: string, size: number]> {
  yield ['64M', 64 * MEBIBYTE];
  // A gibibyte is slow to fill.
  if (!quick) yield ['1G', GIBIBYTE];
}

async function* checkpointCases({ quick }: Setting): AsyncGenerator<Case> {
  for (const [label, size] of sizes(quick)) {
    const { machine } = await fullMachine(size);
    const clock = clockOf(() => machine.checkpoint().dispose());
    yield { name: `checkpoint/${label}`, clock, baselines: {} };
  }
  const { machine } = await makeGuest();
  for (let i = 0; i < TASKS; i++) {
    const task = machine.spawn({ uid: 1000, gid: 1000, comm: 'target' });
    touchPages(task, mapMemory(task, PAGE_SIZE), PAGE_SIZE);
  }
  const clock = clockOf(() => machine.checkpoint().dispose());
  yield { name: `checkpoint-tasks/${TASKS}`, clock, baselines: {} };
}

async function* restoreCases({ quick }: Setting): AsyncGenerator<Case> {
  for (const [label, size] of sizes(quick)) {
    const { machine, target, addr } = await fullMachine(size);
    const checkpoint = machine.checkpoint();
    const clock = clockOf(() => {
      touchPages(target, addr, CHANGED * PAGE_SIZE);
      checkpoint.restore();
    });
    yield { name: `restore/${label}`, clock, baselines: {} };
  }
}

async function* snapshotCases(): AsyncGenerator<Case> {
  const size = 64 * MEBIBYTE;
  const { machine } = await fullMachine(size);
  const from = machine.snapshot();
  const into = new Uint8Array(from.length);
  const clock = clockOf(() => {
    let at = 0;
    machine.writeSnapshot((part) => {
      into.set(part, at);
      at += part.length;
    });
  });
  const memcpy = clockOf(() => into.set(from));
  const fresh = clockOf(() => void new Uint8Array(from.length).set(from));
  yield { name: 'snapshot/64M', bytes: from.length, clock, baselines: { memcpy } };
  const whole = clockOf(() => void machine.snapshot());
  yield { name: 'snapshot-fresh/64M', bytes: from.length, clock: whole, baselines: { fresh } };
}

/** Checkpoints of a machine with that much resident memory. */
export const checkpointSuite: Suite = {
  name: 'checkpoint',
  title:
    'a checkpoint of a machine with that much resident memory, or so many tasks, disposed of at once',
  cases: checkpointCases,
};

/** The way back. */
export const restoreSuite: Suite = {
  name: 'restore',
  title: `${CHANGED} pages written, and back to a checkpoint`,
  cases: restoreCases,
};

/** A machine as bytes. */
export const snapshotSuite: Suite = {
  name: 'snapshot',
  title:
    'a snapshot of a machine with that much resident memory, into an array that is there or a fresh one',
  cases: snapshotCases,
};
