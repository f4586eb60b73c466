import { Console, Guest } from '../../src/index.js';
import { machineFor } from './guest-files.js';
import type { Session } from './session.js';

/** What the crash program printed, and how it ended. */
export interface RealCrash {
  readonly output: Uint8Array;
  readonly signal: number | null;
  readonly instructions: number;
}

/** The end of the tour: a program that crashes here and now. */
export const tourRunHandlers = {
  /** Runs it in a machine of its own. */
  'tour.run': async (
    _session: Session,
    { procMem }: { readonly procMem: boolean },
  ): Promise<RealCrash> => {
    const { machine, program } = await machineFor({ example: 'crash' }, procMem);
    const guest = new Guest(machine);
    const parts: Uint8Array<ArrayBuffer>[] = [];
    const write = (bytes: Uint8Array): void => void parts.push(bytes.slice());
    const terminal = new Console({ tty: true, write });
    const streams = { stdin: terminal, stdout: terminal, stderr: terminal };
    const { signal } = await guest.runToEnd(guest.start(program ?? '', ['crash'], streams));
    const output = new Uint8Array(await new Blob(parts).arrayBuffer());
    return { output, signal, instructions: guest.instructions };
  },
};
