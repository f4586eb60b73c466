import { ProcError } from './error.js';

/** Fields 26 to 28 and 45 to 51 of /proc/PID/stat. */
export interface HostPlaces {
  readonly startCode: number;
  readonly endCode: number;
  readonly startStack: number;
  readonly startData: number;
  readonly endData: number;
  readonly startBrk: number;
  readonly argStart: number;
  readonly argEnd: number;
  readonly envStart: number;
  readonly envEnd: number;
}

/** What a copy needs of /proc/PID/stat. */
export interface HostStat {
  readonly comm: string;
  readonly state: string;
  readonly ppid: number;
  readonly pgrp: number;
  readonly sid: number;
  readonly nice: number;
  readonly places: HostPlaces;
}

/** @param fields from field 3 on */
function placesOf(fields: readonly string[]): HostPlaces {
  const field = (number: number): number => Number(fields[number - 3] ?? 0);
  return {
    startCode: field(26),
    endCode: field(27),
    startStack: field(28),
    startData: field(45),
    endData: field(46),
    startBrk: field(47),
    argStart: field(48),
    argEnd: field(49),
    envStart: field(50),
    envEnd: field(51),
  };
}

/**
 * Reads /proc/PID/stat. The name may hold anything, parentheses and newlines too; the last one ends it.
 *
 * @param file its path, for errors
 * @throws {ProcError} not the fields of a process
 */
export function parseHostStat(file: string, text: string): HostStat {
  const open = text.indexOf('(');
  const close = text.lastIndexOf(')');
  const fields = text.slice(close + 2).split(' ');
  const [state = '', ppid, pgrp, sid] = fields;
  if (open < 0 || close < open || sid === undefined) {
    throw new ProcError(file, 0, 'not the fields of a process');
  }
  const comm = text.slice(open + 1, close);
  const numbers = { ppid: Number(ppid), pgrp: Number(pgrp), sid: Number(sid) };
  const nice = Number(fields[19 - 3] ?? 0);
  return { comm, state, ...numbers, nice, places: placesOf(fields) };
}
