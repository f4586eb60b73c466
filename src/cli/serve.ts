import { readdirSync, readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import type { Command } from './command.js';
import { InputError, UsageError } from './io.js';
import { printJsonLine } from './json.js';
import { countOption } from './number.js';

/** Where the build puts the explorer, seen from dist/src/cli/. */
const EXPLORER = fileURLToPath(new URL('../../web/', import.meta.url));
const DEFAULT_PORT = 8077;

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.wasm': 'application/wasm',
  '.map': 'application/json',
  '.txt': 'text/plain; charset=utf-8',
};

/** What the page may do: run its own scripts and wasm, and fetch its own files. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "style-src 'self'",
  "worker-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const HEADERS = {
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
  'cross-origin-resource-policy': 'same-origin',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-cache',
};

/** The explorer on a port of this computer. */
export interface ExplorerServer {
  /** Where to point a browser, with a slash at the end. */
  readonly url: string;
  close(): Promise<void>;
}

/**
 * `procmem serve [--port N]`: serves the explorer to browsers on this computer until it is interrupted.
 *
 * @throws {UsageError} the command line makes no sense
 * @throws {InputError} the port is taken, or the explorer was not built
 */
export const serve: Command = async (operands, io, options) => {
  if (operands.length > 0) {
    throw new UsageError('serve takes no file: drop the core into the page, nothing is uploaded');
  }
  const server = await serveExplorer(countOption(options, 'port', DEFAULT_PORT, 0xffff));
  if (options.flag('json')) printJsonLine(io, { url: server.url });
  else io.out(`The explorer is at ${server.url} for this computer alone. Ctrl C ends it.\n`);
  await new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
  });
  await server.close();
  return 0;
};

/**
 * Serves the files of the explorer on the loopback interface.
 *
 * @param port 0 for one that is free
 * @throws {InputError} the port is taken, or the explorer was not built
 */
export async function serveExplorer(port: number, directory = EXPLORER): Promise<ExplorerServer> {
  const names = explorerFiles(directory);
  const server = createServer((request, response) => answer(directory, names, request, response));
  await listening(server, port).catch((error: NodeJS.ErrnoException) => {
    throw new InputError(`cannot listen on 127.0.0.1:${port}: ${String(error.code)}; try --port`);
  });
  const { port: own } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${own}/`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Only what is in the directory is served: a path is looked up, never followed. */
function explorerFiles(directory: string): ReadonlySet<string> {
  try {
    return new Set(readdirSync(directory));
  } catch {
    throw new InputError(`the explorer is not built: npm run build:web`);
  }
}

function listening(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => resolve());
  });
}

function answer(
  directory: string,
  names: ReadonlySet<string>,
  { method, url = '/', headers }: IncomingMessage,
  response: ServerResponse,
): void {
  // A page of somebody else whose name leads to this computer must not read these.
  if (!/^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/i.test(headers.host ?? '')) {
    return void response.writeHead(421).end();
  }
  if (method !== 'GET' && method !== 'HEAD') {
    return void response.writeHead(405, { allow: 'GET, HEAD' }).end();
  }
  const path = url.replace(/[?#].*$/, '');
  const name = path === '/' ? 'index.html' : path.slice(1);
  if (!names.has(name)) return void response.writeHead(404).end();
  let body;
  try {
    body = readFileSync(join(directory, name));
  } catch (error) {
    // It went, or may not be read, since the server started.
    const { code } = error as NodeJS.ErrnoException;
    return void response.writeHead(code === 'ENOENT' ? 404 : 500).end();
  }
  const type = TYPES[extname(name)] ?? 'application/octet-stream';
  // The single page has a policy of its own, with the hash of its script; who may frame it is for a header only.
  const policy = name === 'procmem.html' ? "frame-ancestors 'none'" : POLICY;
  response.writeHead(200, {
    ...HEADERS,
    'content-security-policy': policy,
    'content-type': type,
    'content-length': body.length,
  });
  response.end(method === 'HEAD' ? undefined : body);
}
