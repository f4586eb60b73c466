import type { Kernel } from '../kernel/kernel.js';
import type { SecurityModule } from '../kernel/security.js';
import type { TaskStruct } from '../kernel/task.js';
import { CheckpointedMemory, type MemoryCheckpoint } from '../mm/checkpoint.js';
import { keepingWatches } from '../mm/watch.js';
import type { Vfs } from '../vfs/vfs.js';
import { SnapshotError } from './error.js';
import { Memento } from './memento.js';
import { ruleOf } from './schema.js';

/** The modules whose state is part of the machine's: those of this library that have any. */
function statefulModules(kernel: Kernel): Record<string, SecurityModule> {
  const found: Record<string, SecurityModule> = {};
  for (const module of kernel.security.list()) {
    if (ruleOf(Object.getPrototypeOf(module) as object) !== undefined) found[module.name] = module;
  }
  return found;
}

/** The objects from which all others of a machine can be reached. */
export function stateRoots(kernel: Kernel, vfs: Vfs): Record<string, object> {
  return { kernel, vfs, core: kernel.core, ...statefulModules(kernel) };
}

/** What a checkpoint keeps. */
interface Moment {
  readonly objects: Memento;
  readonly memory: MemoryCheckpoint;
  /** The time of day, milliseconds since the epoch. */
  readonly now: number;
}

/** The checkpoints of one machine. */
export class Checkpoints {
  readonly kernel: Kernel;
  readonly vfs: Vfs;
  readonly memory: CheckpointedMemory;

  constructor(kernel: Kernel, vfs: Vfs) {
    this.kernel = kernel;
    this.vfs = vfs;
    this.memory = new CheckpointedMemory(kernel.core);
  }

  /** @throws {SnapshotError} UNSUPPORTED: state that nobody said how to keep, by its path */
  make(): Checkpoint {
    const memento = new Memento(stateRoots(this.kernel, this.vfs));
    return new Checkpoint(this, memento, this.memory.take());
  }
}

/**
 * A moment of a machine to which it can go back: what machine.checkpoint() gives. It shares its pages
 * with the running machine until that writes to them. Any number can stand at once, and be restored and
 * disposed of in any order.
 *
 * After a restore every Task of a task that existed then stands for it as it was then, also one that had
 * exited since; an OpenFile is again what that descriptor of its task was. A task made later is no more:
 * its Task throws a TypeError, its files are closed (EBADF). Going forward again makes it valid again.
 *
 * @example
 * const checkpoint = machine.checkpoint();
 * task.store(addr, bytes);
 * checkpoint.restore(); // as if nothing had been stored
 * checkpoint.dispose();
 */
export class Checkpoint {
  readonly #of: Checkpoints;
  #moment: Moment | null;

  /**
   * Use machine.checkpoint().
   *
   * @internal
   */
  constructor(of: Checkpoints, objects: Memento, memory: MemoryCheckpoint) {
    this.#of = of;
    this.#moment = { objects, memory, now: of.vfs.now() };
  }

  /** Whether it is gone. */
  get disposed(): boolean {
    return this.#moment === null;
  }

  /** Whether it is a checkpoint of that machine. */
  isOf(checkpoints: Checkpoints): boolean {
    return this.#of === checkpoints;
  }

  /**
   * Makes the machine what it was; the checkpoint stays. Takes time for each page that changed since,
   * and for the kernel's objects and tables.
   *
   * @throws {TypeError} it was disposed of
   * @throws {SnapshotError} UNSUPPORTED: the machine's memory did not suffice to keep a page that changed;
   * nothing has changed then
   * @throws {LinuxError} ENOMEM: it went back, and no memory was left to watch what is watched now
   */
  restore(): void {
    if (this.#moment === null) throw new TypeError('checkpoint: it was disposed of');
    const { objects, memory, now } = this.#moment;
    const { kernel, memory: all } = this.#of;
    if (!all.isWhole(memory)) {
      throw new SnapshotError(
        'UNSUPPORTED',
        "checkpoint: the machine's memory ran out for its pages",
      );
    }
    keepingWatches(kernel.core, () => {
      const later = [...kernel.tasks()].filter((task) => !objects.has(task));
      objects.restore();
      all.restore(memory);
      kernel.shiftClock(this.#of.vfs.now() - now);
      for (const task of later) undo(task);
      kernel.core.rewinds += 1;
    });
  }

  /** Gives its memory back; nothing happens to one that is gone already. */
  dispose(): void {
    if (this.#moment === null) return;
    this.#of.memory.drop(this.#moment.memory);
    this.#moment = null;
  }
}

// Node 20 knows the symbol; browsers that do not yet have it still have dispose().
if (typeof Symbol.dispose === 'symbol') {
  Object.defineProperty(Checkpoint.prototype, Symbol.dispose, {
    value(this: Checkpoint) {
      this.dispose();
    },
  });
}

/** A task that does not exist yet at the moment that the machine went back to. */
function undo(task: TaskStruct): void {
  task.undone = true;
  task.state = 'X';
  task.mm = null;
  task.files = null;
  task.fs = null;
}
