import type { Task } from '../api/task.js';
import * as capabilities from '../kernel/capability.js';
import type { AccessExplanation } from '../kernel/explain.js';
import { PTRACE_MODE_ATTACH_FSCREDS, PTRACE_MODE_ATTACH_REALCREDS } from '../kernel/ptrace.js';
import type { Machine } from '../machine.js';
import type { Caller } from './callers.js';
import { usualCallers } from './callers.js';
import type { Command, Options } from './command.js';
import { printAccess } from './demo-access.js';
import { chooseCrash, loadCrash, onlyOperand } from './input.js';
import { UsageError } from './io.js';
import { printJson } from './json.js';
import { countOption } from './number.js';
import { Terminal } from './terminal.js';

const MAX_ID = 0xfffffffe;

/**
 * `procmem explain [CORE]`: who may look into the process, and which check decides.
 *
 * @returns 0 when all who ask may, else 1
 * @throws {UsageError} an option makes no sense
 */
export const explain: Command = async (operands, io, options) => {
  const question = options.text('question') ?? 'mem';
  if (question !== 'mem' && question !== 'ptrace') {
    throw new UsageError(`--question: ${JSON.stringify(question)} is neither mem nor ptrace`);
  }
  const yama = options.text('yama') === null ? null : (countOption(options, 'yama', 0, 3) as 0);
  capsOf(options);
  const crash = await chooseCrash(onlyOperand(operands, 'explain'), options);
  if (crash.restored !== null && yama !== null) {
    throw new UsageError('--yama: a snapshot has its own kernel.yama.ptrace_scope');
  }
  const { machine, task } = await loadCrash(crash, yama === null ? {} : { yama });
  const answers = callersOf(machine, task, options).map(({ who, task: caller }) => ({
    who,
    access: ask(machine, caller, task, question),
  }));
  if (options.flag('json')) {
    const callers = answers.map(({ who, access }) => ({ who, ...access }));
    printJson(io, { target: { pid: task.pid, uid: task.uids.real }, question, callers });
  } else {
    const terminal = new Terminal(io);
    for (const { who, access } of answers) printAccess(terminal, who, access);
  }
  return answers.every(({ access }) => access.allowed) ? 0 : 1;
};

function ask(machine: Machine, caller: Task, target: Task, question: string): AccessExplanation {
  return question === 'mem'
    ? machine.explainAccess(caller, target, PTRACE_MODE_ATTACH_FSCREDS, 'mm_access')
    : machine.explainAccess(caller, target, PTRACE_MODE_ATTACH_REALCREDS, 'ptrace_may_access');
}

function callersOf(machine: Machine, target: Task, options: Options): Caller[] {
  const caps = capsOf(options);
  const same = target.uids.real;
  if (options.text('uid') !== null || caps !== null || options.text('gid') !== null) {
    const uid = countOption(options, 'uid', same, MAX_ID);
    const gid = countOption(options, 'gid', uid, MAX_ID);
    const may = caps === null ? {} : { caps };
    const with_ = options.text('caps') === null ? '' : `, capabilities ${options.text('caps')}`;
    const group = gid === uid ? '' : `, group ${gid}`;
    return [{ who: `user ${uid}${group}${with_}`, task: machine.spawn({ uid, gid, ...may }) }];
  }
  return usualCallers(machine, target);
}

/** The set that --caps asks for; null when it does not. */
function capsOf(options: Options): bigint | null {
  const list = options.text('caps');
  if (list === null) return null;
  if (list === 'none') return 0n;
  const numbers: ReadonlyMap<string, number> = new Map(
    Object.entries(capabilities).flatMap(([name, value]) =>
      /^CAP_[A-Z_]+$/.test(name) && typeof value === 'number' && value < 64 ? [[name, value]] : [],
    ),
  );
  if (list === 'all')
    return [...numbers.values()].reduce((set, bit) => set | (1n << BigInt(bit)), 0n);
  return list.split(',').reduce((set, name) => {
    const full = `CAP_${name.trim().toUpperCase().replace(/^CAP_/, '')}`;
    const bit = numbers.get(full);
    if (bit === undefined) throw new UsageError(`--caps: ${JSON.stringify(name)} is no capability`);
    return set | (1n << BigInt(bit));
  }, 0n);
}
