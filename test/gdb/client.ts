// A client of one session, packet by packet, and what it talks to: a machine with a process whose
// every mapping is known.
import * as assert from 'uvu/assert';

import {
  asciiBytes,
  asciiText,
  framePacket,
  hexNumber,
  PacketReader,
} from '../../src/gdb/packet.js';
import { GdbSession } from '../../src/gdb/session.js';
import type { Target } from '../../src/gdb/target.js';
import {
  type LoadedProcess,
  Machine,
  MachineTarget,
  PAGE_SIZE,
  type Task,
} from '../../src/index.js';

/** Sends requests to a session and gives the replies, as characters of one byte each. */
export class PacketClient {
  readonly session: GdbSession;
  closed = false;
  /** Every byte the session sent, acknowledgements included. */
  sent = '';
  readonly #reader = new PacketReader();
  #replies: string[] = [];

  constructor(target: Target) {
    this.session = new GdbSession(target, {
      send: (bytes) => this.#take(bytes),
      close: () => void (this.closed = true),
    });
  }

  /** The one reply to a request. */
  ask(body: string): string {
    const replies = this.send(framePacket(asciiBytes(body)));
    assert.is(replies.length, 1, `${JSON.stringify(body)} has ${replies.length} replies`);
    return replies[0] as string;
  }

  /** Every reply to some bytes. */
  send(bytes: Uint8Array): string[] {
    this.#replies = [];
    this.session.receive(bytes);
    return this.#replies;
  }

  /** Replies that came by themselves since the last request. */
  takeReplies(): string[] {
    return this.#replies.splice(0);
  }

  /** The document of a qXfer request, piece by piece. */
  transfer(object: string, annex = '', piece = 0x1000): string {
    let document = '';
    for (;;) {
      const range = `${hexNumber(document.length)},${hexNumber(piece)}`;
      const reply = this.ask(`qXfer:${object}:read:${annex}:${range}`);
      assert.match(reply, /^[ml]/);
      document += unescape(reply.slice(1));
      if (reply.startsWith('l')) return document;
    }
  }

  #take(bytes: Uint8Array): void {
    this.sent += asciiText(bytes);
    for (const received of this.#reader.push(bytes)) {
      if (received.kind === 'packet') this.#replies.push(asciiText(received.body));
      assert.is.not(received.kind, 'damaged');
    }
  }
}

/** The data of a binary reply. */
export function unescape(text: string): string {
  return text.replace(/\}([^])/g, (_, byte: string) =>
    String.fromCharCode(byte.charCodeAt(0) ^ 0x20),
  );
}

/** A machine with one process to look at, and a client that is attached to it. */
export interface Debugged {
  readonly machine: Machine;
  readonly task: Task;
  readonly target: MachineTarget;
  readonly client: PacketClient;
  /** Two pages that can be written, then one that can only be read, then a hole. */
  readonly addr: bigint;
}

/** @param memory bytes at `addr`; the rest is zeros */
export async function debugged(memory = ''): Promise<Debugged> {
  const machine = await Machine.create();
  const task = machine.spawn({ argv: ['/bin/target', 'one & two'], uid: 1000 });
  const addr = task.mmap({ length: 4 * PAGE_SIZE });
  task.munmap(addr + BigInt(3 * PAGE_SIZE), PAGE_SIZE);
  task.store(addr, asciiBytes(memory));
  task.store8(addr + BigInt(2 * PAGE_SIZE), 0x5a);
  task.mprotect(addr + BigInt(2 * PAGE_SIZE), PAGE_SIZE, 1);
  const target = new MachineTarget(machine.spawn({ comm: 'gdbserver' }));
  const client = new PacketClient(target);
  client.ask('qSupported:multiprocess+;xmlRegisters=i386');
  client.ask('!');
  client.ask(`vAttach;${hexNumber(task.pid)}`);
  return { machine, task, target, client, addr };
}

/** The same over a process of a core, attached from the start. */
export function clientOf(machine: Machine, loaded: LoadedProcess): PacketClient {
  return new PacketClient(new MachineTarget(machine.spawn({ comm: 'gdbserver' }), { loaded }));
}

/** A number as packets write it. */
export const hex = (value: number | bigint): string => hexNumber(value);
