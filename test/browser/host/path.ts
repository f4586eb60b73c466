// node:path for a test in a browser.

/** Good for paths without `..`: those of the server. */
export function join(...parts: string[]): string {
  return parts.join('/').replace(/\/+/g, '/');
}
