import { PT_NOTE } from './format.js';
import { readHeader } from './header.js';
import { readNotes } from './notes.js';
import { readSegments } from './segments.js';
import type { ByteSource } from './source.js';

const NT_GNU_BUILD_ID = 3;
const MAX_BUILD_ID = 64;

/**
 * The build id of a file as hex digits; null when it has none.
 *
 * @throws {ElfError} its headers or notes are wrong
 */
export function readBuildId(source: ByteSource): string | null {
  for (const segment of readSegments(source, readHeader(source))) {
    if (segment.type !== PT_NOTE) continue;
    for (const note of readNotes(source, segment)) {
      if (note.name !== 'GNU' || note.type !== NT_GNU_BUILD_ID) continue;
      if (note.length === 0 || note.length > MAX_BUILD_ID) return null;
      const bytes = source.read(note.offset, note.length);
      return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
    }
  }
  return null;
}

/** Where distributions put the debug file of a build id, below their directory of such files. */
export function debugFileOf(buildId: string): string {
  return `.build-id/${buildId.slice(0, 2)}/${buildId.slice(2)}.debug`;
}
