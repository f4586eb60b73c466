import { EIO } from '../../assembly/abi/errno.js';
import { LinuxError } from '../errno.js';
import { allocate, deallocate, readBinary, readHex, writeBinary, writeHex } from './memory.js';
import { asciiBytes, asciiText, framePacket, hexNumber, PacketReader } from './packet.js';
import { answerQuery } from './queries.js';
import {
  attach,
  canRun,
  detach,
  exitReply,
  interrupt,
  endSession,
  killProcess,
  notice,
  removeWatch,
  resume,
  resumeThreads,
  runSlice,
  setWatch,
  stopReason,
} from './resume.js';
import { SessionState } from './state.js';
import type { Target } from './target.js';
import {
  isAlive,
  readAllRegisters,
  readOneRegister,
  selectThread,
  writeAllRegisters,
  writeOneRegister,
} from './threads.js';

/** Where a session's bytes go. */
export interface SessionOutput {
  /** Sends bytes to the client. */
  send(bytes: Uint8Array): void;
  /** Closes the connection, once what was sent is there. */
  close(): void;
}

type Handler = (state: SessionState, args: string) => string;

/** Requests by their first character; the rest is the argument. */
const HANDLERS: Readonly<Record<string, Handler>> = {
  '?': stopReason,
  g: readAllRegisters,
  G: writeAllRegisters,
  p: readOneRegister,
  P: writeOneRegister,
  m: readHex,
  M: writeHex,
  x: readBinary,
  X: writeBinary,
  H: selectThread,
  T: isAlive,
  c: (state) => resume(state, false),
  C: (state) => resume(state, false),
  s: (state) => resume(state, true),
  S: (state) => resume(state, true),
  D: detach,
  k: endSession,
  z: removeWatch,
};

/** Requests by their first word; the rest is the argument. */
const WORDS: readonly (readonly [word: string, handler: Handler])[] = [
  ['vCont?', () => 'vCont;c;C;s;S'],
  ['vCont;', resumeThreads],
  ['vAttach;', attach],
  ['vKill;', killProcess],
  ['vFile:', (state, args) => state.files.answer(args)],
  ['_M', allocate],
  ['_m', deallocate],
];

/**
 * One client of the remote serial protocol: takes its bytes, however they arrive, and sends replies.
 * What a client sends never makes it fail; a request that cannot be answered gets an error, one that
 * is not known an empty reply.
 *
 * @example
 * const session = new GdbSession(new MachineTarget(machine.spawn({ comm: 'gdbserver' })), output);
 * socket.on('data', (bytes) => session.receive(bytes));
 * socket.on('close', () => session.close());
 * @see https://sourceware.org/gdb/current/onlinedocs/gdb.html/Remote-Protocol.html
 */
export class GdbSession {
  readonly #state: SessionState;
  readonly #output: SessionOutput;
  readonly #reader = new PacketReader();
  /** The last packet, for a client that did not receive it whole. */
  #last: Uint8Array | null = null;
  #closed = false;

  /** @throws {TypeError} an argument that is none */
  constructor(target: Target, output: SessionOutput) {
    if (typeof (target as Target | null)?.threads !== 'function') {
      throw new TypeError('target: not a Target; new MachineTarget(task) makes one of a machine');
    }
    if (typeof (output as SessionOutput | null)?.send !== 'function') {
      throw new TypeError('output: has no function send');
    }
    this.#state = new SessionState(target);
    this.#output = output;
  }

  /** Takes bytes from the client. */
  receive(bytes: Uint8Array): void {
    for (const received of this.#reader.push(bytes)) {
      if (this.#closed) return;
      if (received.kind === 'packet') this.#takePacket(received.body);
      else if (received.kind === 'interrupt') this.#reply(interrupt(this.#state));
      else if (received.kind === 'nack') this.#repeat();
      else if (received.kind === 'damaged' && !this.#state.noAck) this.#output.send(NACK);
    }
  }

  /** Tells a client that waits of a process that has ended since; others may end it. */
  checkExit(): void {
    if (!this.#closed) this.#reply(exitReply(this.#state));
  }

  /**
   * Lets the target's CPUs execute for some milliseconds; the client is told when one stops. To be called
   * again and again, with time for the client in between, as long as it returns true.
   *
   * @returns whether there is more to run
   */
  advance(): boolean {
    const state = this.#state;
    if (this.#closed || !state.running) return false;
    const reply = runSlice(state);
    if (reply !== null && reply !== undefined) this.#transmit(reply);
    return reply === null && state.running;
  }

  /** Whether the client waits for the target to stop. */
  get running(): boolean {
    return this.#state.running;
  }

  /** The client is gone: its watchpoints are removed and its files closed. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#state.release();
  }

  #takePacket(body: Uint8Array): void {
    const state = this.#state;
    if (!state.noAck) this.#output.send(ACK);
    // All that a client may send while the target runs is an interrupt.
    if (state.running) return;
    const reply = this.#answer(asciiText(body));
    if (!state.running) this.#transmit(reply);
    else if (!canRun(state)) this.#transmit(notice(state));
    if (!state.closing) return;
    this.close();
    this.#output.close();
  }

  #answer(request: string): string {
    try {
      return this.#dispatch(request);
    } catch (error) {
      if (error instanceof LinuxError) return `E${hexNumber(errorByte(error), 2)}`;
      throw error;
    }
  }

  #dispatch(request: string): string {
    const state = this.#state;
    const [first = ''] = request;
    if (first === 'q' || first === 'Q') return answerQuery(state, request);
    if (request === '!') {
      state.extended = true;
      return 'OK';
    }
    if (first === 'Z') return setWatch(state, request.slice(1), (reply) => this.#reply(reply));
    const word = WORDS.find(([prefix]) => request.startsWith(prefix));
    if (word !== undefined) return word[1](state, request.slice(word[0].length));
    const handler = Object.hasOwn(HANDLERS, first) ? HANDLERS[first] : undefined;
    return handler === undefined ? '' : handler(state, request.slice(1));
  }

  #reply(reply: string | null): void {
    if (reply !== null) this.#transmit(reply);
  }

  #transmit(reply: string): void {
    this.#last = framePacket(asciiBytes(reply));
    this.#output.send(this.#last);
  }

  #repeat(): void {
    if (this.#last !== null && !this.#state.noAck) this.#output.send(this.#last);
  }
}

const ACK = asciiBytes('+');
const NACK = asciiBytes('-');

/** An errno in the two digits of an error reply. */
function errorByte(error: LinuxError): number {
  return -error.errno <= 0xff ? -error.errno : EIO;
}
