// C programs that ask the kernel what only a real one knows: as guests they print what they print when
// compiled for this computer and run by its kernel.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import {
  compileGuest,
  compileNative,
  missingCross,
  missingLinux,
  missingTool,
  runGuest,
  runHost,
} from './programs.js';

/** Each with what is not the same under qemu's user mode, if it is compared with that at all. */
const PROGRAMS = [
  { name: 'signals', about: 'handlers, masks, interrupted calls, stacks, deaths' },
  { name: 'wakeups', about: 'a signal and what a call waits for, one after the other', qemu: true },
  { name: 'faults', about: 'addresses and codes of faults', native: /^(?:illegal|ebreak).*\n/gm },
  { name: 'threads', about: 'locks, conditions, cancellation, the end', qemu: true },
  { name: 'robust', about: 'locks whose owner died' },
  { name: 'processes', about: 'fork, exec, wait, pipes' },
  { name: 'ptys', about: 'pseudo terminals: settings, lines, bytes' },
  { name: 'ptyflow', about: 'flow control, packet mode, closed sides' },
  { name: 'sessions', about: 'controlling terminals, the background, hangups' },
  { name: 'inotify', about: 'what watches are told of every call' },
  { name: 'textbusy', about: 'programs that are written or run, whiteouts', root: true },
  { name: 'fifos', about: 'opening waits for the other end' },
  { name: 'pagefaults', about: 'how many there are, in getrusage, wait4, stat' },
  { name: 'nice', about: 'who may set whose niceness', root: true },
  {
    name: 'policies',
    about: 'sched_setattr, sched_getattr, sched_setscheduler, ioprio_set, ioprio_get',
    root: true,
  },
  { name: 'pipes', about: 'their size, tee, vmsplice', root: true },
  {
    name: 'files',
    about: 'times, RLIMIT_FSIZE, clones, readahead, sync_file_range, syncfs',
    root: true,
  },
  { name: 'memory', about: 'mappings, sharing, futexes between processes' },
  { name: 'edges', about: 'what is news to an epoll' },
  {
    name: 'states',
    about: 'sleeping, stopped, dead: stat, status, wchan, syscall, times',
    root: true,
  },
  { name: 'timers', about: 'timers that are files', qemu: true },
  { name: 'seccomp', about: 'filters of system calls', root: true },
  { name: 'supervisor', about: 'who is asked about calls, and answers' },
  { name: 'posix-timers', about: 'timers of timer_create()' },
  { name: 'signalfds', about: 'signals that are read', root: true },
  { name: 'mutexes', about: 'mutexes with priority inheritance', qemu: true },
  { name: 'pi', about: 'locks with priority inheritance, waiting for several words' },
  { name: 'rseqs', about: 'restartable sequences, barriers' },
  { name: 'semaphores', about: 'semaphores of System V', root: true },
  { name: 'messages', about: 'message queues of System V', root: true },
  { name: 'mqueues', about: 'POSIX message queues', root: true },
  { name: 'tcp', about: 'streams over loopback: addresses, connecting, options' },
  { name: 'streams', about: 'streams over loopback: what is sent, and how they end' },
  { name: 'udp', about: 'datagrams over loopback' },
  { name: 'loopback', about: 'the network of a machine that has only lo', root: true },
  { name: 'tracer', about: 'a tracer of system calls' },
  { name: 'selfsignals', about: 'signals to itself stop a tracee when their call is over' },
  { name: 'selfmem', about: 'a crash handler reads /proc/self/mem' },
] as const;

const test = suite('guest/programs');
const cross = missingCross();
const linux = missingLinux();
const notRoot = process.getuid?.() === 0 ? null : 'you are not root';
const qemu = missingTool('qemu-riscv64');
const dir = mkdtempSync(join(tmpdir(), 'procmem-programs-'));

function define(title: string, missing: string | null, body: () => Promise<void>): void {
  if (missing === null) {
    test(title, body);
    return;
  }
  console.log(`SKIPPED guest/programs, ${title}: ${missing}`);
  test.skip(title);
}

for (const program of PROGRAMS) {
  const { name, about } = program;
  const missing = cross ?? linux ?? ('root' in program ? notRoot : null);
  define(`${name} prints what it prints on this kernel: ${about}`, missing, async () => {
    const guest = await runGuest(compileGuest(name, dir));
    const native = runHost(compileNative(name, dir));
    // Lines about instructions that only riscv64 has.
    const only = 'native' in program ? program.native : /^$/;
    assert.is(guest.output.replace(only, ''), native.output);
    assert.is(guest.status, native.status);
    assert.equal(guest.machine.check(), []);
  });
  if (!('qemu' in program)) continue;
  define(`${name} prints what it prints under qemu`, cross ?? qemu, async () => {
    const path = compileGuest(name, dir);
    const guest = await runGuest(path);
    assert.equal({ output: guest.output, status: guest.status }, runHost('qemu-riscv64', path));
  });
}

const DEBUGGED = `at ebreak 57f
registers: 0 
bytes 256
floating: 0 
bytes 264
vector: -1 Invalid argument
step: -1 Input/output error
user: -1 Input/output error
all: -1 Input/output error
stop 57f at twice 1, argument 5
exit code 42
`;

// qemu's user mode has no ptrace to compare with.
define('a debugger has the registers of RISC-V, and a breakpoint', cross, async () => {
  const { output, status, machine } = await runGuest(compileGuest('breakpoint', dir));
  assert.is(output, DEBUGGED);
  assert.is(status, 0);
  assert.equal(machine.check(), []);
});

test.after(() => rmSync(dir, { recursive: true }));

test.run();
