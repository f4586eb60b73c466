import process from 'node:process';
import { closeSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs';

import type { CoreProcess } from '../elf/core-notes.js';
import { ProcError } from './error.js';
import { type HostMapping, parseHostMaps } from './host-maps.js';
import { HostMemory } from './host-memory.js';
import { hostRegisters } from './host-registers.js';
import { type HostSizes, parseSmaps } from './host-smaps.js';
import { type HostPlaces, type HostStat, parseHostStat } from './host-stat.js';

/** e_ident[EI_CLASS] */
const ELFCLASS64 = 2;
const PAGE = 4096;

/** A thread of a process of this computer. */
export interface HostThread {
  readonly tid: number;
  /** The letter of its state: R S D T Z. */
  readonly state: string;
  /**
   * struct user_regs_struct with what /proc tells of a thread that waits in the kernel: number and
   * arguments of the call, stack pointer, program counter; all else is 0. Null while it runs.
   */
  readonly regs: Uint8Array | null;
}

/** What is known of a process of this computer besides its memory. */
export interface HostDescription {
  readonly process: CoreProcess;
  readonly pgrp: number;
  readonly sid: number;
  readonly threads: readonly HostThread[];
  readonly auxv: Uint8Array;
  readonly cmdline: Uint8Array;
  readonly mappings: readonly HostMapping[];
  /** /proc/PID/coredump_filter */
  readonly filter: number;
  /** Addresses of the program, its stack and its arguments; zeros where that is not permitted. */
  readonly places: HostPlaces;
}

/**
 * A process of this computer, read through /proc as far as that permits: the same user's, or root's.
 *
 * @see Documentation/filesystems/proc.rst
 */
export class HostProcess {
  readonly pid: number;
  /** Its memory, until close(). */
  readonly memory: HostMemory;
  readonly #dir: string;
  readonly #pagemap: number;

  /** @throws {ProcError} no such process, or not permitted */
  constructor(pid: number) {
    this.pid = pid;
    this.#dir = `/proc/${pid}`;
    this.#checkMachine();
    this.memory = new HostMemory(this.#open('mem'), `${this.#dir}/mem`);
    try {
      this.#pagemap = this.#open('pagemap');
    } catch (error) {
      closeSync(this.memory.fd);
      throw error;
    }
  }

  /** Other architectures have other registers, and 32-bit processes other cores. */
  #checkMachine(): void {
    const exe = `${this.#dir}/exe`;
    if (process.arch !== 'x64')
      throw new ProcError(exe, 0, `this computer is ${process.arch}, not x86-64`);
    const head = new Uint8Array(5);
    let fd: number;
    try {
      fd = openSync(exe, 'r');
    } catch {
      return; // A program that was removed, or that nobody may see: the rest will tell.
    }
    readSync(fd, head, 0, head.length, 0);
    closeSync(fd);
    if (head[4] !== ELFCLASS64) throw new ProcError(exe, 4, 'not a 64-bit program');
  }

  close(): void {
    closeSync(this.memory.fd);
    closeSync(this.#pagemap);
  }

  /** @throws {ProcError} it ended meanwhile, is a kernel thread, or its files make no sense */
  describe(): HostDescription {
    const maps = `${this.#dir}/maps`;
    const mappings = parseHostMaps(maps, this.#read('maps'));
    if (mappings.length === 0) throw new ProcError(maps, 0, 'a process without memory');
    const stat = this.#stat('stat');
    const status = new TextDecoder('latin1').decode(this.#read('status'));
    const id = (name: string): number =>
      Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? 0);
    const cmdline = this.#read('cmdline');
    const psargs = new TextDecoder().decode(cmdline.subarray(0, 79)).replaceAll('\0', ' ');
    return {
      process: {
        pid: this.pid,
        ppid: stat.ppid,
        uid: id('Uid'),
        gid: id('Gid'),
        comm: stat.comm,
        psargs: psargs.trimEnd(),
        nice: stat.nice,
      },
      pgrp: stat.pgrp,
      sid: stat.sid,
      threads: this.#threads(),
      auxv: this.#read('auxv'),
      cmdline,
      mappings,
      places: stat.places,
      filter: parseInt(new TextDecoder().decode(this.#read('coredump_filter')), 16) || 0,
    };
  }

  /** Bytes in memory by smaps, a mapping's start to its Rss and Anonymous: the kernel looks at every page for it. */
  sizes(): ReadonlyMap<number, HostSizes> {
    return parseSmaps(new TextDecoder('latin1').decode(this.#read('smaps')));
  }

  /** Bytes of it in memory, about. */
  residentBytes(): number {
    const [, pages = '0'] = new TextDecoder().decode(this.#read('statm')).split(' ');
    return Number(pages) * PAGE;
  }

  /** The letters of its threads' states. */
  states(): string[] {
    return this.#tids().map((tid) => this.#stat(`task/${tid}/stat`).state);
  }

  /** Entries of pagemap from the page of `addr` on, as many as fit. */
  readPagemap(addr: number, into: BigUint64Array): void {
    const bytes = new Uint8Array(into.buffer, into.byteOffset, into.byteLength);
    const position = BigInt(addr / 512);
    let done = 0;
    while (done < bytes.length) {
      const at = (position + BigInt(done)) as unknown as number;
      const n = readSync(this.#pagemap, bytes, done, bytes.length - done, at);
      if (n === 0) throw new ProcError(`${this.#dir}/pagemap`, addr, 'the process has ended');
      done += n;
    }
  }

  #tids(): number[] {
    try {
      return readdirSync(`${this.#dir}/task`).map(Number);
    } catch (error) {
      throw this.#failure('task', 0, error);
    }
  }

  /** The first thread first, as in a core. */
  #threads(): HostThread[] {
    return this.#tids()
      .sort((a, b) => Number(b === this.pid) - Number(a === this.pid) || a - b)
      .map((tid) => {
        const { state } = this.#stat(`task/${tid}/stat`);
        const syscall = new TextDecoder().decode(this.#read(`task/${tid}/syscall`));
        return { tid, state, regs: hostRegisters(syscall) };
      });
  }

  #stat(name: string): HostStat {
    const text = new TextDecoder('latin1').decode(this.#read(name));
    return parseHostStat(`${this.#dir}/${name}`, text);
  }

  #open(name: string): number {
    try {
      return openSync(`${this.#dir}/${name}`, 'r');
    } catch (error) {
      // mem_open() of a task without an mm; one that is gone is ENOENT.
      const what = 'no memory: a kernel thread, or a process that has ended';
      if (codeOf(error) === 'ESRCH') throw new ProcError(`${this.#dir}/${name}`, 0, what);
      throw this.#failure(name, 0, error);
    }
  }

  #read(name: string): Uint8Array {
    try {
      return readFileSync(`${this.#dir}/${name}`);
    } catch (error) {
      throw this.#failure(name, 0, error);
    }
  }

  #failure(name: string, offset: number, error: unknown): ProcError {
    const reasons: Readonly<Record<string, string>> = {
      ENOENT: 'no such process',
      ESRCH: 'the process has ended',
      EACCES: 'not permitted: another user’s process, or one that forbids it',
      EPERM: 'not permitted: another user’s process, or one that forbids it',
    };
    const code = codeOf(error);
    return new ProcError(
      `${this.#dir}/${name}`,
      offset,
      reasons[code] ?? `cannot be read (${code})`,
    );
  }
}

function codeOf(error: unknown): string {
  return String((error as { code?: unknown }).code ?? error);
}
