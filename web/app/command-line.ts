/**
 * A command line as arguments: words, with quotes and backslashes as in a shell, and nothing else of one.
 *
 * @throws {SyntaxError} a quote that does not end
 */
export function splitCommand(text: string): string[] {
  const words: string[] = [];
  let word: string | null = null;
  let quote: string | null = null;
  for (let i = 0; i < text.length; i++) {
    const letter = text.charAt(i);
    if (letter === quote) quote = null;
    else if (letter === '\\' && quote !== "'" && i + 1 < text.length) {
      word = (word ?? '') + text.charAt(++i);
    } else if (quote !== null) word = (word ?? '') + letter;
    else if (letter === '"' || letter === "'") [quote, word] = [letter, word ?? ''];
    else if (!/\s/.test(letter)) word = (word ?? '') + letter;
    else if (word !== null) [word] = [null, words.push(word)];
  }
  if (quote !== null) throw new SyntaxError(`a ${quote} that does not end`);
  return word === null ? words : [...words, word];
}
