import {
  MAP_ANONYMOUS,
  MAP_FIXED,
  MAP_PRIVATE,
  PROT_READ,
  PROT_WRITE,
} from '../../assembly/abi/mman.js';
import { PAGE_SIZE } from '../../assembly/abi/page.js';
import { CAP_FULL_SET } from '../kernel/capability.js';
import { makeCred } from '../kernel/cred.js';
import { createProcess } from '../kernel/fork.js';
import type { Kernel } from '../kernel/kernel.js';
import { RLIM_INFINITY, Rlimits } from '../kernel/rlimit.js';
import { SIG_BLOCK, sigprocmask } from '../kernel/sigaction.js';
import { sigmask } from '../kernel/sighand.js';
import { SIGCHLD } from '../kernel/signal.js';
import type { TaskStruct } from '../kernel/task.js';
import { sysMmap } from '../syscall/memory.js';
import { spawnTask } from '../syscall/spawn.js';
import { AT_FDCWD, O_RDWR } from '../vfs/flags.js';
import { fsOf } from '../vfs/fs-struct.js';
import { openat } from '../vfs/open.js';
import { Names } from './names.js';
import { SCRATCH_SIZE, SCRATCH_START } from './scratch.js';
import type { TraceHeader } from './trace.js';

/** RLIMIT_* names by number: include/uapi/asm-generic/resource.h. */
const RLIMIT_NAMES = [
  'CPU',
  'FSIZE',
  'DATA',
  'STACK',
  'CORE',
  'RSS',
  'NPROC',
  'NOFILE',
  'MEMLOCK',
  'AS',
  'LOCKS',
  'SIGPENDING',
  'MSGQUEUE',
  'NICE',
  'RTPRIO',
  'RTTIME',
];

/** The program of the initial tasks. */
const EXECUTOR = '/usr/bin/executor';

/** Descriptors that the executor's tasks have from the start, all of /dev/null. */
const STANDARD_FILES = 3;

/** Of the length that environments have: traces may read into it, though not compare what is there. */
const ENVIRONMENT = [
  'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  'HOME=/root',
  'LANG=C.UTF-8',
  'LOGNAME=root',
  'PWD=/root',
  'SHELL=/bin/sh',
  'SHLVL=1',
  'TERM=xterm-256color',
  'USER=root',
  `LS_COLORS=${'rs=0:di=01;34:ln=01;36:'.repeat(80)}`,
  '_=/usr/bin/executor',
];

/** The tasks and names of a trace as its steps go on. */
export class TraceWorld {
  readonly kernel: Kernel;
  readonly names: Names;
  /** The parent of the initial tasks, which never waits; it reads /proc for the steps that look there. */
  readonly observer: TaskStruct;
  readonly #tasks = new Map<string, TaskStruct>();

  /**
   * Makes the initial tasks as the header describes them.
   *
   * @param from a world whose names and tasks it has instead, on a machine that is a copy of that one's
   */
  constructor(kernel: Kernel, header: TraceHeader, from: TraceWorld | null = null) {
    this.kernel = kernel;
    this.names = new Names(from?.names);
    if (from !== null) {
      this.observer = this.#sameTask(from.observer) ?? from.observer;
      for (const [name, task] of from.#tasks) {
        const own = this.#sameTask(task);
        if (own !== null) this.#tasks.set(name, own);
      }
      return;
    }
    for (const [name, value] of Object.entries(header.sysctl)) {
      if (kernel.sysctl.has(name)) kernel.sysctl.set(name, value);
    }
    this.observer = createProcess(kernel, kernel.init, { comm: 'observer' });
    fsOf(this.observer).vfs.addFile(EXECUTOR, new Uint8Array(PAGE_SIZE), { mode: 0o755 });
    for (const name of header.tasks) this.add(name, this.#spawn(header));
  }

  /** The task of a name; undefined when the fork that should have made it failed. */
  task(name: string): TaskStruct | undefined {
    return this.#tasks.get(name);
  }

  /** A new task takes a name; its numbers are bound. */
  add(name: string, task: TaskStruct): void {
    this.#tasks.set(name, task);
    this.names.bind(`${name}.pid`, BigInt(task.tgid));
    this.names.bind(`${name}.tid`, BigInt(task.pid));
  }

  /** The task that should have taken the name does not exist. */
  addMissing(name: string): void {
    this.#tasks.delete(name);
    this.names.bind(`${name}.pid`, -1n);
    this.names.bind(`${name}.tid`, -1n);
  }

  /** Here the task that is that one's copy; null when it had been reaped. */
  #sameTask(task: TaskStruct): TaskStruct | null {
    return task.kernel === this.kernel ? task : this.kernel.findTask(task.pid);
  }

  #spawn(header: TraceHeader): TaskStruct {
    const { kernel, observer } = this;
    const caps = header.caps & CAP_FULL_SET;
    const task = spawnTask(kernel, {
      comm: 'executor',
      parent: observer,
      cred: makeCred(kernel.initUserNs, { caps, bset: caps }),
      rlimits: rlimitsOf(header.rlimits),
      argv: [EXECUTOR],
      env: ENVIRONMENT,
    });
    // Recorded tasks hold it back: a traced one would stop whenever a child of it ends.
    sigprocmask(task, SIG_BLOCK, sigmask(SIGCHLD));
    sysMmap(task, {
      addr: SCRATCH_START,
      length: SCRATCH_SIZE,
      prot: PROT_READ | PROT_WRITE,
      flags: MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
    });
    for (let fd = 0; fd < STANDARD_FILES; fd++) openat(task, AT_FDCWD, '/dev/null', O_RDWR, 0);
    return task;
  }
}

/** What a header sets and the kernel does not have, as `sysctl.NAME` and `rlimits.NAME`. */
export function unknownSettings(kernel: Kernel, header: TraceHeader): string[] {
  const sysctls = Object.keys(header.sysctl).filter((name) => !kernel.sysctl.has(name));
  const rlimits = Object.keys(header.rlimits).filter((name) => !RLIMIT_NAMES.includes(name));
  return [...sysctls.map((name) => `sysctl.${name}`), ...rlimits.map((name) => `rlimits.${name}`)];
}

function rlimitsOf(values: Readonly<Record<string, number>>): Rlimits {
  const rlimits = new Rlimits();
  for (const [name, bytes] of Object.entries(values)) {
    const resource = RLIMIT_NAMES.indexOf(name);
    const limit = bytes < 0 ? RLIM_INFINITY : BigInt(bytes);
    if (resource >= 0) rlimits.set(resource, { cur: limit, max: limit });
  }
  return rlimits;
}
