import type { Core } from '../wasm/core.js';

/** What is to be called when the running call is over. */
export interface Pending {
  run(): void;
}

/**
 * The calls under way: who makes the outermost's inner one, how deep they are, and what waits for the end.
 * JavaScript runs one at a time, whatever the number of machines.
 */
let current: object | null = null;
let depth = 0;
let pending: Pending[] = [];
/** Errors of callbacks in the middle of a call, which it must not see. */
let errors: unknown[] = [];

/** The task that makes the running call, if who called said so. */
export function currentTask(): object | null {
  return current;
}

/** What waits for the end of the running call, in order; empty outside of calls. */
export function pendingHooks(): readonly Pending[] {
  return pending;
}

/** A task, as far as it is known here. */
interface Actor {
  readonly kernel: { readonly core: Core };
}

/** Watches and devices that were set on any core: what nearly every call looks at, and finds 0. */
let anywhere = 0;

/** Counts watches of a core, or takes them off. */
export function countWatches(core: Core, by: number): void {
  core.watches += by;
  anywhere += by;
}

/** Counts devices of a core, or takes them off. */
export function countDevices(core: Core, by: number): void {
  core.devices += by;
  anywhere += by;
}

/** The devices of a core are those of a checkpoint now; before there were `before`. */
export function recountDevices(core: Core, before: number): void {
  anywhere += core.devices - before;
}

/**
 * Whether a call of `task` has to be made through acting(): something is hooked, and it is not yet. Give it
 * the call as a bind(): a closure over the arguments would be paid for by calls that nobody hooks, too.
 */
export function mustAct(task: Actor): boolean {
  return anywhere !== 0 && isHooked(task);
}

function isHooked(task: Actor): boolean {
  const { core } = task.kernel;
  return current !== task && core.watches + core.devices > 0;
}

/**
 * Makes a call on behalf of a task. Hooks of what it did run when it is over, with nothing of the kernel on
 * the stack, so that they may call whatever they like and throw.
 * @throws the first error of a hook, in place of what the call would have answered
 */
export function acting<T>(task: object | null, call: () => T): T {
  const outer = current;
  current = task;
  depth += 1;
  try {
    return call();
  } finally {
    depth -= 1;
    current = outer;
    if (depth === 0 && pending.length + errors.length > 0) settle();
  }
}

/** Has a hook run at the end of the running call, or now when there is none. */
export function defer(hook: Pending): void {
  pending.push(hook);
  if (depth === 0) settle();
}

/** Keeps the error of a callback for the end of the running call, or throws it when there is none. */
export function deferError(error: unknown): void {
  errors.push(error);
  if (depth === 0) settle();
}

/** Runs every hook, whatever others throw; the first error comes out. */
function settle(): void {
  const hooks = pending;
  const thrown = errors;
  pending = [];
  errors = [];
  const outer = current;
  current = null;
  try {
    for (const hook of hooks) {
      try {
        hook.run();
      } catch (error) {
        thrown.push(error);
      }
    }
  } finally {
    current = outer;
  }
  if (thrown.length > 0) throw thrown[0];
}
