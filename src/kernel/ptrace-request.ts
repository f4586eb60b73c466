import { EINVAL, EIO, ESRCH } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import type { U64 } from '../mm/address.js';
import { copyFromUser, copyToUser } from '../mm/user.js';
import { ptraceAttach, ptracePeek, ptracePoke, ptraceTraceme } from './attach.js';
import { sendSignal } from './deliver.js';
import type { MmStruct } from './mm-struct.js';
import * as abi from './ptrace-abi.js';
import {
  checkPtraceOptions,
  ptraceGetRseq,
  ptraceGetSyscallInfo,
  ptraceSetSyscallInfo,
  ptraceUserDispatch,
} from './ptrace-info.js';
import { ptraceDetach, ptraceResume } from './ptrace-link.js';
import {
  FPREGS_SIZE,
  NT_PRFPREG,
  NT_PRSTATUS,
  ptracePeekUser,
  ptracePokeUser,
  ptraceRegset,
  REGS_SIZE,
} from './ptrace-regs.js';
import { ptraceGetFilter, ptraceGetFilterMetadata } from './ptrace-seccomp.js';
import {
  ptraceGetsiginfo,
  ptraceGetsigmask,
  ptraceInterrupt,
  ptraceListen,
  ptracePeeksiginfo,
  ptraceSetsiginfo,
  ptraceSetsigmask,
  tracerMm,
} from './ptrace-signal.js';
import { NSIG, SIGKILL } from './signal.js';
import type { PtraceLink } from './ptrace-link.js';
import type { TaskStruct } from './task.js';
import { toUserAddr } from './user-address.js';

/** A request of a tracer to a tracee of its own. */
interface Request {
  readonly caller: TaskStruct;
  readonly tracee: TaskStruct;
  readonly link: PtraceLink;
  readonly addr: U64;
  readonly data: U64;
}

type Handler = (mm: MmStruct, request: Request) => number | void;

/** The signal a tracer lets through, 0 for none; EIO beyond the last one (K-203). */
function injected(data: U64): number {
  return BigInt(data) > BigInt(NSIG) ? fail(EIO) : Number(data);
}

/** Runs on; nothing steps it. */
function resume(_mm: MmStruct, { caller, tracee, link, data }: Request): void {
  ptraceResume(tracee, link, { signal: injected(data), by: caller });
}

function resumeToSyscall(_mm: MmStruct, { caller, tracee, link, data }: Request): void {
  ptraceResume(tracee, link, { signal: injected(data), by: caller, syscalls: true });
}

function setOptions(_mm: MmStruct, { caller, link, data }: Request): void {
  link.options = checkPtraceOptions(caller, data);
}

function getEventMessage(mm: MmStruct, { link, data }: Request): void {
  const message = new Uint8Array(8);
  new DataView(message.buffer).setBigUint64(0, link.message, true);
  copyToUser(mm, data, message);
}

const peek: Handler = (mm, { caller, tracee, addr, data }) =>
  copyToUser(mm, data, ptracePeek(caller, tracee, addr));

const poke: Handler = (_mm, { caller, tracee, addr, data }) =>
  ptracePoke(caller, tracee, addr, data);

/** The registers of one type at `data`, whole. */
function wholeRegset(type: number, length: number, write: boolean): Handler {
  return (mm, { tracee, data }) => {
    ptraceRegset(tracee, type, { mm, base: data, length, write });
  };
}

/** `data` is a struct iovec; its length becomes what was copied. */
function regset(write: boolean): Handler {
  return (mm, { tracee, addr, data }) => {
    const bytes = copyFromUser(mm, data, 16);
    const iov = new DataView(bytes.buffer, bytes.byteOffset);
    const range = {
      base: toUserAddr(iov.getBigUint64(0, true)),
      length: Number(iov.getBigUint64(8, true)),
    };
    const type = Number(BigInt.asUintN(32, BigInt(addr)));
    const done = ptraceRegset(tracee, type, { mm, ...range, write });
    const length = new Uint8Array(new BigUint64Array([BigInt(done)]).buffer);
    copyToUser(mm, toUserAddr(BigInt(data) + 8n), length);
  };
}

const HANDLERS: ReadonlyMap<number, Handler> = new Map<number, Handler>([
  [abi.PTRACE_PEEKTEXT, peek],
  [abi.PTRACE_PEEKDATA, peek],
  [abi.PTRACE_POKETEXT, poke],
  [abi.PTRACE_POKEDATA, poke],
  [abi.PTRACE_PEEKUSR, (mm, r) => copyToUser(mm, r.data, ptracePeekUser(r.tracee, r.addr))],
  [abi.PTRACE_POKEUSR, (_mm, { tracee, addr, data }) => ptracePokeUser(tracee, addr, data)],
  [abi.PTRACE_GETREGS, wholeRegset(NT_PRSTATUS, REGS_SIZE, false)],
  [abi.PTRACE_SETREGS, wholeRegset(NT_PRSTATUS, REGS_SIZE, true)],
  [abi.PTRACE_GETFPREGS, wholeRegset(NT_PRFPREG, FPREGS_SIZE, false)],
  [abi.PTRACE_SETFPREGS, wholeRegset(NT_PRFPREG, FPREGS_SIZE, true)],
  [abi.PTRACE_GETREGSET, regset(false)],
  [abi.PTRACE_SETREGSET, regset(true)],
  [abi.PTRACE_CONT, resume],
  [abi.PTRACE_SYSCALL, resumeToSyscall],
  [abi.PTRACE_SINGLESTEP, resume],
  [abi.PTRACE_SINGLEBLOCK, resume],
  [abi.PTRACE_SYSEMU, resume],
  [abi.PTRACE_SYSEMU_SINGLESTEP, resume],
  [abi.PTRACE_KILL, (_mm, { tracee }) => sendSignal(tracee, SIGKILL)],
  [abi.PTRACE_DETACH, (_mm, r) => ptraceDetach(r.tracee, r.caller, injected(r.data))],
  [abi.PTRACE_INTERRUPT, (_mm, { tracee, link }) => ptraceInterrupt(tracee, link)],
  [abi.PTRACE_LISTEN, (_mm, { tracee, link }) => ptraceListen(tracee, link)],
  [abi.PTRACE_SETOPTIONS, setOptions],
  [abi.PTRACE_OLDSETOPTIONS, setOptions],
  [abi.PTRACE_GETEVENTMSG, getEventMessage],
  [abi.PTRACE_GETSIGINFO, (mm, { link, data }) => ptraceGetsiginfo(link, mm, data)],
  [abi.PTRACE_SETSIGINFO, (mm, { link, data }) => ptraceSetsiginfo(link, mm, data)],
  [abi.PTRACE_PEEKSIGINFO, (mm, r) => ptracePeeksiginfo(r.tracee, mm, r.addr, r.data)],
  [abi.PTRACE_GETSIGMASK, (mm, r) => ptraceGetsigmask(r.tracee, mm, r.addr, r.data)],
  [abi.PTRACE_SETSIGMASK, (mm, r) => ptraceSetsigmask(r.tracee, mm, r.addr, r.data)],
  [
    abi.PTRACE_SECCOMP_GET_FILTER,
    (mm, { caller, tracee, addr, data }) => ptraceGetFilter(caller, mm, { tracee, n: addr, data }),
  ],
  [
    abi.PTRACE_SECCOMP_GET_METADATA,
    (mm, { caller, tracee, addr, data }) =>
      ptraceGetFilterMetadata(caller, mm, { tracee, size: addr, data }),
  ],
  [abi.PTRACE_GET_SYSCALL_INFO, (mm, r) => ptraceGetSyscallInfo(r.tracee, mm, r.addr, r.data)],
  [abi.PTRACE_SET_SYSCALL_INFO, (mm, r) => ptraceSetSyscallInfo(mm, r.addr, r.data)],
  [abi.PTRACE_GET_RSEQ_CONFIGURATION, (mm, r) => ptraceGetRseq(r.tracee, mm, r.addr, r.data)],
  [
    abi.PTRACE_GET_SYSCALL_USER_DISPATCH_CONFIG,
    (mm, r) => ptraceUserDispatch(mm, r.addr, r.data, false),
  ],
  [
    abi.PTRACE_SET_SYSCALL_USER_DISPATCH_CONFIG,
    (mm, r) => ptraceUserDispatch(mm, r.addr, r.data, true),
  ],
  // Nobody has segments of its own, and ARCH_* numbers are those of arch_prctl().
  [abi.PTRACE_GET_THREAD_AREA, () => fail(EINVAL)],
  [abi.PTRACE_SET_THREAD_AREA, () => fail(EINVAL)],
  [abi.PTRACE_ARCH_PRCTL, () => fail(EINVAL)],
]);

/** Requests of x86 alone: RISC-V has the registers as sets only, and nothing that steps. */
const X86_ONLY: ReadonlySet<number> = new Set([
  abi.PTRACE_PEEKUSR,
  abi.PTRACE_POKEUSR,
  abi.PTRACE_GETREGS,
  abi.PTRACE_SETREGS,
  abi.PTRACE_GETFPREGS,
  abi.PTRACE_SETFPREGS,
  abi.PTRACE_SINGLESTEP,
  abi.PTRACE_SINGLEBLOCK,
  abi.PTRACE_SYSEMU,
  abi.PTRACE_SYSEMU_SINGLESTEP,
  abi.PTRACE_OLDSETOPTIONS,
  abi.PTRACE_GET_THREAD_AREA,
  abi.PTRACE_SET_THREAD_AREA,
  abi.PTRACE_ARCH_PRCTL,
]);

/** KILL and INTERRUPT are for running tracees too, others for those stopped (ptrace_check_attach()). */
function checkAttach(caller: TaskStruct, tracee: TaskStruct, what: number): PtraceLink {
  const { ptrace } = tracee;
  if (ptrace === null || ptrace.tracer !== caller) return fail(ESRCH);
  const anyState = what === abi.PTRACE_KILL || what === abi.PTRACE_INTERRUPT;
  if (!anyState && (tracee.state !== 't' || ptrace.listening)) fail(ESRCH);
  return ptrace;
}

/**
 * The system call ptrace.
 * @returns 0, or what PEEKSIGINFO and those that fill structures of a given size count
 * @throws {LinuxError} ESRCH: no such task, not a tracee of the caller, or one that runs (K-200,
 *   K-201)
 * @throws {LinuxError} EIO: an unknown request, a bad signal, word or register (K-202, K-203)
 * @throws {LinuxError} EPERM, EIO, EINVAL: see ptraceAttach() and the functions of each request
 * @throws {LinuxError} EFAULT: a bad address for the result (K-203)
 * @see kernel/ptrace.c, SYSCALL_DEFINE4(ptrace)
 */
export function sysPtrace(
  caller: TaskStruct,
  what: number,
  pid: number,
  addr: U64,
  data: U64,
): number {
  if (what === abi.PTRACE_TRACEME) {
    ptraceTraceme(caller);
    return 0;
  }
  const tracee = caller.kernel.findTask(pid) ?? fail(ESRCH);
  if (what === abi.PTRACE_ATTACH || what === abi.PTRACE_SEIZE) {
    const seize = what === abi.PTRACE_SEIZE ? { addr, options: data } : null;
    ptraceAttach(caller, tracee, seize);
    return 0;
  }
  const link = checkAttach(caller, tracee, what);
  const handler = HANDLERS.get(what) ?? fail(EIO);
  if (tracee.hart !== null && X86_ONLY.has(what)) fail(EIO);
  return handler(tracerMm(caller), { caller, tracee, link, addr, data }) ?? 0;
}
