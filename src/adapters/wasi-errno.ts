/** The errors of WASI preview 1 in the order of their numbers, which Emscripten has too. */
const NAMES =
  'SUCCESS 2BIG ACCES ADDRINUSE ADDRNOTAVAIL AFNOSUPPORT AGAIN ALREADY BADF BADMSG BUSY CANCELED ' +
  'CHILD CONNABORTED CONNREFUSED CONNRESET DEADLK DESTADDRREQ DOM DQUOT EXIST FAULT FBIG ' +
  'HOSTUNREACH IDRM ILSEQ INPROGRESS INTR INVAL IO ISCONN ISDIR LOOP MFILE MLINK MSGSIZE MULTIHOP ' +
  'NAMETOOLONG NETDOWN NETRESET NETUNREACH NFILE NOBUFS NODEV NOENT NOEXEC NOLCK NOLINK NOMEM ' +
  'NOMSG NOPROTOOPT NOSPC NOSYS NOTCONN NOTDIR NOTEMPTY NOTRECOVERABLE NOTSOCK NOTSUP NOTTY NXIO ' +
  'OVERFLOW OWNERDEAD PERM PIPE PROTO PROTONOSUPPORT PROTOTYPE RANGE ROFS SPIPE SRCH STALE ' +
  'TIMEDOUT TXTBSY XDEV NOTCAPABLE';

const NUMBERS: ReadonlyMap<string, number> = new Map(
  NAMES.split(' ').map((name, number) => [`E${name}`, number]),
);

const WASI_EIO = 29;
export const WASI_ENOTCAPABLE = 76;

/** WASI's number of an error with a `code`; an error without one is thrown on: it is a fault. */
export function wasiErrno(error: unknown): number {
  const code = (error as { code?: unknown }).code;
  if (typeof code !== 'string') throw error;
  return NUMBERS.get(code) ?? WASI_EIO;
}
