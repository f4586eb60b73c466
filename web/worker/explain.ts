import {
  type AccessExplanation,
  type AccessQuestion,
  type Checkpoint,
  errnoText,
  type Machine,
  type Task,
} from '../../src/index.js';
import { type AccessSettings, makeAccessWorld } from './explain-world.js';
import { createMachine, type Session } from './session.js';

/** Which question of the kernel, and in which mode. */
export interface AccessAsked {
  /** PTRACE_MODE_* bits. */
  readonly mode: number;
  readonly question: AccessQuestion;
}

/** A check as the page shows it. */
export interface CheckRow {
  readonly check: string;
  readonly source: string;
  /** Names and values of what was compared. */
  readonly compared: readonly (readonly [name: string, value: string])[];
  readonly outcome: 'allowed' | 'denied' | 'continue';
  readonly decided: boolean;
}

/** The whole answer. */
export interface AccessAnswer {
  readonly allowed: boolean;
  /** Name and text of the error; null where allowed. */
  readonly errno: string | null;
  readonly errnoText: string | null;
  readonly checks: readonly CheckRow[];
}

/** The access explainer: about tasks made for the question, or tasks of the open machine. */
export const explainHandlers = {
  'explain.made': async (
    _session: Session,
    args: AccessAsked & { readonly settings: AccessSettings },
  ): Promise<AccessAnswer> => {
    const { machine, start } = await machineFor(args.settings.yama);
    try {
      const { caller, target } = makeAccessWorld(machine, args.settings);
      return explain(machine, caller, target, args);
    } finally {
      machine.restoreTo(start);
    }
  },

  /** Tid 0 of the caller is the explorer's own process. */
  'explain.tasks': (
    session: Session,
    args: AccessAsked & { readonly caller: number; readonly target: number },
  ): AccessAnswer =>
    explain(session.machine, session.caller(args.caller), session.task(args.target), args),
};

/** A machine as it is before any task was made in it. */
interface Start {
  readonly machine: Machine;
  readonly start: Checkpoint;
}

/** One for each setting of Yama, as the setting cannot be undone; they go back to their start. */
const machines = new Map<AccessSettings['yama'], Promise<Start>>();

function machineFor(yama: AccessSettings['yama']): Promise<Start> {
  let made = machines.get(yama);
  if (made === undefined) {
    made = createMachine(yama === null ? {} : { yama }).then((machine) => {
      return { machine, start: machine.checkpoint() };
    });
    machines.set(yama, made);
  }
  return made;
}

function explain(
  machine: Machine,
  caller: Task,
  target: Task,
  { mode, question }: AccessAsked,
): AccessAnswer {
  return answerOf(machine.explainAccess(caller, target, mode, question));
}

/** An explanation as strings. */
export function answerOf({ allowed, errno, checks }: AccessExplanation): AccessAnswer {
  return {
    allowed,
    errno,
    errnoText: errno === null ? null : errnoText(errno),
    checks: checks.map((check) => ({
      ...check,
      compared: Object.entries(check.compared).map(([name, value]) => [
        words(name),
        formatValue(value),
      ]),
    })),
  };
}

/** `sameNamespace` as `same namespace` */
function words(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

/** A compared value: ids that are all one number are told once. */
function formatValue(value: unknown): string {
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (Array.isArray(value)) return value.map(formatValue).join(', ');
  if (typeof value !== 'object' || value === null) return String(value);
  const fields = Object.entries(value).map(([name, part]) => [name, formatValue(part)] as const);
  const values = new Set(fields.map(([, part]) => part));
  if (values.size === 1)
    return `${fields.map(([name]) => name).join(' = ')} = ${[...values].join()}`;
  return fields.map(([name, part]) => `${name} ${part}`).join(', ');
}
