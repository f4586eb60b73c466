// A static server on a free local port: enough to load a page as a browser does from the web.
import { readdir, readFile, stat } from 'node:fs/promises';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';

/** Streaming compilation wants the type of wasm; module scripts want that of JavaScript. */
const MIME_TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.jsonl': 'text/plain; charset=utf-8',
  '.map': 'application/json',
  '.wasm': 'application/wasm',
};

/** Headers with which a page may share memory with its workers. */
export const ISOLATED: Readonly<Record<string, string>> = {
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
};

/** What a server answers beside the files. */
export interface ServeOptions {
  /** Sent with every file. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Types by extension, in place of the right ones. */
  readonly types?: Readonly<Record<string, string>>;
}

/** A path of the web, and the file of this machine or the contents it stands for. */
export type Files = ReadonlyMap<string, string | Uint8Array>;

/** A running server. */
export interface Server {
  /** Without a slash at the end. */
  readonly origin: string;
  close(): void;
}

/** Serves `files`; a path that ends with `/` stands for a directory, of which all is served. */
export async function serve(files: Files, options: ServeOptions = {}): Promise<Server> {
  const server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url ?? '/', 'http://localhost').pathname);
    void answer(response, path, find(files, path), options);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    origin: `http://127.0.0.1:${port}`,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** URL has resolved every `..` of a path before it comes here. */
function find(files: Files, path: string): string | Uint8Array | undefined {
  const file = files.get(path);
  if (file !== undefined) return file;
  for (const [prefix, directory] of files) {
    if (prefix.endsWith('/') && path.startsWith(prefix) && typeof directory === 'string') {
      return join(directory, path.slice(prefix.length));
    }
  }
  return undefined;
}

async function answer(
  response: ServerResponse,
  path: string,
  file: string | Uint8Array | undefined,
  { headers, types }: ServeOptions,
): Promise<void> {
  const body = file === undefined ? null : await contents(file);
  if (body === null) {
    response.writeHead(404).end();
    return;
  }
  const type = { ...MIME_TYPES, ...types }[extname(path)] ?? '';
  response.writeHead(200, { ...headers, 'content-type': type }).end(body);
}

/** A file's bytes, or the names in a directory as JSON; null when there is none. */
async function contents(file: string | Uint8Array): Promise<Uint8Array | string | null> {
  if (typeof file !== 'string') return file;
  try {
    if ((await stat(file)).isDirectory()) return JSON.stringify(await readdir(file));
    return await readFile(file);
  } catch {
    return null;
  }
}
