// What the protocol remembers of one client.
import { ESRCH } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import { architectureOf } from './arch.js';
import { HostFiles } from './host-files.js';
import { hexNumber } from './packet.js';
import { type Architecture, registersOf } from './registers.js';
import type { Target, TargetThread, TargetWatch } from './target.js';

/** A thread by the numbers of its process and its own. */
export interface ThreadName {
  readonly pid: number;
  readonly tid: number;
}

/** Why the client was last told that the target stopped. */
export interface Stop extends ThreadName {
  /** Linux's number. */
  readonly signal: number;
  /** The watchpoint that was hit, as a stop reply says it; empty without. */
  readonly watch: string;
}

/** The state of a connection. */
export class SessionState {
  readonly target: Target;
  readonly files: HostFiles;
  /** Both sides have agreed to leave out acknowledgements. */
  noAck = false;
  /** The client understands threads as `pPID.TID`. */
  multiprocess = false;
  /** The client asked for the extended protocol: it stays when the last process is gone. */
  extended = false;
  /** The client is lldb: it counts signals as Linux does, and wants lists of threads in stop replies. */
  lldb = false;
  /** Processes the client looks at. */
  readonly attached = new Set<number>();
  /** The thread that requests are about; null without a process. */
  current: ThreadName | null = null;
  /** The target runs: the client waits for a stop reply. */
  running = false;
  /** The connection is to be closed once the reply is sent. */
  closing = false;
  lastStop: Stop | null = null;
  /** Watchpoints by their request. */
  readonly watches = new Map<string, { readonly pid: number; readonly watch: TargetWatch }>();
  /** Memory mapped by the client: its process and bytes, by address. */
  readonly allocations = new Map<bigint, { readonly pid: number; readonly length: bigint }>();
  /** Where the next reply to qsThreadInfo begins. */
  threadsListed = 0;
  /** The document being transferred in pieces, and what it is. */
  transfer: { readonly key: string; readonly data: Uint8Array } | null = null;

  constructor(target: Target) {
    this.target = target;
    this.files = new HostFiles(target.files);
    if (target.initial !== null) this.attach(target.initial);
  }

  /** Begins to look at a process, as stopped. @throws {LinuxError} ESRCH: there is none */
  attach(pid: number): void {
    const thread = this.target.threads(pid)[0];
    if (thread === undefined) {
      if (pid === this.target.initial) return;
      fail(ESRCH);
    }
    this.attached.add(pid);
    this.current = { pid, tid: thread.tid };
    this.lastStop = { ...this.current, signal: thread.signal, watch: '' };
  }

  /** Looks no longer at a process; what was set in it goes. */
  detach(pid: number): void {
    this.attached.delete(pid);
    for (const [key, entry] of this.watches) {
      if (entry.pid !== pid) continue;
      entry.watch.remove();
      this.watches.delete(key);
    }
    if (this.current?.pid === pid) this.current = null;
    if (this.lastStop?.pid === pid) this.lastStop = null;
  }

  /** Lets go of everything: the client is gone. */
  release(): void {
    for (const pid of [...this.attached]) this.detach(pid);
    this.files.closeAll();
  }

  /** The thread that a request without one is about. @throws {LinuxError} ESRCH: none is left */
  thread(): ThreadName {
    const { current } = this;
    if (current !== null && this.findThread(current) !== null) return current;
    for (const pid of this.attached) {
      const tid = this.target.threads(pid)[0]?.tid;
      if (tid !== undefined) return (this.current = { pid, tid });
    }
    fail(ESRCH);
  }

  /** The process of that thread. @throws {LinuxError} ESRCH: none is left */
  pid(): number {
    return this.thread().pid;
  }

  /** A thread of a process that the client looks at; null when it is none. */
  findThread({ pid, tid }: ThreadName): TargetThread | null {
    if (!this.attached.has(pid)) return null;
    return this.target.threads(pid).find((thread) => thread.tid === tid) ?? null;
  }

  /** Every thread the client looks at. */
  threads(): (ThreadName & TargetThread)[] {
    return [...this.attached].flatMap((pid) =>
      this.target.threads(pid).map((thread) => ({ ...thread, pid })),
    );
  }

  /** The processor of the current process. @throws {LinuxError} ESRCH: there is none */
  architecture(): Architecture {
    const pid = this.pid();
    const process = this.target.processes().find((found) => found.pid === pid);
    return architectureOf(process?.arch ?? 'x86_64');
  }

  /** Its registers, by number. */
  registers(): ReturnType<typeof registersOf> {
    return registersOf(this.architecture());
  }

  /** A thread as this client writes it. */
  nameOf({ pid, tid }: ThreadName): string {
    return this.multiprocess ? `p${hexNumber(pid)}.${hexNumber(tid)}` : hexNumber(tid);
  }
}
