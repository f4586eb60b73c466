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

const MAIN = fileURLToPath(new URL('../src/cli/main.js', import.meta.url));
const EXAMPLES = new URL('../../examples/guest/', import.meta.url);

/** A process timed once, whose output must have `mark` in it. */
function processClock(program: string, args: readonly string[], mark: string): Clock {
  return () => {
    const started = performance.now();
    const { error, stdout, stderr } = spawnSync(program, args, { encoding: 'latin1' });
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

/** A program of the examples that prints its stack and dies; a root for the one that needs libraries. */
function guestCase(dir: string, name: string, root: string | null): Case {
  const path = join(dir, name);
  writeFileSync(path, gunzipSync(readFileSync(new URL(`${name}.gz`, EXAMPLES))), { mode: 0o755 });
  const here =
    root === null ? [path] : ['--root', root, '--mount', `${dir}:/data:ro`, `/data/${name}`];
  const there = root === null ? [path] : ['-L', root, path];
  const qemu = missingQemu() === null ? processClock('qemu-riscv64', there, 'main') : null;
  const baselines = { qemu, node: emptyNode };
  return { name: `guest/${name}`, clock: ours(['run', ...here], 'main'), baselines };
}

async function* guestCases(): AsyncGenerator<Case> {
  const dir = mkdtempSync(join(tmpdir(), 'procmem-bench-'));
  try {
    yield guestCase(dir, 'crash', null);
    const root = debianRoot();
    if (root !== null && existsSync(join(root, 'usr/lib/riscv64-linux-gnu/libglog.so.1'))) {
      yield guestCase(dir, 'glog', root);
    } else {
      console.log('SKIPPED guest/glog: there is no root with glog: node tools/riscv64-root.mjs');
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
