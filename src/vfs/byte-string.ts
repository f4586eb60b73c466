import { encodeName } from '../mm/name-bytes.js';
const NON_ASCII = /[^\0-\x7f]/;

/** Text or a name as its bytes, one character a byte: how files made on the fly are put together. */
export function byteString(text: string): string {
  if (!NON_ASCII.test(text)) return text;
  return Array.from(encodeName(text), (byte) => String.fromCharCode(byte)).join('');
}

/** The bytes of a byte string. */
export function bytesOf(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

/** The byte string of bytes. */
export function byteStringOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => String.fromCharCode(byte)).join('');
}
