import * as abi from '../abi.js';
import type { Scenario } from '../scenario.js';
import { hex, PAGE, type Arg } from '../step.js';
import { becomeUser } from './credentials.js';
import type { Generator } from './generator.js';
import { CONTENT, mapPlaces, SINK } from './places.js';
import { words } from './window.js';

const MAX_CHILDREN = 29;
const WALL = 0x40000000;
const WUNTRACED = 2;
const WCONTINUED = 8;
const WSTOPPED = 2;
const P_PID = 1;
const CONT = 7;
const ATTACH = 16;
const SETOPTIONS = 0x4200;
const GETEVENTMSG = 0x4201;
const GETSIGINFO = 0x4202;
const GETREGSET = 0x4204;
const INTERRUPT = 0x4207;
const LISTEN = 0x4208;
const GETSIGMASK = 0x420a;
const NT_PRSTATUS = 1;
const SIGSTOP = 19;
const SIGCONT = 18;
const SIGUSR1 = 10;
const SIGTERM = 15;
/** Options that change nothing while the tracee neither forks, execs nor ends; the last two are none. */
const OPTIONS: readonly Arg[] = [0, 1, 2, 4, 8, 0x10, 0x20, 0x100000, 0x100, 0x80000000];

/**
 * Tracees stopped and looked at: SEIZE and INTERRUPT, ATTACH, options, registers' sizes, signals on their way, waits of
 * tracer and parent; and children that job control stops. Nothing is asked of a task while it is stopped.
 */
export const stops: Generator = {
  name: 'stops',
  tasks: ['A', 'B'],
  run(s, steps) {
    for (const task of ['A', 'B']) mapPlaces(s, task);
    for (let born = 1; s.steps.length < steps && born <= MAX_CHILDREN; born++) {
      const child = `C${born}`;
      s.fork('A', child);
      if (s.rng.chance(0.3)) becomeUser(s, child);
      s.rng.weighted<() => void>([
        [5, () => trace(s, child)],
        [2, () => control(s, child)],
      ])();
      const options = abi.WNOHANG | WALL;
      s.bind(s.fresh('wait'), 'A', 'wait4', [pidOf(child), { out: 4 }, options, 0]);
    }
  },
};

function pidOf(task: string): Arg {
  return { ref: `${task}.pid` };
}

function trace(s: Scenario, child: string): void {
  const { rng } = s;
  const tracer = rng.pick(['A', 'A', 'B']);
  const pid = pidOf(child);
  const seizes = rng.chance(0.65);
  const started = seizes
    ? s.call(tracer, 'ptrace', [abi.PTRACE_SEIZE, pid, 0, rng.pick(OPTIONS)])
    : s.call(tracer, 'ptrace', [ATTACH, pid, 0, 0]);
  if (!started.ok) return;
  let stopped = !seizes;
  if (stopped) waitFor(s, tracer, child);
  for (let n = rng.between(2, 6); n > 0; n--) {
    if (!stopped) {
      runningTracee(s, tracer, child);
      if (!(stopped = stop(s, tracer, child, seizes))) continue;
    }
    for (let looks = rng.between(3, 10); looks > 0; looks--) lookAt(s, tracer, child);
    if (rng.chance(0.7)) stopped = !resume(s, tracer, child, seizes);
  }
  end(s, tracer, child, stopped);
}

function waitFor(s: Scenario, tracer: string, child: string): void {
  s.bind(s.fresh('wait'), tracer, 'wait4', [pidOf(child), { out: 4 }, WALL, 0]);
}

/** What a tracee that runs does not answer to; it acts meanwhile. */
function runningTracee(s: Scenario, tracer: string, child: string): void {
  const pid = pidOf(child);
  const request = s.rng.pick([abi.PTRACE_PEEKDATA, CONT, GETEVENTMSG, GETREGSET, LISTEN, 12]);
  s.call(tracer, 'ptrace', [request, pid, hex(CONTENT), { out: 8 }]);
  s.poke(child, CONTENT + s.rng.int(64), s.rng.hexBytes(1));
}

/** By INTERRUPT, where that is possible, or by a signal. */
function stop(s: Scenario, tracer: string, child: string, seized: boolean): boolean {
  const pid = pidOf(child);
  if (s.rng.chance(0.7)) {
    const interrupted = s.call(tracer, 'ptrace', [INTERRUPT, pid, 0, 0]);
    if (!interrupted.ok || !seized) return false;
  } else s.call('A', 'kill', [pid, s.rng.pick([SIGUSR1, SIGTERM])]);
  waitFor(s, tracer, child);
  return true;
}

function lookAt(s: Scenario, tracer: string, child: string): void {
  const { rng } = s;
  const pid = pidOf(child);
  const ask = (request: number, addr: Arg, data: Arg): boolean =>
    s.call(tracer, 'ptrace', [request, pid, addr, data]).ok;
  const at = CONTENT + rng.pick([0, 1, 8, PAGE - 8, PAGE - 4, PAGE]);
  rng.weighted<() => void>([
    [3, () => ask(rng.pick([1, 2]), hex(at), { out: 8 })],
    [3, () => ask(rng.pick([4, 5]), hex(at), `0x${rng.hexBytes(8)}`)],
    [2, () => ask(SETOPTIONS, 0, rng.pick(OPTIONS))],
    [2, () => ask(GETEVENTMSG, 0, rng.pick([{ out: 8 }, { out: 8 }, '0x8']))],
    [2, () => signalInfo(s, tracer, child)],
    [3, () => registers(s, tracer, child)],
    [1, () => ask(GETSIGMASK, rng.pick([0, 4, 16]), { out: 8 })],
    [1, () => ask(rng.pick([999, 0x4300, 7777]), 0, 0)],
    [1, () => ask(CONT, 0, rng.pick([65, -1, 1000]))],
    [1, () => ask(3, rng.pick([1, 7, 2000, -8]), { out: 8 })],
    [1, () => s.call(tracer, 'wait4', [pid, { out: 4 }, WALL | abi.WNOHANG, 0])],
    [1, () => stateOf(s, rng.pick(['A', 'B']), child)],
    [1, () => s.call('B', 'ptrace', [rng.pick([ATTACH, abi.PTRACE_SEIZE, 2]), pid, 0, 0])],
    [1, () => waitInfo(s, tracer, child)],
  ])();
}

/** Signal, error and code; whose it was differs between runs. */
function signalInfo(s: Scenario, tracer: string, child: string): void {
  if (s.call(tracer, 'ptrace', [GETSIGINFO, pidOf(child), 0, hex(SINK)]).ok)
    s.peek(tracer, SINK, 12);
}

/** How much of the registers there is; their values are the executor's. */
function registers(s: Scenario, tracer: string, child: string): void {
  const { rng } = s;
  const size = rng.pick([216, 216, 1000, 8, 0, 7, 100]);
  s.poke(tracer, SINK, words(SINK + 64, size));
  const type = rng.pick([NT_PRSTATUS, NT_PRSTATUS, NT_PRSTATUS, 99, 0]);
  s.call(tracer, 'ptrace', [GETREGSET, pidOf(child), type, hex(SINK)]);
  s.peek(tracer, SINK + 8, 8);
}

/** The first lines of status, as far as they are the same in every run. */
function stateOf(s: Scenario, observer: string, child: string): void {
  const fd = s.fresh('status');
  const path = { str: `/proc/\${${child}.pid}/status` };
  if (!s.bind(fd, observer, 'openat', [abi.AT_FDCWD, path, abi.O_RDONLY]).ok) return;
  const length = 'Name:\tplaces\nUmask:\t0022\nState:\tT (stopped)'.length;
  s.call(observer, 'read', [{ ref: fd }, { out: length }, length]);
  s.call(observer, 'close', [{ ref: fd }]);
}

function waitInfo(s: Scenario, tracer: string, child: string): void {
  const options = s.rng.pick([WSTOPPED, 4, WCONTINUED, WSTOPPED | 4]) | abi.WNOHANG | WALL;
  s.poke(tracer, SINK, '00'.repeat(32));
  if (!s.call(tracer, 'waitid', [P_PID, pidOf(child), hex(SINK), options, 0]).ok) return;
  s.peek(tracer, SINK, 12);
  s.peek(tracer, SINK + 24, 4);
}

/** Lets the tracee run; false when it did not. */
function resume(s: Scenario, tracer: string, child: string, seized: boolean): boolean {
  const pid = pidOf(child);
  if (seized && s.rng.chance(0.1) && s.call(tracer, 'ptrace', [LISTEN, pid, 0, 0]).ok) {
    s.call(tracer, 'ptrace', [CONT, pid, 0, 0]);
    s.call(tracer, 'ptrace', [INTERRUPT, pid, 0, 0]);
    waitFor(s, tracer, child);
  }
  return s.call(tracer, 'ptrace', [CONT, pid, 0, 0]).ok;
}

function end(s: Scenario, tracer: string, child: string, stopped: boolean): void {
  const { rng } = s;
  const pid = pidOf(child);
  if (!stopped || rng.chance(0.3)) {
    s.call('A', 'kill', [pid, 9]);
    s.bind(s.fresh('wait'), tracer, 'wait4', [pid, { out: 4 }, WALL, 0]);
    if (tracer !== 'A') s.bind(s.fresh('wait'), 'A', 'wait4', [pid, { out: 4 }, WALL, 0]);
    return;
  }
  s.call(tracer, 'ptrace', [abi.PTRACE_DETACH, pid, 0, rng.pick([65, -1, 0])]);
  s.call(tracer, 'ptrace', [abi.PTRACE_DETACH, pid, 0, 0]);
  s.peek(child, CONTENT, 8);
  s.exit(child, 3);
}

/** A child that its parent stops and continues; it is asked nothing meanwhile. */
function control(s: Scenario, child: string): void {
  const { rng } = s;
  const pid = pidOf(child);
  const wait = (options: number): void => {
    s.bind(s.fresh('wait'), 'A', 'wait4', [pid, { out: 4 }, options, 0]);
  };
  for (let n = rng.between(1, 3); n > 0; n--) {
    s.call(rng.pick(['A', 'B']), 'kill', [pid, SIGSTOP]);
    wait(WUNTRACED);
    if (rng.chance(0.5)) stateOf(s, 'B', child);
    if (rng.chance(0.5)) s.call('A', 'wait4', [pid, { out: 4 }, WUNTRACED | abi.WNOHANG, 0]);
    if (rng.chance(0.5)) waitInfo(s, 'A', child);
    if (rng.chance(0.2)) break;
    s.call('A', 'kill', [pid, SIGCONT]);
    wait(WCONTINUED);
    s.peek(child, CONTENT, 4);
  }
  s.call('A', 'kill', [pid, rng.pick([9, 9])]);
  wait(0);
}
