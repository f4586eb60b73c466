import type { Files } from './files.js';
import { NodeFsPromises } from './node-fs-promises.js';
import { NodeFsSync } from './node-fs-sync.js';

/** What a call of `node:fs` ends with. */
type Callback = (error: unknown, ...results: unknown[]) => void;

/** A call with a callback at its end. */
export type CallbackCall = (...args: unknown[]) => void;

/** Calls that have all three shapes, and what a callback gets beside the result. */
const CALLS = [
  'open',
  'close',
  'read',
  'write',
  'fstat',
  'stat',
  'lstat',
  'readFile',
  'writeFile',
  'readdir',
  'readlink',
] as const;

type CallName = (typeof CALLS)[number];

/** The calls of {@link NodeFsSync}, with callbacks, and as promises. */
export type NodeFs = NodeFsSync &
  Record<CallName, CallbackCall> & {
    readonly promises: NodeFsPromises;
    exists(path: string, callback: (exists: boolean) => void): void;
  };

/**
 * The files of a task in the shape of `node:fs`: for fs.createReadStream(path, { fs }), unionfs and
 * what else reads and writes through an `fs`. Nothing waits, but callbacks come later, as in Node.
 *
 * @example
 * const fs = nodeFs(task);
 * fs.readFileSync('/proc/self/maps', 'utf8');
 */
export function nodeFs(files: Files): NodeFs {
  const sync = new NodeFsSync(files);
  const calls: Record<string, unknown> = {};
  for (const name of Object.getOwnPropertyNames(NodeFsSync.prototype)) {
    // So that a call works without its object, as in `const { readSync } = fs`.
    if (name !== 'constructor') calls[name] = callOf(sync, name);
  }
  for (const name of CALLS) calls[name] = withCallback(callOf(sync, `${name}Sync`), name);
  calls['exists'] = (path: string, callback: (exists: boolean) => void): void =>
    queueMicrotask(() => callback(sync.existsSync(path)));
  calls['promises'] = new NodeFsPromises(sync);
  return calls as unknown as NodeFs;
}

type AnyCall = (...args: unknown[]) => unknown;

function callOf(sync: NodeFsSync, name: string): AnyCall {
  return (sync as unknown as Record<string, AnyCall>)[name]!.bind(sync);
}

function withCallback(call: AnyCall, name: CallName): CallbackCall {
  return (...args) => {
    const callback = args.pop();
    if (typeof callback !== 'function') throw new TypeError(`${name}: the callback is no function`);
    const results = settle(call, args);
    // read and write hand the buffer back.
    if (results[0] === null && (name === 'read' || name === 'write')) results.push(args[1]);
    queueMicrotask(() => (callback as Callback)(...results));
  };
}

function settle(call: AnyCall, args: unknown[]): [error: unknown, ...results: unknown[]] {
  try {
    return [null, call(...args)];
  } catch (error) {
    return [error];
  }
}
