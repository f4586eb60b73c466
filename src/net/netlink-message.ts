import { intBytes } from './sock-options.js';

// include/uapi/linux/netlink.h
const NLM_F_REQUEST = 0x1;
const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;
const NLM_F_MULTI = 0x2;
const NLM_F_ACK = 0x4;
export const NLM_F_DUMP = 0x300;
/** The error tells no more of the request than its header. */
const NLM_F_CAPPED = 0x100;
const HEADER = 16;
const NLMSG_MIN_TYPE = 16;
/** Bytes of a datagram of a dump. */
const DUMP_BYTES = 32768;

/** A length, filled up to a word. */
export const aligned = (length: number): number => (length + 3) & ~3;

/** Parts one after the other, each filled up to a word. */
export function join(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + aligned(length), 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += aligned(part.length);
  }
  return bytes;
}

/** A struct rtattr with what it holds. */
export function attribute(type: number, value: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(4 + value.length);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, bytes.length, true);
  view.setUint16(2, type, true);
  bytes.set(value, 4);
  return bytes;
}

/** One byte. */
export const u8 = (value: number): Uint8Array => Uint8Array.of(value);
/** What a request asks, and who is answered. */
export interface Request {
  readonly type: number;
  readonly flags: number;
  readonly seq: number;
  readonly port: number;
  /** All of it, and what is behind its header. */
  readonly whole: Uint8Array;
  readonly body: Uint8Array;
}

/** A message in answer to a request. */
function message(
  { seq, port }: Request,
  type: number,
  flags: number,
  body: Uint8Array,
): Uint8Array {
  const bytes = new Uint8Array(HEADER + body.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, bytes.length, true);
  view.setUint16(4, type, true);
  view.setUint16(6, flags, true);
  view.setUint32(8, seq, true);
  view.setUint32(12, port, true);
  bytes.set(body, HEADER);
  return bytes;
}

function errorMessage(request: Request, errno: number): Uint8Array {
  const told = errno === 0 ? request.whole.subarray(0, HEADER) : request.whole;
  const body = join([intBytes(-errno), told]);
  return message(request, NLMSG_ERROR, errno === 0 ? NLM_F_CAPPED : 0, body);
}

/** What a request is told: messages of one kind for a dump, one message, or an errno; 0: it was done. */
export type Told =
  | { readonly kind: number; readonly all: readonly Uint8Array[] }
  | { readonly kind: number; readonly one: Uint8Array }
  | number;

function answer(request: Request, tell: (request: Request) => Told): Uint8Array[] {
  const acknowledged = (request.flags & NLM_F_ACK) !== 0;
  // Those below are netlink's own.
  if (request.type < NLMSG_MIN_TYPE) return acknowledged ? [errorMessage(request, 0)] : [];
  const told = tell(request);
  if (typeof told === 'number') {
    return told !== 0 || acknowledged ? [errorMessage(request, told)] : [];
  }
  if ('one' in told) {
    const one = message(request, told.kind, 0, told.one);
    return acknowledged ? [one, errorMessage(request, 0)] : [one];
  }
  const all = told.all.map((body) => message(request, told.kind, NLM_F_MULTI, body));
  const done = message(request, NLMSG_DONE, NLM_F_MULTI, intBytes(0));
  return [...datagrams(all), done];
}

/** Messages of a dump, as many as fit in each datagram. */
function datagrams(messages: readonly Uint8Array[]): Uint8Array[] {
  const found: Uint8Array[] = [];
  let together: Uint8Array[] = [];
  let size = 0;
  for (const each of messages) {
    if (size + each.length > DUMP_BYTES && together.length > 0) {
      found.push(join(together));
      together = [];
      size = 0;
    }
    together.push(each);
    size += aligned(each.length);
  }
  return together.length === 0 ? found : [...found, join(together)];
}

/**
 * What the kernel answers to the requests of a datagram, a datagram each.
 * @see net/netlink/af_netlink.c netlink_rcv_skb(), netlink_dump()
 */
export function answerRequests(
  bytes: Uint8Array,
  port: number,
  tell: (request: Request) => Told,
): Uint8Array[] {
  const answers: Uint8Array[] = [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = 0; at + HEADER <= bytes.length;) {
    const length = view.getUint32(at, true);
    if (length < HEADER || at + length > bytes.length) break;
    const whole = bytes.subarray(at, at + length);
    const request: Request = {
      type: view.getUint16(at + 4, true),
      flags: view.getUint16(at + 6, true),
      seq: view.getUint32(at + 8, true),
      port,
      whole,
      body: whole.subarray(HEADER),
    };
    // Requests are marked as such; what is not is passed over.
    if ((request.flags & NLM_F_REQUEST) !== 0) answers.push(...answer(request, tell));
    at += aligned(length);
  }
  return answers;
}
