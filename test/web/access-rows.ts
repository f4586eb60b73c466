// The settings that the explainer is asked about, and what explainAccess says of them: here the tasks are
// made in the shortest way, not as the page makes them.
import {
  type AccessExplanation,
  type AccessQuestion,
  CAP_FULL_SET,
  CAP_SYS_PTRACE,
  Machine,
  PR_SET_PTRACER,
  PTRACE_MODE_ATTACH_FSCREDS,
  PTRACE_MODE_ATTACH_REALCREDS,
  PTRACE_MODE_READ_FSCREDS,
  PTRACE_MODE_READ_REALCREDS,
  type Task,
} from '../../src/index.js';

const PTRACE_ONLY = 1n << BigInt(CAP_SYS_PTRACE);
const CALLER = '.explain-form .card:nth-of-type(1)';
const TARGET = '.explain-form .card:nth-of-type(2)';
const BETWEEN = '.explain-form .card:nth-of-type(3)';

interface World {
  readonly machine: Machine;
  readonly caller: Task;
  readonly target: Task;
}

/** One setting of the form. */
export interface AccessRow {
  /** The button that it starts from. */
  readonly preset: string;
  /** What is changed then: the field's label, its value, and the part of the form it is in. */
  readonly changes: readonly (readonly [label: string, value: string, within: string])[];
  /** The same setting in a machine of its own. */
  make(): Promise<World>;
}

/** Two processes that have nothing in common but the machine. */
async function two(
  caller: { uid: number; caps?: bigint },
  target: { uid: number; caps?: bigint },
  yama?: 0 | 1 | 2 | 3,
): Promise<World> {
  const machine = await Machine.create(yama === undefined ? {} : { yama });
  return { machine, target: machine.spawn(target), caller: machine.spawn(caller) };
}

const SAME = { uid: 1000 };

/** A program of root's that a user started: ids 1000, 0, 0, every capability, not dumpable. */
async function setUidTarget(): Promise<World> {
  const machine = await Machine.create();
  machine.addFile('/bin/passwd', new Uint8Array(16), 0o4755);
  const target = machine.spawn(SAME);
  target.exec('/bin/passwd');
  return { machine, target, caller: machine.spawn(SAME) };
}

/** Every preset, and some settings of one's own. */
export const ACCESS_ROWS: readonly AccessRow[] = [
  { preset: 'Same user', changes: [], make: () => two(SAME, SAME) },
  { preset: 'Another user', changes: [], make: () => two({ uid: 1001 }, SAME) },
  { preset: 'Root', changes: [], make: () => two({ uid: 0 }, SAME) },
  {
    preset: 'Not dumpable',
    changes: [],
    make: async () => {
      const world = await two(SAME, SAME);
      world.target.setDumpable(0);
      return world;
    },
  },
  { preset: 'Set-user-ID target', changes: [], make: setUidTarget },
  { preset: 'Yama 1, unrelated', changes: [], make: () => two(SAME, SAME, 1) },
  {
    preset: 'Yama 1, its parent',
    changes: [],
    make: async () => {
      const machine = await Machine.create({ yama: 1 });
      const caller = machine.spawn(SAME);
      return { machine, caller, target: caller.fork() };
    },
  },
  {
    preset: 'Tracer with one capability',
    changes: [],
    make: async () => {
      const world = await two({ uid: 1001, caps: PTRACE_ONLY }, SAME);
      world.target.setDumpable(0);
      return world;
    },
  },
  {
    preset: 'Root of its own namespace',
    changes: [],
    make: async () => {
      const world = await two({ uid: 1001 }, SAME);
      world.caller.unshareUser();
      return world;
    },
  },
  {
    preset: 'Same user',
    changes: [['Fs uid', '1001', CALLER]],
    make: async () => {
      const world = await two({ uid: 1000, caps: CAP_FULL_SET }, SAME);
      world.caller.setfsuid(1001);
      world.caller.capset({ effective: 0n, permitted: 0n });
      return world;
    },
  },
  {
    preset: 'Same user',
    changes: [['Gid', '50', TARGET]],
    make: async () => {
      const machine = await Machine.create();
      const target = machine.spawn({ uid: 1000, gid: 50 });
      return { machine, target, caller: machine.spawn(SAME) };
    },
  },
  {
    preset: 'Root',
    changes: [['kernel.yama.ptrace_scope', '3', BETWEEN]],
    make: () => two({ uid: 0 }, SAME, 3),
  },
  {
    preset: 'Same user',
    changes: [['kernel.yama.ptrace_scope', '2', BETWEEN]],
    make: () => two(SAME, SAME, 2),
  },
  {
    preset: 'Yama 1, unrelated',
    changes: [['Relation', 'declared', BETWEEN]],
    make: async () => {
      const world = await two(SAME, SAME, 1);
      world.target.prctl(PR_SET_PTRACER, world.caller.pid);
      return world;
    },
  },
  {
    preset: 'Another user',
    changes: [['Relation', 'thread', BETWEEN]],
    make: async () => {
      const machine = await Machine.create();
      const target = machine.spawn(SAME);
      return { machine, target, caller: target.thread() };
    },
  },
];

/** Each mode with each question. */
export function asked(): readonly { readonly mode: number; readonly question: AccessQuestion }[] {
  const modes = [
    ...[PTRACE_MODE_ATTACH_FSCREDS, PTRACE_MODE_READ_FSCREDS],
    ...[PTRACE_MODE_ATTACH_REALCREDS, PTRACE_MODE_READ_REALCREDS],
  ];
  return (['mm_access', 'ptrace_may_access'] as const).flatMap((question) =>
    modes.map((mode) => ({ mode, question })),
  );
}

/** What explainAccess says of a row. */
export async function explained(
  row: AccessRow,
  mode: number,
  question: AccessQuestion,
): Promise<AccessExplanation> {
  const { machine, caller, target } = await row.make();
  return machine.explainAccess(caller, target, mode, question);
}
