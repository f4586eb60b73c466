// How long does a command line take from the start of its process to the end? Node itself is what there is
// before the first line of ours; a guest's program runs under qemu's user mode, too.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';

import { debianRoot } from '../src/cli/debian-root.js';
import { missingQemu } from '../test/cpu/static-program.js';
import type { Case, Suite } from './bench.js';
import type { Clock } from './clock.js';

const MAIN = fileURLToPath(new URL('../cli/main.cjs', import.meta.url));
const EXAMPLES = new URL('../../examples/guest/', import.meta.url);

/** Without more certificates for Node: it reads them before anything else, and that takes as long as all the rest. */
const { NODE_EXTRA_CA_CERTS: _, ...env } = process.env;
/** The environment of processes that are timed. */
export const TIMED_ENV = env;

/** A process timed once, whose output must have `mark` in it. */
function processClock(program: string, args: readonly string[], mark: string): Clock {
  return () => {
    const started = performance.now();
    const { error, stdout, stderr } = spawnSync(program, args, {
      encoding: 'latin1',
      env: TIMED_ENV,
    });
    const ns = (performance.now() - started) * 1e6;
    if (error !== undefined) throw error;
    if (!`${stdout}${stderr}`.includes(mark)) {
      throw new Error(`${program} ${args.join(' ')} does not say ${mark}: ${stdout}${stderr}`);
    }
    return ns;
  };
}

const ours = (args: readonly string[], mark: string): Clock =>
  processClock(process.execPath, [MAIN, ...args], mark);
const emptyNode = processClock(process.execPath, ['-e', '0'], '');

async function* commandCases(): AsyncGenerator<Case> {
  const baselines = { node: emptyNode };
  yield { name: 'command/help', clock: ours(['help'], 'Usage: procmem'), baselines };
  yield { name: 'command/maps', clock: ours(['maps'], '[stack]'), baselines };
  yield { name: 'command/demo', clock: ours(['demo'], '/proc/'), baselines };
}

/** The commands that people begin with. */
export const commandSuite: Suite = {
  name: 'command',
  title: 'one command, with the start of its process (node: an empty program of Node)',
  cases: commandCases,
};

function guestCase(name: string, here: string[], there: string[]): Case {
  const qemu = missingQemu() === null ? processClock('qemu-riscv64', there, 'main') : null;
  const baselines = { qemu, node: emptyNode };
  return { name: `guest/${name}`, clock: ours(['run', ...here], 'main'), baselines };
}

/** Programs that print their stacks and die: the example that needs nothing, and the one with Debian's glog. */
async function* guestCases(): AsyncGenerator<Case> {
  const dir = mkdtempSync(join(tmpdir(), 'procmem-bench-'));
  try {
    const crash = join(dir, 'crash');
    writeFileSync(crash, gunzipSync(readFileSync(new URL('crash.gz', EXAMPLES))), { mode: 0o755 });
    yield guestCase('crash', [crash], [crash]);
    const root = debianRoot();
    const glog = join(root ?? '', 'usr/bin/glog');
    if (root !== null && existsSync(glog)) {
      yield guestCase('glog', ['--root', root, '/usr/bin/glog'], ['-L', root, glog]);
    } else {
      console.log('SKIPPED guest/glog: there is no root with it: node tools/riscv64-root.mjs');
    }
  } finally {
    rmSync(dir, { recursive: true });
  }
}

/** Unmodified Linux programs. */
export const guestSuite: Suite = {
  name: 'guest',
  title:
    'procmem run of a program that prints its own stack and dies, with the start of its process',
  cases: guestCases,
};
