// The page's entry: starts the worker, reads the address bar, and draws.
import { render } from 'preact';
import { workerScript } from 'procmem:worker';

import { Client } from './app/client.js';
import { openDemo } from './app/opening.js';
import { followHash } from './app/selection.js';
import { Shell } from './app/shell.js';
import { applyTheme } from './app/theme.js';

function startWorker(): Worker {
  if (workerScript === null) {
    return new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });
  }
  const script = new Blob([workerScript], { type: 'text/javascript' });
  return new Worker(URL.createObjectURL(script));
}

applyTheme();
followHash();
const client = new Client(startWorker());
const root = document.getElementById('root');
if (root !== null) render(<Shell client={client} />, root);

/** `?demo` opens the crash, `?demo=NAME` another; a link into the demo keeps its place. */
const demo = new URLSearchParams(location.search).get('demo');
if (demo !== null) void openDemo(client, demo === '' ? 'crash' : demo, true);
