// Names to Linux are bytes; here they are strings, which hold them exactly: well-formed UTF-8 is the text it
// stands for, and every other byte b, from 0x80 on, is the lone surrogate U+DC00 + b, which no text has.
//
//     61 c3 a9 ff 2f   <->   'a' 'é' '\udcff' '/'

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { ignoreBOM: true, fatal: true });
/** Surrogates that stand for a byte: those of U+DC80 to U+DCFF that are no half of a character. */
const ESCAPED = /[\udc80-\udcff]/gu;
const LONE_SURROGATE = /\p{Surrogate}/u;
const ESCAPE = 0xdc00;

/** Bytes of the well-formed character at `at`; 0 where there is none (table 3-7 of the Unicode standard). */
function characterLength(bytes: Uint8Array, at: number): number {
  const lead = bytes[at] ?? 0;
  if (lead < 0x80) return 1;
  const length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4) return 0;
  const second = bytes[at + 1] ?? 0;
  const low = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
  const high = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
  if (second < low || second > high) return 0;
  for (let i = 2; i < length; i++) if (((bytes[at + i] ?? 0) & 0xc0) !== 0x80) return 0;
  return length;
}

function decodeEscaped(bytes: Uint8Array): string {
  let text = '';
  let start = 0;
  for (let at = 0; at < bytes.length;) {
    const length = characterLength(bytes, at);
    if (length === 0) {
      text += decoder.decode(bytes.subarray(start, at));
      text += String.fromCharCode(ESCAPE + (bytes[at] ?? 0));
      start = at + 1;
    }
    at += Math.max(length, 1);
  }
  return text + decoder.decode(bytes.subarray(start));
}

/** The string of a name's bytes; encodeName() gives them back. */
export function decodeName(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch {
    return decodeEscaped(bytes);
  }
}

/** The bytes of a name. A surrogate alone that stands for no byte becomes U+FFFD, as always in UTF-8. */
export function encodeName(name: string): Uint8Array {
  if (!LONE_SURROGATE.test(name)) return encoder.encode(name);
  const bytes: number[] = [];
  let start = 0;
  for (const { index } of name.matchAll(ESCAPED)) {
    bytes.push(...encoder.encode(name.slice(start, index)));
    bytes.push(name.charCodeAt(index) - ESCAPE);
    start = index + 1;
  }
  bytes.push(...encoder.encode(name.slice(start)));
  return Uint8Array.from(bytes);
}

/** A name as it comes from outside, as the one string that stands for its bytes. */
export function nameOf(name: string | Uint8Array): string {
  if (typeof name !== 'string') return decodeName(name);
  return LONE_SURROGATE.test(name) ? decodeName(encodeName(name)) : name;
}
