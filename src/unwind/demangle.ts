import { NameParser } from './demangle-name.js';
import { DemangleError } from './demangle-node.js';
import { NamePrinter, NOWHERE } from './demangle-print.js';

/** Longest name looked at; template libraries reach a few thousand letters. */
const MAX_MANGLED = 16384;

/**
 * A C++ function's name as people write it, from the name that the linker sees (Itanium C++ ABI, as
 * gcc and clang use it).
 *
 *     _ZNK8postcard7Palette8colourOfEh   postcard::Palette::colourOf(unsigned char) const
 *
 * Spelled as GNU's c++filt -i and __cxa_demangle() do. A name that is not understood to its last letter is
 * returned as it is, never half demangled; so is one whose demangled form is very long or very deep.
 */
export function demangle(name: string): string {
  if (!name.startsWith('_Z') || name.length > MAX_MANGLED) return name;
  try {
    const node = new NameParser(name, 2).mangled();
    return new NamePrinter().print(node, NOWHERE);
  } catch (error) {
    if (error instanceof DemangleError) return name;
    throw error;
  }
}
