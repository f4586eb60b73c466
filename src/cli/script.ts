// Hundreds of modules take longer to load than most commands to run: the build makes one script of program.ts
// and what it imports (tools/cli.mjs). What V8 compiled of it is kept beside it, as Python keeps its bytecode,
// so that the next run of the same command need not compile it again.
import { createRequire } from 'node:module';

import type * as Program from './program.js';

// An import of node:fs looks at each of its names, and Node loads all of its streams for one of them.
const require = createRequire(import.meta.url);
const { mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } =
  require('node:fs') as typeof import('node:fs');
const { fileURLToPath } = require('node:url') as typeof import('node:url');
const { Script } = require('node:vm') as typeof import('node:vm');

const SCRIPT = fileURLToPath(new URL('../../cli/procmem.cjs', import.meta.url));
const KEPT = fileURLToPath(new URL('../../cli/kept/', import.meta.url));
/** Where the modules in the script find the files beside them: all are as deep as this one. */
const BASE = new URL('./main.js', import.meta.url);
/**
 * One run in so many looks whether it compiled what is not kept yet, as it does that runs another program: to look
 * takes two milliseconds.
 */
const LOOKS = 8;
/** Bytes behind the kept code: a number, how much bytecode there was when it was kept. */
const TRAILER = 4;
/** A comment with a hash of the function that follows: V8 itself compares nothing but lengths. */
const HASH = /^\/\/ ([0-9a-f]{16})\n/;

/** The command line as one script, loaded. */
export interface LoadedScript {
  readonly exports: typeof Program;
  /** Keeps what was compiled, when that is more than was kept before; where it cannot, it does not. */
  keepCode(): void;
}

type Wrapper = (module: { exports: unknown }, require: NodeJS.Require, url: string) => void;

/**
 * Loads the script, with the code kept for a command.
 *
 * @returns null where there is none, or one older than the modules, which someone is working on then
 */
export function loadScript(command: string): LoadedScript | null {
  const text = readScript();
  const hash = text === null ? null : HASH.exec(text);
  if (text === null || hash === null) return null;
  const kept = keptPath(command, String(hash[1]));
  const before = kept === null ? null : readOrNull(kept);
  const cachedData = before?.subarray(0, -TRAILER);
  const script = new Script(text, {
    filename: SCRIPT,
    ...(cachedData === undefined ? {} : { cachedData }),
  });
  const module = { exports: {} };
  (script.runInThisContext() as Wrapper)(module, require, BASE.href);
  const fits = cachedData !== undefined && script.cachedDataRejected !== true;
  return {
    exports: module.exports as typeof Program,
    keepCode: () => {
      if (kept === null || (fits && process.pid % LOOKS !== 0)) return;
      const bytecode = bytecodeBytes();
      if (fits && before !== null && bytecode <= before.readUInt32LE(before.length - TRAILER))
        return;
      const trailer = Buffer.alloc(TRAILER);
      trailer.writeUInt32LE(bytecode);
      keep(kept, Buffer.concat([script.createCachedData(), trailer]));
    },
  };
}

/** Bytes of all the bytecode of this process. */
function bytecodeBytes(): number {
  const { getHeapCodeStatistics } = require('node:v8') as typeof import('node:v8');
  return getHeapCodeStatistics().bytecode_and_metadata_size;
}

function readScript(): string | null {
  try {
    // Compiled modules that are newer are what a developer wants to run.
    if (statSync(SCRIPT).mtimeMs < statSync(BASE).mtimeMs) return null;
    // The script is ASCII: one byte is one character, and nothing is to be decoded.
    return readFileSync(SCRIPT, 'latin1');
  } catch {
    return null;
  }
}

/** Where the code of a command is kept, for this script and this V8; null for what is no command. */
function keptPath(command: string, hash: string): string | null {
  if (!/^[a-z-]{1,16}$/.test(command)) return null;
  return `${KEPT}${command}-${hash}-${process.versions.v8}-${process.arch}.bin`;
}

function readOrNull(path: string): Buffer | null {
  try {
    return readFileSync(path);
  } catch {
    return null;
  }
}

/** Two runs may end at once: each writes a file of its own, and the last one stays. */
function keep(path: string, code: Buffer): void {
  const mine = `${path}.${process.pid}`;
  try {
    mkdirSync(KEPT, { recursive: true });
    writeFileSync(mine, code, { flag: 'wx' });
    renameSync(mine, path);
  } catch {
    // Installed where this user may not write, or the disk is full: the next run compiles again.
    discard(mine);
  }
}

function discard(path: string): void {
  try {
    rmSync(path);
  } catch {
    // It was never made.
  }
}
