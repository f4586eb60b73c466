// A supervisor decides about another process's system call by looking at its memory, as those of
// seccomp_unotify(2) do: a filter has openat() ask, and the answer is that it may go on, or a descriptor.
// Two races are in that, and every order of their steps is tried here:
//   swap:  a thread changes the path after the check, and the kernel reads it again when it goes on
//   reuse: the process dies, another gets its number, and /proc/PID/mem is somebody else's
import { interleavings, Machine } from 'procmem';

const AT_FDCWD = -100;
const OPENAT = 257;
const CLONE3_SIZE = 88;
// seccomp(2), and what its descriptor's ioctl() takes (linux/seccomp.h)
const SET_MODE_FILTER = 1;
const NEW_LISTENER = 8;
const RET_ALLOW = 0x7fff0000;
const RET_USER_NOTIF = 0x7fc00000;
const NOTIF_RECV = 0xc0502100;
const NOTIF_SEND = 0xc0182101;
const NOTIF_ID_VALID = 0x40082102;
const NOTIF_ADDFD = 0x40182103;
const CONTINUE = 1;
const ADDFD_SEND = 2;

const text = (path) => new TextEncoder().encode(`${path}\0`);

/** struct sock_filter each: code, jumps, constant. */
function program(...instructions) {
  const view = new DataView(new ArrayBuffer(8 * instructions.length));
  instructions.forEach(([code, onTrue, onFalse, k], i) => {
    view.setUint16(8 * i, code, true);
    view.setUint8(8 * i + 2, onTrue);
    view.setUint8(8 * i + 3, onFalse);
    view.setUint32(8 * i + 4, k, true);
  });
  return new Uint8Array(view.buffer);
}

const ASKS_ABOUT_OPENAT = program(
  [0x20, 0, 0, 0], // load the number
  [0x15, 0, 1, OPENAT],
  [0x06, 0, 0, RET_USER_NOTIF],
  [0x06, 0, 0, RET_ALLOW],
);

/** Has the calls of a task filtered; gives the descriptor on which a supervisor is asked. */
function filterCalls(task) {
  const at = task.mmap({ length: 4096 });
  task.store(at + 16n, ASKS_ABOUT_OPENAT);
  task.store16(at, ASKS_ABOUT_OPENAT.length / 8); // struct sock_fprog
  task.store64(at + 8n, at + 16n);
  return task.syscall('seccomp', SET_MODE_FILTER, NEW_LISTENER, at);
}

/** A supervisor with the descriptor of a process's filter. */
class Supervisor {
  constructor(task, target, listener) {
    this.task = task;
    this.scratch = task.mmap({ length: 4096 });
    this.fd = task.syscall('pidfd_getfd', task.syscall('pidfd_open', target.pid, 0), listener, 0);
  }

  /** Takes the call that waits: its number, who made it, and its second argument. */
  receive() {
    this.task.store(this.scratch, new Uint8Array(80));
    this.task.syscall('ioctl', this.fd, NOTIF_RECV, this.scratch);
    const { task, scratch } = this;
    this.id = task.load64(scratch);
    return { pid: task.load32(scratch + 8n), path: task.load64(scratch + 16n + 16n + 8n) };
  }

  /** Whether that call waits even now. */
  isValid() {
    return this.tell(NOTIF_ID_VALID, 8) === 0;
  }

  /** What the call fails with, or that it is made after all. */
  answer(error, flags) {
    this.tell(NOTIF_SEND, 24, [16, error], [20, flags]);
  }

  /** The call is answered by a descriptor of the supervisor's own. */
  give(fd) {
    this.tell(NOTIF_ADDFD, 24, [8, ADDFD_SEND], [12, fd]);
  }

  tell(request, size, ...fields) {
    this.task.store(this.scratch, new Uint8Array(size));
    this.task.store64(this.scratch, this.id);
    for (const [at, value] of fields) this.task.store32(this.scratch + BigInt(at), value);
    return this.task.syscall('ioctl', this.fd, request, this.scratch);
  }
}

/** The path at an address, read through a mem file. */
function readPath(mem, addr) {
  const bytes = new Uint8Array(32);
  mem.pread(bytes, addr);
  return new TextDecoder().decode(bytes.subarray(0, bytes.indexOf(0)));
}

/** The files, a process that asks to open /public, and its supervisor, who has been told. */
async function start() {
  const machine = await Machine.create();
  const task = machine.spawn({ comm: 'supervisor' });
  for (const name of ['/public', '/secret']) task.writeFile(name, name.slice(1));
  const parent = machine.spawn({ comm: 'parent' });
  const target = parent.fork();
  const addr = target.mmap({ length: 4096 });
  target.store(addr, text('/public'));
  const supervisor = new Supervisor(task, target, filterCalls(target));
  openPath({ target, addr }); // waits from here on
  return { machine, supervisor, parent, target, addr, asked: supervisor.receive(), got: null };
}

/** The call; made again, it says what became of it. */
function openPath({ target, addr }) {
  return target.syscall('openat', AT_FDCWD, addr, 0);
}

/** What the process reads, when its call is over. */
function contents(world) {
  const fd = openPath(world);
  if (fd < 0) return 'refused';
  const bytes = new Uint8Array(6);
  world.target.file(fd).read(bytes);
  return new TextDecoder().decode(bytes);
}

const isAllowed = (path) => path === '/public';

/** Looks and says: go on. What goes on reads the path once more. */
function* checkAndContinue(world) {
  const { supervisor, asked } = world;
  const mem = supervisor.task.open(`/proc/${asked.pid}/mem`);
  yield;
  const allowed = isAllowed(readPath(mem, asked.path));
  yield;
  supervisor.answer(allowed ? 0 : -13, allowed ? CONTINUE : 0);
  world.got = contents(world);
}

/** Reads once, checks what it has read, opens that itself, and gives the descriptor. */
function* readOnce(world) {
  const { supervisor, asked } = world;
  const mem = supervisor.task.open(`/proc/${asked.pid}/mem`);
  yield;
  const path = readPath(mem, asked.path);
  yield;
  if (isAllowed(path)) supervisor.give(supervisor.task.open(path).fd);
  else supervisor.answer(-13, 0);
  world.got = contents(world);
}

/** Another thread of the process. */
function* swap({ target, addr }) {
  const thread = target.thread();
  yield;
  thread.store(addr, text('/secret'));
  yield;
  thread.store(addr, text('/public'));
}

/** Does the call still wait? Then open, and read. */
function* validThenOpen(world) {
  const { supervisor, asked } = world;
  if (!supervisor.isValid()) return;
  yield;
  const mem = attempt(() => supervisor.task.open(`/proc/${asked.pid}/mem`));
  yield;
  if (mem !== null) look(world, mem);
}

/** Open; does the call wait even now? Then what was opened is what was meant, whatever happens from here on. */
function* openThenValid(world) {
  const { supervisor, asked } = world;
  const mem = attempt(() => supervisor.task.open(`/proc/${asked.pid}/mem`));
  yield;
  if (mem === null || !supervisor.isValid()) return;
  yield;
  look(world, mem);
}

function look(world, mem) {
  const path = attempt(() => readPath(mem, world.asked.path)) ?? '';
  if (path === '/other') world.got = 'a stranger';
}

function attempt(act) {
  try {
    return act();
  } catch {
    return null;
  }
}

/** The process dies, is waited for, and its number is given to the next. */
function* die({ machine, parent, target, addr, asked }) {
  target.exit();
  yield;
  parent.wait();
  yield;
  const next = machine.task(cloneAs(parent, asked.pid));
  next.mmap({ addr, length: 4096, flags: 0x32 });
  next.store(addr, text('/other'));
}

/** Makes a child with a chosen number: clone3 with set_tid. A busy machine comes round to it by itself. */
function cloneAs(parent, pid) {
  const args = parent.mmap({ length: 4096 });
  parent.store32(args + 200n, pid);
  parent.store64(args + 32n, 17n); // exit_signal
  parent.store64(args + 64n, args + 200n); // set_tid
  parent.store64(args + 72n, 1n);
  return Number(parent.syscall('clone3', args, CLONE3_SIZE));
}

async function tryAll(what, supervisor, other, lost) {
  let runs = 0;
  let bad = 0;
  let first = null;
  let world;
  const setup = async () => {
    world = await start();
    return { supervisor: supervisor(world), other: other(world) };
  };
  for await (const { steps } of interleavings(setup)) {
    runs += 1;
    if (world.got !== lost) continue;
    bad += 1;
    first ??= steps.map((name) => name[0]).join('');
  }
  console.log(`${what}: ${bad} of ${runs} orders are lost${first ? `, such as ${first}` : ''}`);
}

await tryAll('swap, check and continue', checkAndContinue, swap, 'secret');
await tryAll('swap, read once', readOnce, swap, 'secret');
await tryAll('reuse, valid then open', validThenOpen, die, 'a stranger');
await tryAll('reuse, open then valid', openThenValid, die, 'a stranger');
