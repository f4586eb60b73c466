import { errnoName } from '../errno.js';
import type { MmStruct } from '../kernel/mm-struct.js';
import type { TaskStruct } from '../kernel/task.js';
import {
  CLONE_FILES,
  CLONE_FS,
  CLONE_SIGHAND,
  CLONE_SYSVSEM,
  CLONE_THREAD,
  CLONE_VM,
} from '../kernel/unshare.js';
import { cpuLoad, cpuStore, type Fault } from '../mm/cpu.js';
import { doSyscall } from '../syscall/dispatch.js';
import { toU64 } from '../vfs/u64.js';
import { observeMaps, observePagemap, observeSmaps } from './observe.js';
import { placeArgs, SCRATCH_START } from './scratch.js';
import type {
  BirthStep,
  CallStep,
  MapsStep,
  PagemapStep,
  PeekStep,
  PokeStep,
  SmapsEntry,
  SmapsStep,
  StepAction,
  TraceFault,
} from './trace.js';
import type { TraceWorld } from './world.js';

/** What a step should have given and what it gave; equal texts match. */
export interface StepOutcome {
  readonly expected: string;
  readonly got: string;
}

/** What pthread_create() asks of clone. */
const THREAD_FLAGS =
  CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM;
const MAX_ERRNO = 4095n;

/** Performs one step for the task of a name. */
export function perform(world: TraceWorld, name: string, action: StepAction): StepOutcome {
  const task = world.task(name);
  if (task === undefined) return { expected: `a task ${name}`, got: 'its fork failed' };
  switch (action.kind) {
    case 'maps':
      return compareText(action.lines, observeMaps(world.observer, task.tgid));
    case 'smaps':
      return compareSmaps(action.entries, observeSmaps(world.observer, task.tgid));
    case 'pagemap': {
      const { addr, count, bits } = action;
      return { expected: bits, got: observePagemap(world.observer, task.tgid, addr, count) };
    }
    default:
      if (task.mm === null) return { expected: 'a task that lives', got: 'it has exited' };
      return act(world, task, task.mm, action);
  }
}

/** Performs a step that the task itself takes. */
function act(
  world: TraceWorld,
  task: TaskStruct,
  mm: MmStruct,
  action: Exclude<StepAction, MapsStep | SmapsStep | PagemapStep>,
): StepOutcome {
  switch (action.kind) {
    case 'call':
      return performCall(world, task, mm, action);
    case 'peek':
      return performPeek(mm, action);
    case 'poke':
      return performPoke(mm, action);
    case 'exit':
      doSyscall(task, 'exit_group', [action.code]);
      return { expected: '', got: '' };
    default:
      return performBirth(world, task, action);
  }
}

/** The result of a system call as user space sees it. */
type Answer = { readonly errno: string } | { readonly value: bigint };

/** libc's reading: -4095 to -1 are errors, whatever the call meant (K-121). */
function answerOf(result: number | bigint): Answer {
  const value = BigInt.asIntN(64, BigInt(result));
  return value < 0n && value >= -MAX_ERRNO ? { errno: errnoName(Number(-value)) } : { value };
}

function performCall(
  world: TraceWorld,
  task: TaskStruct,
  mm: MmStruct,
  step: CallStep,
): StepOutcome {
  const { registers, image, outs } = placeArgs(step.args, world.names);
  cpuStore(mm, SCRATCH_START, image);
  const answer = answerOf(doSyscall(task, step.name, registers));
  if (step.as !== null) world.names.bind(step.as, 'value' in answer ? answer.value : -1n);
  const out = outs.map(({ addr, length }) => readBack(task, addr, length));
  return {
    expected: describeCall(expectedAnswer(step, answer), step.out),
    got: describeCall(describeAnswer(answer), step.out === null ? null : out),
  };
}

/** `'*'` stands for whatever came, unless that was an error. */
function expectedAnswer({ result }: CallStep, answer: Answer): string {
  if ('errno' in result) return result.errno;
  if (result.ret !== '*') return describeAnswer({ value: BigInt.asIntN(64, result.ret) });
  return 'value' in answer ? describeAnswer(answer) : 'success';
}

function describeAnswer(answer: Answer): string {
  return 'errno' in answer ? answer.errno : String(answer.value);
}

function describeCall(answer: string, out: readonly string[] | null): string {
  return out === null || out.length === 0 ? answer : `${answer}, out ${out.join(' ')}`;
}

function readBack(task: TaskStruct, addr: number, length: number): string {
  const bytes = new Uint8Array(length);
  if (task.mm !== null) cpuLoad(task.mm, addr, bytes);
  return toHex(bytes);
}

function performPeek(mm: MmStruct, step: PeekStep): StepOutcome {
  const bytes = new Uint8Array(step.length);
  const { fault } = cpuLoad(mm, toU64(step.addr), bytes);
  return {
    expected: step.fault === null ? (step.data ?? '') : describeFault(step.fault),
    got: fault === null ? toHex(bytes) : describeFault(fault),
  };
}

function performPoke(mm: MmStruct, step: PokeStep): StepOutcome {
  const { fault } = cpuStore(mm, toU64(step.addr), step.bytes);
  return {
    expected: step.fault === null ? 'no fault' : describeFault(step.fault),
    got: fault === null ? 'no fault' : describeFault(fault),
  };
}

function describeFault({ signal, code, address }: Fault | TraceFault): string {
  return `${signal} ${code} 0x${address.toString(16)}`;
}

function performBirth(world: TraceWorld, task: TaskStruct, step: BirthStep): StepOutcome {
  const result =
    step.kind === 'fork' ? doSyscall(task, 'fork', []) : doSyscall(task, 'clone', [THREAD_FLAGS]);
  const answer = answerOf(result);
  const child = 'value' in answer ? world.kernel.findTask(Number(answer.value)) : null;
  if (child === null) world.addMissing(step.child);
  else world.add(step.child, child);
  return {
    expected: step.errno ?? `a new task ${step.child}`,
    got: 'errno' in answer ? answer.errno : `a new task ${step.child}`,
  };
}

function compareText(expected: readonly string[], got: readonly string[]): StepOutcome {
  return { expected: expected.join('; '), got: got.join('; ') };
}

/** Only the fields the trace gives are compared. */
function compareSmaps(expected: readonly SmapsEntry[], got: readonly SmapsEntry[]): StepOutcome {
  const describe = (entry: SmapsEntry, fields: readonly string[]): string =>
    fields.map((field) => `${field} ${entry[field]}`).join(' ');
  return compareText(
    expected.map((entry) => describe(entry, Object.keys(entry))),
    got.map((entry, i) => describe(entry, Object.keys(expected[i] ?? { range: '' }))),
  );
}

function toHex(bytes: Uint8Array): string {
  let hex = '';
  for (const byte of bytes) hex += byte.toString(16).padStart(2, '0');
  return hex;
}
