import type { File } from '../vfs/file.js';

// include/linux/socket.h
export const MSG_OOB = 0x1;
export const MSG_PEEK = 0x2;
export const MSG_CTRUNC = 0x8;
export const MSG_TRUNC = 0x20;
export const MSG_DONTWAIT = 0x40;
export const MSG_WAITALL = 0x100;
export const MSG_ERRQUEUE = 0x2000;
export const MSG_NOSIGNAL = 0x4000;
export const MSG_WAITFORONE = 0x10000;
export const MSG_CMSG_CLOEXEC = 0x40000000;

/** One struct cmsghdr with what follows it. */
export interface ControlMessage {
  readonly level: number;
  readonly type: number;
  readonly data: Uint8Array;
}

/** What goes with bytes that are sent. */
export interface Outgoing {
  /** MSG_*. */
  readonly flags: number;
  /** Where to, a struct sockaddr; null: where it is connected to. */
  readonly address: Uint8Array | null;
  readonly control: readonly ControlMessage[];
  /** Open files that travel (SCM_RIGHTS). */
  readonly files: readonly File[];
}

/** What is to be read. */
export interface Incoming {
  readonly bytes: Uint8Array;
  /** Bytes of the whole datagram; of a stream those of `bytes`. */
  readonly whole: number;
  /** Where it comes from, a struct sockaddr; null: not told. */
  readonly address: Uint8Array | null;
  readonly files: readonly File[];
  readonly control: readonly ControlMessage[];
  /** MSG_* that are told beside. */
  readonly flags: number;
  /** What is behind it in a stream is not for the same read. */
  readonly last?: boolean;
}

/** A message that is sent without anything beside its bytes. */
export const PLAIN: Outgoing = { flags: 0, address: null, control: [], files: [] };
