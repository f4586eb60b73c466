import * as mman from '../../assembly/abi/mman.js';
import { LinuxError } from '../../src/errno.js';
import type { Machine } from '../../src/machine.js';
import type { Task } from '../../src/api/task.js';

const PAGE = 4096;
const AREA = 0x10_0000_0000;
const AREA_PAGES = 96;

/** Gives numbers from 0 to below n. */
export type Dice = (n: number) => number;

/** The same numbers for the same seed. */
export function dice(seed: number): Dice {
  let state = seed | 1;
  return (n) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % n;
  };
}

function range(roll: Dice): [addr: number, length: number] {
  const first = roll(AREA_PAGES - 1);
  return [AREA + first * PAGE, (1 + roll(Math.min(12, AREA_PAGES - first))) * PAGE];
}

const PROTS = [mman.PROT_NONE, mman.PROT_READ, mman.PROT_READ | mman.PROT_WRITE, 7];
const ADVICES = [
  mman.MADV_DONTNEED,
  mman.MADV_FREE,
  mman.MADV_GUARD_INSTALL,
  mman.MADV_GUARD_REMOVE,
  mman.MADV_WIPEONFORK,
  mman.MADV_COLD,
  mman.MADV_PAGEOUT,
  mman.MADV_DONTFORK,
];

type Act = (task: Task, roll: Dice, machine: Machine) => void;

const ACTS: readonly Act[] = [
  (task, roll) => {
    const [addr, length] = range(roll);
    const kind = roll(3) === 0 ? mman.MAP_SHARED : mman.MAP_PRIVATE;
    const flags =
      kind | mman.MAP_ANONYMOUS | mman.MAP_FIXED | (roll(6) === 0 ? mman.MAP_LOCKED : 0);
    task.mmap({ addr, length, flags });
  },
  (task, roll) =>
    task.store(AREA + roll(AREA_PAGES * PAGE - 64), new Uint8Array(64).fill(roll(255))),
  (task, roll) => task.load(AREA + roll(AREA_PAGES * PAGE - 64), new Uint8Array(64)),
  (task, roll) => task.munmap(...range(roll)),
  (task, roll) => task.mprotect(...range(roll), PROTS[roll(PROTS.length)] as number),
  (task, roll) =>
    void task.syscall('madvise', ...range(roll), ADVICES[roll(ADVICES.length)] as number),
  (task, roll) => void task.syscall(roll(2) === 0 ? 'mlock' : 'munlock', ...range(roll)),
  (task, roll) => void task.syscall('mseal', AREA + roll(AREA_PAGES) * PAGE, PAGE, 0),
  (task, roll, machine) => {
    if (machine.stats().tasks < 8) (roll(4) === 0 ? () => task.thread() : () => task.fork())();
  },
  (task, roll) => void (task.pid > 2 && task.exit(roll(200))),
  (task) => void task.wait(),
  (task, roll, machine) => {
    const all = machine.tasks();
    const mem = task.open(`/proc/${(all[roll(all.length)] as Task).pid}/mem`, 'r+');
    if (roll(2) === 0)
      mem.pwrite(new Uint8Array(5000).fill(roll(255)), AREA + roll(AREA_PAGES * PAGE));
    else mem.pread(new Uint8Array(5000), AREA + roll(AREA_PAGES * PAGE));
    if (roll(3) === 0) mem.close();
  },
  (task, roll) => {
    const file = task.memfdCreate(`m${roll(5)}`);
    file.write(new Uint8Array(roll(20000)).fill(roll(255)));
    const [addr] = range(roll);
    const flags = (roll(2) === 0 ? mman.MAP_SHARED : mman.MAP_PRIVATE) | mman.MAP_FIXED;
    task.mmap({ addr, length: 3 * PAGE, file, flags });
    if (roll(2) === 0) task.syscall('ftruncate', file.fd, roll(9000));
  },
  (task, roll) => task.writeFile(`/tmp/f${roll(4)}`, new Uint8Array(roll(9000)).fill(roll(255))),
  (task, roll) => task.unlink(`/tmp/f${roll(4)}`),
  (task) => void task.readText('/proc/self/maps'),
  (task, roll) => void task.syscall('ftruncate', 3 + roll(6), roll(9000)),
  // FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE
  (task, roll) => void task.syscall('fallocate', 3 + roll(6), 3, roll(5000), 1 + roll(9000)),
  (task, roll) => void task.open('/proc/self/smaps').read(new Uint8Array(1 + roll(300))),
  (task, roll) => void (task.struct.pid > 1 && task.file(3 + roll(6)).read(new Uint8Array(40))),
  (task, roll) => void task.syscall('close', 3 + roll(12)),
  (task, roll) =>
    void task.readdir(['/proc', '/proc/self', '/proc/self/fd', '/proc/sys/vm'][roll(4)]!),
  (task, roll, machine) => {
    const all = machine.tasks();
    task.ptraceSeize(all[roll(all.length)] as Task);
  },
  (task, roll) => void task.syscall('pipe2', AREA + roll(AREA_PAGES) * PAGE, 0),
  (task, roll) =>
    void task.syscall('write', 3 + roll(5), AREA + roll(AREA_PAGES) * PAGE, roll(3000)),
  (task, roll) => void task.syscall('setresuid', roll(3) * 500, -1, -1),
  (_task, roll, machine) => void machine.sysctl('vm.overcommit_ratio', roll(100)),
  (task, roll) => void task.syscall('fcntl', 3 + roll(5), 1033, roll(16)),
  // Pages in rows and here and there, so that the TLB knows them for what it is.
  (task, roll) => {
    const first = roll(AREA_PAGES - 16);
    for (let i = 0; i < 16; i++) task.store64(AREA + (first + i) * PAGE, roll(1000));
  },
  (task, roll) => {
    for (let i = 0; i < 8; i++) task.store32(AREA + roll(AREA_PAGES) * PAGE + 8, roll(1000));
  },
  (task, roll, machine) => {
    const other = someTask(machine, roll);
    task.processVmWrite(
      other,
      AREA + roll(AREA_PAGES * PAGE),
      new Uint8Array(9000).fill(roll(255)),
    );
  },
  (task, roll, machine) => {
    const into = AREA + roll(AREA_PAGES * PAGE);
    task.processVmCopy(someTask(machine, roll), AREA + roll(AREA_PAGES * PAGE), into, 9000);
  },
  (task, roll) => {
    if (task.struct.mm?.userfaultfds?.size) return;
    const uffd = task.userfaultfd({
      onFault: ({ address }, pager) => {
        if (roll(2) === 0) pager.zeropage(address, PAGE);
        else pager.copy(address, new Uint8Array(PAGE).fill(roll(255)));
      },
    });
    uffd.register(...range(roll), 1 + roll(3));
    uffd.writeProtect(...range(roll));
  },
  (task, roll) =>
    task.writeFile('/proc/self/clear_refs', new TextEncoder().encode(`${1 + roll(4)}`)),
  (task, roll, machine) => void task.syscall('kill', someTask(machine, roll).pid, 1 + roll(64)),
  (task, roll) =>
    void task.syscall('mremap', ...range(roll), PAGE, 3, AREA + roll(AREA_PAGES) * PAGE),
];

function someTask(machine: Machine, roll: Dice): Task {
  const all = machine.tasks();
  return all[roll(all.length)] as Task;
}

/** Something happens on the machine; what Linux refuses is as good. */
export function live(machine: Machine, roll: Dice, times: number): void {
  for (let i = 0; i < times; i++) {
    const alive = machine.tasks().filter((task) => !task.exited && task.pid > 1);
    const task = alive[roll(alive.length)];
    if (task === undefined) return;
    try {
      (ACTS[roll(ACTS.length)] as Act)(task, roll, machine);
    } catch (error) {
      const fault = error instanceof Error && error.name === 'PageFault';
      if (!(error instanceof LinuxError) && !fault) throw error;
    }
  }
}
