import { EIO } from '../../assembly/abi/errno.js';
import type { Mm } from './mm.js';

/** Has the page that the core stopped for been loaded? Errors of the host's file say no. */
export function loaded(mm: Mm): boolean {
  try {
    mm.core.servePage();
    return true;
  } catch (error) {
    if (isEio(error)) return false;
    throw error;
  }
}

function isEio(error: unknown): boolean {
  return error instanceof Error && 'errno' in error && error.errno === -EIO;
}
