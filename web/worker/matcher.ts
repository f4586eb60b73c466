// A worker's entry: matches one regular expression. An expression that backtracks without end is no more than a
// thread that somebody ends.
import { matches } from './search-pattern.js';

/** What a matcher is told first; the bytes follow. */
export interface MatcherStart {
  readonly source: string;
  readonly ignoreCase: boolean;
}

/** Places and lengths of matches, in turn. */
export type Matched = Uint32Array<ArrayBuffer>;

let regex = /(?:)/g;

globalThis.onmessage = ({ data }: MessageEvent<MatcherStart | Uint8Array>) => {
  if (!(data instanceof Uint8Array)) {
    regex = new RegExp(data.source, data.ignoreCase ? 'gi' : 'g');
    return;
  }
  const found: number[] = [];
  matches(regex, data, (at, length) => found.push(at, length) > 0);
  const matched: Matched = Uint32Array.from(found);
  globalThis.postMessage(matched, { transfer: [matched.buffer] });
};
