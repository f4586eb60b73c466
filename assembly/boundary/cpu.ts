// Access by the CPU that runs on an address space.
import * as cpu from '../cpu/load-store';
import * as fault from '../mm/fault';
import * as user from '../mm/user';
import { Mm } from '../mm/mm';

/** The runs of loads or stores over a range; bytes before a fault. */
export function userRuns(mm: usize, addr: f64, len: usize, write: bool, stackLimit: f64): usize {
  return user.userRuns(changetype<Mm>(mm), <u64>addr, len, write, <u64>stackLimit);
}

/** copy_from_user() to a place in linear memory; bytes before a fault. */
export function copyFromUser(mm: usize, addr: f64, to: usize, len: usize, stackLimit: f64): usize {
  return user.copyFromUser(changetype<Mm>(mm), to, <u64>addr, len, <u64>stackLimit);
}

/** FAULT_* of the last access by the CPU. */
export function lastFault(): u32 {
  return user.lastFault();
}

export function lastFaultAddr(): f64 {
  return <f64>user.lastFaultAddr();
}

export function load8(mm: usize, addr: f64, stackLimit: f64): u32 {
  return cpu.load8(changetype<Mm>(mm), <u64>addr, <u64>stackLimit);
}

export function load16(mm: usize, addr: f64, stackLimit: f64): u32 {
  return cpu.load16(changetype<Mm>(mm), <u64>addr, <u64>stackLimit);
}

export function load32(mm: usize, addr: f64, stackLimit: f64): u32 {
  return cpu.load32(changetype<Mm>(mm), <u64>addr, <u64>stackLimit);
}

export function load64(mm: usize, addr: f64, stackLimit: f64): u64 {
  return cpu.load64(changetype<Mm>(mm), <u64>addr, <u64>stackLimit);
}

export function store8(mm: usize, addr: f64, value: u32, stackLimit: f64): void {
  cpu.store8(changetype<Mm>(mm), <u64>addr, value, <u64>stackLimit);
}

export function store16(mm: usize, addr: f64, value: u32, stackLimit: f64): void {
  cpu.store16(changetype<Mm>(mm), <u64>addr, value, <u64>stackLimit);
}

export function store32(mm: usize, addr: f64, value: u32, stackLimit: f64): void {
  cpu.store32(changetype<Mm>(mm), <u64>addr, value, <u64>stackLimit);
}

export function store64(mm: usize, addr: f64, value: u64, stackLimit: f64): void {
  cpu.store64(changetype<Mm>(mm), <u64>addr, value, <u64>stackLimit);
}
