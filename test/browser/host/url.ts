// node:url for a test in a browser, whose files are the server's.

/** The path that the server knows a file by. */
export function fileURLToPath(url: string | URL): string {
  return new URL(url).pathname;
}
