// A supervisor decides about another process's system call by looking at its memory, as those of
// seccomp_unotify(2) do. Two races are in that, and every order of their steps is tried here:
//   swap:  a thread changes the path after the check, and the kernel reads it again when it goes on
//   reuse: the process dies, another gets its number, and /proc/PID/mem is somebody else's
import { interleavings, Machine } from 'procmem';

const text = (path) => new TextEncoder().encode(`${path}\0`);
const CLONE3_SIZE = 88;

/** The path at an address, read through a mem file. */
function readPath(mem, addr) {
  const bytes = new Uint8Array(32);
  mem.pread(bytes, addr);
  return new TextDecoder().decode(bytes.subarray(0, bytes.indexOf(0)));
}

/** The files, a process that asks to open /public, and its supervisor. */
async function start() {
  const machine = await Machine.create();
  const supervisor = machine.spawn({ comm: 'supervisor' });
  for (const name of ['/public', '/secret']) supervisor.writeFile(name, name.slice(1));
  const parent = machine.spawn({ comm: 'parent' });
  const target = parent.fork();
  const addr = target.mmap({ length: 4096 });
  target.store(addr, text('/public'));
  // The notification: valid as long as the process waits for the answer.
  const asked = { pid: target.pid, isValid: () => !target.exited, answer: null, wrong: 0 };
  return { machine, supervisor, parent, target, addr, asked };
}

const isAllowed = (path) => path === '/public';

/** Looks and says: go on. What goes on reads the path once more. */
function* checkAndContinue({ supervisor, target, addr, asked }) {
  const mem = supervisor.open(`/proc/${asked.pid}/mem`);
  yield;
  const allowed = isAllowed(readPath(mem, addr));
  yield;
  asked.answer = allowed ? readPathAndOpen(target, addr) : 'refused';
}

/** What the kernel does of a call that may go on. */
function readPathAndOpen(target, addr) {
  const fd = Number(target.syscall('openat', -100, addr, 0));
  const bytes = new Uint8Array(6);
  target.file(fd).read(bytes);
  return new TextDecoder().decode(bytes);
}

/** Reads once, checks what it has read, and opens that itself in the other's place. */
function* readOnce({ supervisor, addr, asked }) {
  const mem = supervisor.open(`/proc/${asked.pid}/mem`);
  yield;
  const path = readPath(mem, addr);
  yield;
  asked.answer = isAllowed(path) ? supervisor.readText(path) : 'refused';
}

/** Another thread of the process. */
function* swap({ target, addr }) {
  const thread = target.thread();
  yield;
  thread.store(addr, text('/secret'));
  yield;
  thread.store(addr, text('/public'));
}

/** Is the notification valid? Then open, and read. */
function* validThenOpen({ supervisor, addr, asked }) {
  if (!asked.isValid()) return;
  yield;
  const mem = attempt(() => supervisor.open(`/proc/${asked.pid}/mem`));
  yield;
  if (mem !== null) look(mem, addr, asked);
}

/** Open; valid even now? Then what was opened is what was meant, whatever happens from here on. */
function* openThenValid({ supervisor, addr, asked }) {
  const mem = attempt(() => supervisor.open(`/proc/${asked.pid}/mem`));
  yield;
  if (mem === null || !asked.isValid()) return;
  yield;
  look(mem, addr, asked);
}

function look(mem, addr, asked) {
  const path = attempt(() => readPath(mem, addr)) ?? '';
  if (path === '/other') asked.answer = 'a stranger';
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
    if (world.asked.answer !== lost) continue;
    bad += 1;
    first ??= steps.map((name) => name[0]).join('');
  }
  console.log(`${what}: ${bad} of ${runs} orders are lost${first ? `, such as ${first}` : ''}`);
}

await tryAll('swap, check and continue', checkAndContinue, swap, 'secret');
await tryAll('swap, read once', readOnce, swap, 'secret');
await tryAll('reuse, valid then open', validThenOpen, die, 'a stranger');
await tryAll('reuse, open then valid', openThenValid, die, 'a stranger');
