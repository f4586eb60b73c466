// The story this project began with: a crash handler inside a sandbox without /proc/self/mem.
import {
  type ByteSource,
  BytesSource,
  LinuxError,
  type Machine,
  parseMaps,
  PageFault,
  readCore,
  registersFromUser,
  type StackFrame,
  symbolize,
  type Task,
  unwind,
} from '../../src/index.js';
import { crashFiles } from './demos.js';
import { answerOf, type AccessAnswer } from './explain.js';
import { createMachine, type Session } from './session.js';

/** A frame as a crash handler prints it. */
export interface TourFrame {
  readonly pc: bigint;
  /** Null is printed as `(unknown)`. */
  readonly name: string | null;
}

/** A call that naming the first frames made, and what it gave. */
export interface TourCall {
  readonly call: string;
  /** `3`, `64 bytes`, `-1 ENOENT`. */
  readonly result: string;
  readonly failed: boolean;
}

/** One run of the crash handler. */
export interface TourRun {
  readonly frames: readonly TourFrame[];
  /** The first calls, in order. */
  readonly calls: readonly TourCall[];
  /** How many calls there were in all. */
  readonly callCount: number;
}

/** All that the tour tells. */
export interface TourAnswer {
  readonly program: string;
  readonly pid: number;
  readonly without: TourRun;
  readonly with: TourRun;
  /** Who may open mem of the process, once the file is there. */
  readonly access: readonly { readonly who: string; readonly answer: AccessAnswer }[];
}

/** Calls told one by one; the others are only counted. */
const MAX_CALLS = 12;

/** The guided tour. */
export const tourHandlers = {
  'tour.tell': (_session: Session, _args: object): Promise<TourAnswer> => (told ??= tell()),
};

/** It never changes, so it is told once. */
let told: Promise<TourAnswer> | null = null;

async function tell(): Promise<TourAnswer> {
  const files = await crashFiles();
  const core = readCore(new BytesSource('core', files.core));
  const load = (machine: Machine): Task => {
    const [thread] = machine.loadCore(core, { open: files.open }).threads;
    if (thread === undefined) throw new TypeError('the crash has no thread');
    return thread;
  };
  const sandbox = load(await createMachine({ procMem: false }));
  const machine = await createMachine();
  const task = load(machine);
  const answer = (who: string, caller: Task) => {
    return { who, answer: answerOf(machine.explainAccess(caller, task)) };
  };
  const { real } = task.uids;
  return {
    program: task.comm,
    pid: task.pid,
    without: new CrashHandler(sandbox).run(),
    with: new CrashHandler(task).run(),
    access: [
      answer('the process itself', task),
      answer(`another process of user ${real}`, machine.spawn({ uid: real })),
      answer(`a process of user ${real + 1}`, machine.spawn({ uid: real + 1 })),
    ],
  };
}

/** What a crash handler does inside its process: it walks the stack, then names each frame. */
class CrashHandler {
  readonly #task: Task;
  readonly #calls: TourCall[] = [];
  #count = 0;

  constructor(task: Task) {
    this.#task = task;
  }

  run(): TourRun {
    const frames = this.#frames().map(({ pc, exact }) => {
      return { pc, name: symbolize(exact || pc === 0n ? pc : pc - 1n, (path) => this.#open(path)) };
    });
    return { frames, calls: this.#calls, callCount: this.#count };
  }

  /** By loads of the thread's own CPU, which need no file. */
  #frames(): readonly StackFrame[] {
    const task = this.#task;
    const { regs } = task.struct;
    if (regs === null) throw new TypeError('the crash has no registers');
    const read = (addr: number, length: number): Uint8Array | null => {
      try {
        return task.load(addr, length);
      } catch (error) {
        if (error instanceof PageFault) return null;
        throw error;
      }
    };
    const maps = parseMaps(task.readText('/proc/self/maps'));
    const open = (path: string): ByteSource | null => this.#openQuietly(path);
    return unwind(registersFromUser(regs), { read, maps, open }).frames;
  }

  #openQuietly(path: string): ByteSource | null {
    try {
      const file = this.#task.open(path);
      const size = Number(file.stat().size);
      const bytes = new Uint8Array(size);
      file.pread(bytes, 0);
      file.close();
      return new BytesSource(path, bytes);
    } catch (error) {
      if (error instanceof LinuxError) return null;
      throw error;
    }
  }

  /** Opens a file, and tells of that and of each read. */
  #open(path: string): (ByteSource & { close(): void }) | null {
    const file = this.#tell(
      `open("${path}")`,
      () => this.#task.open(path),
      ({ fd }) => `${fd}`,
    );
    if (file === null) return null;
    const short = path.slice(path.lastIndexOf('/') + 1);
    const read = (offset: number, length: number): Uint8Array => {
      const bytes = new Uint8Array(length);
      const call = `pread(${short}, ${length}, 0x${offset.toString(16)})`;
      const count = this.#tell(call, () => file.pread(bytes, offset), bytesText) ?? 0;
      return bytes.subarray(0, count);
    };
    return { name: path, size: Number(file.stat().size), read, close: () => file.close() };
  }

  /** Makes a call and notes what it gave; null where Linux refused. */
  #tell<T>(call: string, make: () => T, show: (result: T) => string): T | null {
    try {
      const result = make();
      this.#note({ call, result: show(result), failed: false });
      return result;
    } catch (error) {
      if (!(error instanceof LinuxError)) throw error;
      this.#note({ call, result: `-1 ${error.code}`, failed: true });
      return null;
    }
  }

  #note(call: TourCall): void {
    this.#count++;
    if (this.#calls.length < MAX_CALLS) this.#calls.push(call);
  }
}

function bytesText(count: number): string {
  return `${count} ${count === 1 ? 'byte' : 'bytes'}`;
}
