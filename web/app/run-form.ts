import { Store } from './store.js';

/** What is to be run, as it is chosen in the page. */
export interface RunForm {
  /** An example by name; empty for the file. */
  readonly program: string;
  /** The user's: a program, or a tar of a root directory. */
  readonly file: File | null;
  readonly command: string;
  readonly procMem: boolean;
  readonly strace: boolean;
  readonly haltsAtFault: boolean;
}

/** Kept while other panels are looked at. */
export const runForm = new Store<RunForm>({
  program: 'crash',
  file: null,
  command: 'crash',
  procMem: true,
  strace: true,
  haltsAtFault: false,
});

/** Chooses some of it; what is not named stays. */
export function changeRun(change: Partial<RunForm>): void {
  runForm.set({ ...runForm.value, ...change });
}

/** Offers a file of the user's, with the command that runs it most likely. */
export function offerProgram(file: File): void {
  const name = file.name.replace(/\.gz$/, '');
  changeRun({ file, program: '', command: /\.(tar|tgz)$/.test(name) ? '/bin/sh' : name });
}
