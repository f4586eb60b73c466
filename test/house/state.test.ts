// State that snapshots would lose: what is kept beside objects, or in a module, without their knowing.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { describeFindings, findAll, listSources, readText, stripComments } from './tree.js';

/** The rooms whose objects are the state of machines. */
const ROOMS = ['src/mm', 'src/kernel', 'src/vfs', 'src/net', 'src/procfs', 'src/syscall'];
/** Files of other rooms with such objects. */
const FILES = ['src/api/source-pages.ts'];
const HIDDEN = /\bnew Weak(?:Map|Set|Ref)\b|^(?:export )?let /m;
/** Private names: no walk over a machine's objects finds such fields, and none made anew has them. */
const PRIVATE = /^\s+(?:readonly |static |get |set )*#\w+/m;
/** Objects that live during one call only, or that a restore forgets (`caches` in the schema). */
const PASSING = new Set(['src/kernel/mm-limits.ts', 'src/mm/user.ts', 'src/mm/acting.ts']);
/** Callbacks of the embedder: a checkpoint leaves them as they are, and no snapshot is made with any. */
const CALLBACKS = new Set(['src/mm/watch.ts', 'src/mm/device.ts']);

const test = suite('house/state');

test('state lies in fields and side tables, where a snapshot finds it', () => {
  const findings = [...FILES, ...ROOMS.flatMap((room) => listSources(room))]
    .filter((path) => !PASSING.has(path) && !CALLBACKS.has(path))
    .flatMap((path) => {
      const lines = stripComments(readText(path));
      return [...findAll(path, lines, HIDDEN), ...findAll(path, lines, PRIVATE)];
    });
  assert.is(describeFindings(findings), '');
});

test.run();
