import { registersHandlers } from './registers.js';
import { processOf } from './process.js';
import type { Session } from './session.js';

/** User addresses end here. */
const TASK_SIZE = 2 ** 47 - 4096;

/**
 * The address that a text names: 0x…, twelve hex digits, $register, [mapping] or a part of a path, a
 * symbol; each with +N or -N behind it.
 *
 * @throws {TypeError} it names none, or one outside user space
 */
export function findPlace(session: Session, tid: number, text: string): number {
  const [, name = '', sign = '+', by = '0'] =
    /^(.+?)(?:\s*([+-])\s*(0x[0-9a-f]+|\d+))?$/i.exec(text.trim()) ?? [];
  if (name === '')
    throw new TypeError('type an address such as 0x7ffd1000, a symbol, $rsp or [stack]');
  const base = addressOf(session, tid, name);
  const addr = base + (sign === '-' ? -Number(by) : Number(by));
  if (addr < 0 || addr >= TASK_SIZE) {
    throw new TypeError(
      `0x${addr.toString(16)} is outside user space, which ends at 0x7ffffffff000`,
    );
  }
  return addr;
}

function addressOf(session: Session, tid: number, name: string): number {
  if (/^0x[0-9a-f]+$/i.test(name) || /^\d+$/.test(name)) return Number(name);
  if (/^[0-9a-f]{8,16}$/i.test(name)) return Number.parseInt(name, 16);
  if (name.startsWith('$')) {
    const { general } = registersHandlers['registers.of'](session, { tid });
    const value = general.find((row) => `$${row.name}` === name)?.value;
    if (value === undefined) throw new TypeError(`${name} is no register of task ${tid}`);
    return Number(value);
  }
  const view = processOf(session, session.task(tid));
  const mapping = view.maps.find(({ path }) => path === name);
  const symbol = mapping === undefined ? view.addressOf(name) : null;
  if (symbol !== null) return Number(symbol);
  const part =
    mapping ?? view.maps.find(({ path }) => path !== '' && path.split('/').pop() === name);
  if (part !== undefined) return part.start;
  throw new TypeError(`'${name}' is neither an address nor a symbol or mapping of this process`);
}
