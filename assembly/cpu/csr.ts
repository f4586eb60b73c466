// Zicsr: the registers that a program may see. Counters count instructions: time too, so that a run is the
// same every time.
import { HART_FCSR } from '../abi/cpu';
import { hart, Uop } from './uop';

const FFLAGS: u32 = 0x001;
const FRM: u32 = 0x002;
const FCSR: u32 = 0x003;
const CYCLE: u32 = 0xc00;
const INSTRET: u32 = 0xc02;

/** Executes an instruction of Zicsr when `retired` have been executed; false: it is illegal. */
export function accessCsr(up: usize, retired: u64): bool {
  const insn = load<u32>(up, 8);
  const number = insn >> 20;
  const how = (insn >> 12) & 7;
  const source = (insn >> 15) & 31;
  const operand = how & 4 ? <u64>source : Uop.a(up);
  const isCounter = number >= CYCLE && number <= INSTRET;
  if (!isCounter && (number < FFLAGS || number > FCSR)) return false;
  // Setting and clearing nothing is no write: so are counters read.
  const writes = (how & 3) == 1 || source != 0;
  if (isCounter && writes) return false;
  const old = isCounter ? retired : readFloatCsr(number);
  if (writes) {
    const value = (how & 3) == 1 ? operand : (how & 3) == 2 ? old | operand : old & ~operand;
    writeFloatCsr(number, <u32>value);
  }
  Uop.set(up, old);
  return true;
}

function readFloatCsr(number: u32): u64 {
  const fcsr = load<u32>(hart, HART_FCSR);
  return number == FFLAGS ? fcsr & 31 : number == FRM ? fcsr >> 5 : fcsr;
}

function writeFloatCsr(number: u32, value: u32): void {
  const fcsr = load<u32>(hart, HART_FCSR);
  if (number == FFLAGS) value = (fcsr & ~31) | (value & 31);
  else if (number == FRM) value = (fcsr & 31) | ((value & 7) << 5);
  store<u32>(hart, value & 255, HART_FCSR);
}
