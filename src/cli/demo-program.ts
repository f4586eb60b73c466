import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

import type { Task, WaitStatus } from '../api/task.js';
import { Console } from '../guest/console.js';
import { Guest } from '../guest/guest.js';
import { Machine } from '../machine.js';
import { hostDirectory } from '../node.js';
import { debianRoot } from './debian-root.js';

const EXAMPLES = new URL('../../../examples/guest/', import.meta.url);
/** Where tools/riscv64-root.mjs puts the program that it compiles. */
const GLOG = '/usr/bin/glog';
/** Who the program runs as. */
const UID = 1000;

/** A program for riscv64 that crashes and prints its own stack. */
export interface CrashProgram {
  readonly label: string;
  readonly about: string;
  /** Its path in the machine. */
  readonly path: string;
  /** Null: it is in the root. */
  readonly bytes: Uint8Array | null;
  /** Directory of this computer that the machine's tree begins with; null: it needs none. */
  readonly root: string | null;
}

/** What a program printed and did. */
export interface ProgramRun {
  readonly machine: Machine;
  readonly task: Task;
  readonly lines: readonly string[];
  readonly status: WaitStatus;
  readonly instructions: number;
  /** System calls by name. */
  readonly calls: ReadonlyMap<string, number>;
}

/** Debian's glog where there is a root of its packages, else the program that needs nothing. */
export function chooseProgram(): CrashProgram {
  const root = debianRoot();
  return root !== null && existsSync(join(root, GLOG)) ? glogProgram(root) : staticProgram();
}

/** The program that comes with the package. */
function staticProgram(): CrashProgram {
  const about = 'a static program that names its own stack, as google-glog does';
  return { ...readProgram('crash'), about, root: null };
}

/** The program that uses Debian's google-glog, in a root of its packages. */
function glogProgram(root: string): CrashProgram {
  const about = "a program linked with Debian's google-glog";
  return { label: 'examples/guest/glog.cc', path: GLOG, bytes: null, about, root };
}

function readProgram(name: string): Omit<CrashProgram, 'about' | 'root'> {
  const bytes = gunzipSync(readFileSync(new URL(`${name}.gz`, EXAMPLES)));
  return { label: `examples/guest/${name}.gz`, path: `/usr/bin/${name}`, bytes };
}

/**
 * Runs it to its end.
 *
 * @param procMem whether the machine has /proc/PID/mem
 * @param onMem called once, when the program has opened its /proc/self/mem
 */
export async function runProgram(
  program: CrashProgram,
  procMem: boolean,
  onMem: (machine: Machine, task: Task) => void = () => undefined,
): Promise<ProgramRun> {
  const { root, path, bytes } = program;
  const directory = root === null ? {} : { root: hostDirectory(root) };
  const now = (): number => performance.timeOrigin + performance.now();
  const machine = await Machine.create({ procMem, now, ...directory });
  if (bytes !== null) machine.addFile(path, bytes, 0o755);
  const output: Uint8Array[] = [];
  const console = new Console({ write: (part) => void output.push(part) });
  const calls = new Map<string, number>();
  let opened = false;
  const guest = new Guest(machine, {
    onCall({ task, name, result }) {
      calls.set(name, (calls.get(name) ?? 0) + 1);
      if (opened || name !== 'openat' || Number(result) < 0) return;
      opened = task.readlink(`/proc/self/fd/${result}`) === `/proc/${task.pid}/mem`;
      if (opened) onMem(machine, task);
    },
  });
  const streams = { stdin: console, stdout: console, stderr: console };
  const task = guest.start(path, [path], { uid: UID, ...streams });
  const status = await guest.runToEnd(task);
  const lines = Buffer.concat(output).toString().trimEnd().split('\n');
  return { machine, task, lines, status, instructions: guest.instructions, calls };
}
