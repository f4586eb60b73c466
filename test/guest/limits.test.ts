// Programs that take all they can get: Linux's answers, limits that hold, and a host that stays well.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { compileGuest, missingCross, runGuest } from './programs.js';

const test = suite('guest/limits');
const MIB = 2 ** 20;
const SIGKILL = 9;
const SIGSEGV = 11;

interface Row {
  readonly mode: string;
  readonly about: string;
  readonly output: string;
  readonly status: number;
  readonly memory?: number;
  readonly instructions?: number;
}

const ROWS: readonly Row[] = [
  {
    mode: 'loop',
    about: 'an endless loop ends with the instructions it may have',
    output: '',
    status: 128 + SIGKILL,
    instructions: 2_000_000,
  },
  {
    mode: 'fork-bomb',
    about: 'a fork bomb ends with the instructions it may have',
    output: '',
    status: 128 + SIGKILL,
    memory: 32 * MIB,
    instructions: 500_000,
  },
  {
    mode: 'many',
    about: 'RLIMIT_NPROC holds',
    output: '49 children, then Resource temporarily unavailable\n',
    status: 128 + SIGKILL,
  },
  { mode: 'threads', about: 'hundreds of threads sleep', output: 'threads sleep\n', status: 0 },
  {
    mode: 'map-all',
    about: 'all addresses are mapped at little cost',
    output: 'mapped everything: 1\n',
    status: 0,
    memory: 32 * MIB,
  },
  {
    mode: 'touch-all',
    about: 'who uses all memory is killed',
    output: '',
    status: 128 + SIGKILL,
    memory: 32 * MIB,
  },
  {
    mode: 'fds',
    about: 'descriptors end at RLIMIT_NOFILE, wild pointers are EFAULT',
    output:
      'write: -1 Bad file descriptor\ndup2: -1 Bad file descriptor\n' +
      'opened 1022, then Too many open files\nfrom nowhere: -1 Bad address\n' +
      'too much: -1 Bad address\n',
    status: 0,
  },
  { mode: 'jump', about: 'a jump to nowhere is SIGSEGV', output: '', status: 128 + SIGSEGV },
  {
    mode: 'frame',
    about: 'a signal frame that is none is SIGSEGV',
    output: '',
    status: 128 + SIGSEGV,
  },
];

const cross = missingCross();
const dir = mkdtempSync(join(tmpdir(), 'procmem-limits-'));
let program = '';

for (const { mode, about, output, status, ...limits } of ROWS) {
  const title = `${mode}: ${about}`;
  if (cross !== null) {
    console.log(`SKIPPED guest/limits, ${title}: ${cross}`);
    test.skip(title);
    continue;
  }
  test(title, async () => {
    if (program === '') program = compileGuest('hostile', dir);
    const run = await runGuest(program, { ...limits, args: [mode] });
    assert.equal({ output: run.output, status: run.status }, { output, status });
    run.guest.stop();
    assert.equal(run.guest.tasks, []);
    assert.equal(run.machine.check(), []);
    assert.is(run.machine.stats().tasks, 1);
    if (limits.memory !== undefined) assert.ok(run.machine.stats().memoryBytes <= limits.memory);
  });
}

/** oom_score_adj of the big and the small process, and who is killed for the third. */
const OOM_ROWS: readonly (readonly [args: readonly string[], output: string, killed: number])[] = [
  [['0', '0'], 'scores bigger first\nasker has it, big killed, small lives\n', 3],
  [['0', '0', 'call'], 'scores bigger first\nasker has it, big killed, small lives\n', 3],
  [['-1000', '0'], 'scores smaller first\nasker killed, big lives, small lives\n', 5],
  [['-1000', '900'], 'scores smaller first\nasker has it, big lives, small killed\n', 4],
];

for (const [args, output, killed] of OOM_ROWS) {
  const title = `memory that is used up costs the worst its life: oom_score_adj ${args.join(' and ')}`;
  if (cross !== null) {
    console.log(`SKIPPED guest/limits, ${title}: ${cross}`);
    test.skip(title);
    continue;
  }
  test(title, async () => {
    const log: string[] = [];
    const onLog = (line: string): void => void log.push(line);
    const run = await runGuest(compileGuest('oom', dir), { memory: 32 * MIB, args, onLog });
    assert.equal({ output: run.output, status: run.status }, { output, status: 0 });
    assert.is(log.length, 1);
    assert.ok(log[0]?.startsWith(`Out of memory: Killed process ${killed} (program) total-vm:`));
    assert.equal(run.machine.check(), []);
  });
}

test.after(() => rmSync(dir, { recursive: true }));

test.run();
