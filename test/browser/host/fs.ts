// node:fs for a test in a browser: the project's files, read from the server that serves the tests.
import { Buffer, type Bytes } from './buffer.js';
import { noHost } from './no-host.js';

/** A synchronous request, which a worker may make. */
function request(path: string | URL): XMLHttpRequest {
  const url = new URL(String(path), self.location.origin);
  const asked = new XMLHttpRequest();
  asked.open('GET', url, false);
  asked.responseType = 'arraybuffer';
  asked.send();
  return asked;
}

function contents(path: string | URL): Bytes {
  const { status, response } = request(path);
  if (status !== 200) throw new Error(`${String(path)}: the server answered ${status}`);
  return Buffer.from(response as ArrayBuffer);
}

export function readFileSync(path: string | URL, encoding?: 'utf8'): Bytes | string {
  const bytes = contents(path);
  return encoding === undefined ? bytes : bytes.toString(encoding);
}

/** The server lists a directory when its path ends with a slash. */
export function readdirSync(path: string | URL): string[] {
  return JSON.parse(contents(String(path).replace(/\/?$/, '/')).toString()) as string[];
}

export function existsSync(path: string | URL): boolean {
  return request(path).status === 200;
}

export const mkdirSync = noHost('mkdirSync');
export const mkdtempSync = noHost('mkdtempSync');
export const rmSync = noHost('rmSync');
export const statSync = noHost('statSync');
export const writeFileSync = noHost('writeFileSync');
