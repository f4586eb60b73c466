import { createServer, type Server, type Socket } from 'node:net';

import { MachineTarget, type MachineTargetOptions } from '../api/machine-target.js';
import { GdbSession } from '../gdb/session.js';
import type { Machine } from '../machine.js';

/** Bytes a client may leave unread before it is dropped: it asks faster than it reads. */
const MAX_UNREAD = 16 * 1024 * 1024;

/** What became of a client, for the log. */
export type ClientEvent =
  | { readonly kind: 'connected'; readonly client: string }
  | { readonly kind: 'left'; readonly client: string }
  | { readonly kind: 'dropped'; readonly client: string; readonly why: string };

/** A server of the remote serial protocol: every client has a session of its own. */
export interface GdbServer {
  /** `HOST:PORT` that it listens on. */
  readonly address: string;
  /** Closes the port and drops the clients. */
  close(): Promise<void>;
}

/** Where to listen. */
export interface ListenOptions extends MachineTargetOptions {
  readonly host: string;
  /** 0 for one that is free. */
  readonly port: number;
  onClient(event: ClientEvent): void;
}

/**
 * Serves a machine's processes over TCP, to several clients at once: each sees what the others write.
 *
 * @throws {Error} the host cannot listen there
 */
export async function listenForGdb(machine: Machine, options: ListenOptions): Promise<GdbServer> {
  const clients = new Map<Socket, Client>();
  const server = createServer((socket) => {
    const client = new Client(machine, socket, options);
    clients.set(socket, client);
    socket.on('close', () => clients.delete(socket));
    socket.on('data', () => {
      for (const other of clients.values()) other.checkExit();
    });
  });
  await listening(server, options.host, options.port);
  return {
    address: addressOf(server),
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of clients.keys()) socket.destroy();
      await closed;
    },
  };
}

function listening(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function addressOf(server: Server): string {
  const address = server.address();
  if (address === null || typeof address === 'string') return String(address);
  const host = address.family === 'IPv6' ? `[${address.address}]` : address.address;
  return `${host}:${address.port}`;
}

/** One connection. */
class Client {
  readonly #socket: Socket;
  readonly #target: MachineTarget;
  readonly #session: GdbSession;
  readonly #name: string;
  readonly #options: ListenOptions;
  #isAdvancing = false;

  constructor(machine: Machine, socket: Socket, options: ListenOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#name = `${socket.remoteAddress ?? 'unknown'}:${socket.remotePort ?? 0}`;
    this.#target = new MachineTarget(machine.spawn({ comm: 'gdbserver' }), options);
    this.#session = new GdbSession(this.#target, {
      send: (bytes) => this.#send(bytes),
      close: () => socket.end(),
    });
    socket.setNoDelay(true);
    socket.on('data', (bytes) => {
      this.#guard(() => this.#session.receive(bytes));
      this.#advance();
    });
    // A client that vanishes is no error: 'close' follows.
    socket.on('error', () => {});
    socket.on('close', () => this.#leave());
    options.onClient({ kind: 'connected', client: this.#name });
  }

  /** Tells it of a process that another client ended. */
  checkExit(): void {
    this.#guard(() => this.#session.checkExit());
  }

  /** Lets the process run, as long as its client waits for it; others are heard in between. */
  #advance(): void {
    let goesOn = false;
    if (!this.#isAdvancing) this.#guard(() => (goesOn = this.#session.advance()));
    if (!goesOn) return;
    this.#isAdvancing = true;
    setImmediate(() => {
      this.#isAdvancing = false;
      this.#advance();
    });
  }

  #send(bytes: Uint8Array): void {
    if (this.#socket.destroyed) return;
    this.#socket.write(bytes);
    if (this.#socket.writableLength > MAX_UNREAD) this.#drop('reads too slowly');
  }

  /** A fault of this program costs the client that found it, not the others. */
  #guard(act: () => void): void {
    try {
      act();
    } catch (error) {
      this.#drop(String(error));
    }
  }

  #drop(why: string): void {
    this.#options.onClient({ kind: 'dropped', client: this.#name, why });
    this.#socket.destroy();
  }

  #leave(): void {
    this.#session.close();
    this.#target.close();
    this.#options.onClient({ kind: 'left', client: this.#name });
  }
}
