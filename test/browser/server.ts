// A static server on a free local port: enough to load a page as a browser does from the web.
import { readFile } from 'node:fs/promises';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname } from 'node:path';

/** `instantiateStreaming` wants the type of wasm; module scripts want that of JavaScript. */
const MIME_TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.jsonl': 'text/plain; charset=utf-8',
  '.map': 'application/json',
  '.wasm': 'application/wasm',
};

/** A running server. */
export interface Server {
  /** Without a slash at the end. */
  readonly origin: string;
  close(): void;
}

/** Serves `files`, from a path of the web to a file of this machine or to its contents. */
export async function serve(files: ReadonlyMap<string, string | Buffer>): Promise<Server> {
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? '/', 'http://localhost').pathname;
    void answer(response, path, files.get(path));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { origin: `http://127.0.0.1:${port}`, close: () => server.close() };
}

async function answer(
  response: ServerResponse,
  path: string,
  file: string | Buffer | undefined,
): Promise<void> {
  if (file === undefined) {
    response.writeHead(404).end();
    return;
  }
  const body = typeof file === 'string' ? await readFile(file) : file;
  response.writeHead(200, { 'content-type': MIME_TYPES[extname(path)] ?? '' }).end(body);
}
