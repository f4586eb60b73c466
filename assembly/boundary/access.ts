// Access to an address space from outside: mem files, ptrace, process_vm.
import { FOLL_PIN, FOLL_WRITE } from '../abi/foll';
import * as access from '../mm/access';
import * as gup from '../mm/gup';
import { Mm } from '../mm/mm';
import * as processVm from '../mm/process-vm';

/** access_remote_vm() between linear memory and `mm`; bytes copied. */
export function accessRemoteVm(
  mm: usize,
  addr: f64,
  buf: usize,
  len: usize,
  gupFlags: u32,
  stackLimit: f64,
): usize {
  return access.accessRemoteVm(changetype<Mm>(mm), <u64>addr, buf, len, gupFlags, <u64>stackLimit);
}

/** The place of `len` bytes in one page where an access from outside has nothing to do but copy; or 0. */
export function readyPlace(mm: usize, addr: f64, len: usize, write: bool): usize {
  return gup.readyPlace(changetype<Mm>(mm), <u64>addr, len, write);
}

/** Copies within linear memory: between the bounce buffer and such a place. */
export function copyPlaces(to: usize, from: usize, len: usize): void {
  memory.copy(to, from, len);
}

/** Why the last remote access stopped: 0, EFAULT, ENOMEM, NEED_PAGE. */
export function gupStop(): i32 {
  return gup.gupStop();
}

/** The runs of an access from outside; bytes covered, at most `len` and what the list holds. */
export function accessRuns(
  mm: usize,
  addr: f64,
  len: usize,
  gupFlags: u32,
  stackLimit: f64,
  grows: bool,
): usize {
  return access.accessRuns(changetype<Mm>(mm), <u64>addr, len, gupFlags, <u64>stackLimit, grows);
}

/** mem_rw() with a buffer in guest memory. */
export function memRw(
  mm: usize,
  addr: f64,
  local: usize,
  buf: f64,
  count: usize,
  from: usize,
  gupFlags: u32,
  stackLimit: f64,
): i32 {
  return access.memRw(
    changetype<Mm>(mm),
    <u64>addr,
    changetype<Mm>(local),
    <u64>buf,
    count,
    from,
    gupFlags,
    <u64>stackLimit,
  );
}

export function memRwDone(): usize {
  return access.memRwDone();
}

/** Which side stopped the last processVmCopy(): 0 none, 1 the remote page, 2 the local buffer. */
export function processVmStop(): u32 {
  return processVm.processVmStop();
}

/** The same of a copy that the host did in its place. */
export function setProcessVmStop(side: u32): void {
  processVm.setProcessVmStop(side);
}

/** How far the host came in memRw()'s place. */
export function setMemRwDone(bytes: usize): void {
  access.setMemRwDone(bytes);
}

export function processVmCopy(
  remote: usize,
  remoteAddr: f64,
  local: usize,
  localAddr: f64,
  len: usize,
  write: bool,
  stackLimit: f64,
  segment: usize,
): usize {
  return processVm.processVmCopy(
    changetype<Mm>(remote),
    <u64>remoteAddr,
    changetype<Mm>(local),
    <u64>localAddr,
    len,
    FOLL_PIN | (write ? FOLL_WRITE : 0),
    <u64>stackLimit,
    segment,
  );
}
