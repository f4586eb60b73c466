// node:os for a test in a browser.
import { noHost } from './no-host.js';

export const release = noHost('release');
export const tmpdir = noHost('tmpdir');
