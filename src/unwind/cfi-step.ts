import type { Row, RegisterRule } from './cfa-program.js';
import { runCfaProgram } from './cfa-program.js';
import { CfiError } from './cursor.js';
import type { Fde } from './eh-frame.js';
import { evaluate } from './expression.js';
import type { UnwindMachine } from './machines.js';
import { X86_64 } from './machines.js';
import type { ReadMemory } from './memory.js';
import { readWord } from './memory.js';
import type { Registers } from './registers.js';

/**
 * The caller's registers, by the call-frame information of the function that holds `pc`.
 *
 * Registers without a rule keep their value, as in every unwinder; the stack pointer without a rule is the CFA.
 *
 * @param pc the address whose row applies: of the call, not of the return
 * @returns null when the return address is undefined: this is the outermost frame
 * @throws {CfiError} the information makes no sense or leads to unreadable memory
 */
export function stepByCfi(
  fde: Fde,
  pc: bigint,
  registers: Registers,
  read: ReadMemory,
  machine: UnwindMachine = X86_64,
): Registers | null {
  const row = runCfaProgram(fde, pc);
  const cfa = canonicalFrameAddress(row, registers, read);
  const caller: (bigint | null)[] = [];
  for (let column = 0; column < machine.count; column++) {
    const rule = row.registers.get(column);
    const kept = column === machine.sp ? cfa : (registers[column] ?? null);
    caller.push(rule === undefined ? kept : apply(rule, column, cfa, registers, read));
  }
  const address = returnAddress(fde, row, caller, machine);
  caller[machine.pc] = address;
  return address === null ? null : caller;
}

/**
 * Without a rule for the return column the "caller" would be this very function: the outermost.
 * Where calls leave the return address in a register, a function that calls none keeps it there.
 */
function returnAddress(
  fde: Fde,
  row: Row,
  caller: Registers,
  machine: UnwindMachine,
): bigint | null {
  const { returnColumn } = fde.cie;
  if (returnColumn >= machine.count) throw new CfiError('the return column does not exist');
  const known = row.registers.has(returnColumn) || returnColumn === machine.link;
  const address = known ? (caller[returnColumn] ?? null) : null;
  return address === null ? null : BigInt.asUintN(machine.addressBits, address);
}

function canonicalFrameAddress(row: Row, registers: Registers, read: ReadMemory): bigint {
  if (row.cfa === null) throw new CfiError('the CFA has no rule');
  if (row.cfa.kind === 'expression') return evaluate(row.cfa.code, { read, registers }, []);
  const base = registers[row.cfa.register];
  if (base === undefined || base === null) throw new CfiError('the CFA register is not known');
  return BigInt.asUintN(64, base + row.cfa.offset);
}

function apply(
  rule: RegisterRule,
  column: number,
  cfa: bigint,
  registers: Registers,
  read: ReadMemory,
): bigint | null {
  switch (rule.kind) {
    case 'undefined':
      return null;
    case 'same':
      return registers[column] ?? null;
    case 'register':
      return registers[rule.register] ?? null;
    case 'offset':
      return load(read, BigInt.asUintN(64, cfa + rule.offset));
    case 'valOffset':
      return BigInt.asUintN(64, cfa + rule.offset);
    case 'expression':
      return load(read, evaluate(rule.code, { read, registers }, [cfa]));
    case 'valExpression':
      return evaluate(rule.code, { read, registers }, [cfa]);
  }
}

function load(read: ReadMemory, addr: bigint): bigint {
  const value = readWord(read, addr);
  if (value === null) throw new CfiError('a saved register is not readable');
  return value;
}
