import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What the executor can be asked; `enum op` of executor.c. */
export const OP_SPAWN = 0;
export const OP_AWAIT_DEATH = 1;
export const OP_CALL = 2;
export const OP_PEEK = 3;
export const OP_POKE = 4;
export const OP_FORK = 5;
export const OP_THREAD = 6;
export const OP_EXIT = 7;

/** As many `out` buffers as a request has room for. */
export const MAX_OUTS = 16;
/** As many tasks, ended ones included, as the executor has slots for. */
export const MAX_TASKS = 32;

const REQUEST_SIZE = 200;
const REQUEST_ARGS = 24;
const REQUEST_OUTS = 72;
const REPLY_SIZE = 56;
const REPLY_ERROR = 32;

/** struct request of executor.c: what a slot's task shall do. */
export interface Request {
  readonly op: number;
  readonly slot: number;
  readonly nr?: number;
  readonly args?: readonly bigint[];
  /** For a call what scratch shall begin with; for a poke the bytes to store. */
  readonly bytes?: Uint8Array;
  /** Ranges of scratch to send back after a call. */
  readonly outs?: readonly { readonly offset: number; readonly length: number }[];
}

/** struct reply of executor.c. */
export interface Reply {
  /** What the call gave, signed. */
  readonly value: bigint;
  /** The error's name when `value` is one, else null; '' for a number without a name. */
  readonly errno: string | null;
  /** The signal and its code, or null. */
  readonly fault: {
    readonly signal: number;
    readonly code: number;
    readonly address: bigint;
  } | null;
  readonly out: Buffer;
}

/** The executor's first line: what it is running on. */
export interface Hello {
  readonly kernel: string;
  readonly caps: string;
  /** System call numbers by name. */
  readonly calls: Readonly<Record<string, number>>;
}

/** The running executor; requests are synchronous, over two FIFOs. */
export class Channel {
  readonly hello: Hello;
  readonly #child: ChildProcess;
  readonly #commands: number;
  readonly #answers: number;

  constructor(executor: string) {
    const commands = openPipe();
    const answers = openPipe();
    this.#child = spawn(executor, [], { stdio: [commands.reader, answers.writer, 'inherit'] });
    closeSync(commands.reader);
    closeSync(answers.writer);
    this.#commands = commands.writer;
    this.#answers = answers.reader;
    this.hello = JSON.parse(this.#readLine()) as Hello;
  }

  /**
   * Has a task do something.
   *
   * @throws {Error} the task does not answer: it blocked or died
   */
  ask(request: Request): Reply {
    const bytes = request.bytes ?? new Uint8Array(0);
    writeSync(this.#commands, encodeRequest(request, bytes.length));
    for (let done = 0; done < bytes.length;) done += writeSync(this.#commands, bytes, done);
    const head = this.#read(REPLY_SIZE);
    const out = this.#read(head.readUInt32LE(24));
    if (head.readUInt32LE(28) !== 0) throw new Error(`slot ${request.slot} does not answer`);
    return decodeReply(head, out);
  }

  /** Ends the executor and every task. */
  async close(): Promise<void> {
    const ended = this.#child.exitCode === null ? once(this.#child, 'exit') : null;
    closeSync(this.#commands);
    closeSync(this.#answers);
    await ended;
  }

  #read(length: number): Buffer {
    const buffer = Buffer.alloc(length);
    for (let done = 0; done < length;) {
      const n = readSync(this.#answers, buffer, done, length - done, null);
      if (n === 0) throw new Error('the executor has ended');
      done += n;
    }
    return buffer;
  }

  #readLine(): string {
    let line = '';
    for (let byte = this.#read(1); byte[0] !== 0x0a; byte = this.#read(1)) line += byte.toString();
    return line;
  }
}

function encodeRequest(request: Request, bytes: number): Buffer {
  const outs = request.outs ?? [];
  if (outs.length > MAX_OUTS) throw new RangeError(`outs: more than ${MAX_OUTS}`);
  const buffer = Buffer.alloc(REQUEST_SIZE);
  buffer.writeUInt32LE(request.op, 0);
  buffer.writeUInt32LE(request.slot, 4);
  buffer.writeUInt32LE(bytes, 8);
  buffer.writeUInt32LE(outs.length, 12);
  buffer.writeBigInt64LE(BigInt(request.nr ?? 0), 16);
  (request.args ?? []).forEach((arg, i) => buffer.writeBigUInt64LE(arg, REQUEST_ARGS + 8 * i));
  outs.forEach(({ offset, length }, i) => {
    buffer.writeUInt32LE(offset, REQUEST_OUTS + 8 * i);
    buffer.writeUInt32LE(length, REQUEST_OUTS + 8 * i + 4);
  });
  return buffer;
}

function decodeReply(head: Buffer, out: Buffer): Reply {
  const value = head.readBigInt64LE(0);
  const signal = head.readUInt32LE(16);
  const name = head.toString('latin1', REPLY_ERROR, head.indexOf(0, REPLY_ERROR));
  return {
    value,
    errno: value < 0n && value >= -4095n ? name : null,
    fault:
      signal === 0
        ? null
        : { signal, code: head.readUInt32LE(20), address: head.readBigUInt64LE(8) },
    out,
  };
}

/** Both ends of a FIFO, blocking: what node's own pipes to a child are not. */
function openPipe(): { reader: number; writer: number } {
  const dir = mkdtempSync(join(tmpdir(), 'procmem-record-'));
  const path = join(dir, 'pipe');
  execFileSync('mkfifo', [path]);
  const both = openSync(path, constants.O_RDWR); // keeps the next two from waiting for each other
  const reader = openSync(path, constants.O_RDONLY);
  const writer = openSync(path, constants.O_WRONLY);
  closeSync(both);
  rmSync(dir, { recursive: true });
  return { reader, writer };
}
