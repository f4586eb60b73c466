// Draws what a program wrote to a terminal: `FORCE_COLOR=1 PROGRAM | node tools/terminal-svg.mjs OUT.svg
// [LAST_LINE]`. Knows the looks that src/cli/terminal.ts uses.
import { readFileSync, writeFileSync } from 'node:fs';

const [out, lastLine = '1000'] = process.argv.slice(2);
const COLORS = { 31: '#ff7b72', 32: '#7ee787', 33: '#e3b341', 36: '#79c0ff' };
const CHAR = 7.8;
const LINE = 18;
const MARGIN = 18;

const escape = (text) =>
  text.replace(/[&<>]/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;' })[c]);

/** One line as tspans, each with the look in force. */
function spans(line, look) {
  let column = 0;
  let svg = '';
  for (const part of line.split(/(\x1b\[[0-9;]*m)/)) {
    const code = /^\x1b\[(\d+)m$/.exec(part)?.[1];
    if (code === undefined) {
      const weight = look.bold ? ' font-weight="bold"' : '';
      const fill = look.color ?? (look.dim ? '#8b949e' : '#e6edf3');
      // Runs of spaces are left out, and what follows them placed: renderers fold them.
      for (const { 0: words, index } of part.matchAll(/\S+(?: \S+)*/g)) {
        const x = (MARGIN + (column + index) * CHAR).toFixed(1);
        const length = ([...words].length * CHAR).toFixed(1);
        svg += `<tspan x="${x}" textLength="${length}" fill="${fill}"${weight}>${escape(words)}</tspan>`;
      }
      column += [...part].length;
    } else if (code === '1') look.bold = true;
    else if (code === '2') look.dim = true;
    else if (code === '22') look.bold = look.dim = false;
    else look.color = COLORS[code];
  }
  return svg;
}

const lines = readFileSync(0, 'utf8').replace(/\n$/, '').split('\n').slice(0, Number(lastLine));
const plain = lines.map((line) => [...line.replace(/\x1b\[[0-9;]*m/g, '')].length);
const width = Math.ceil(2 * MARGIN + Math.max(...plain) * CHAR);
const height = 2 * MARGIN + lines.length * LINE;
const look = {};
const body = lines.map(
  (line, i) => `<text y="${MARGIN + (i + 0.8) * LINE}">${spans(line, look)}</text>`,
);
writeFileSync(
  out,
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}">
<rect width="100%" height="100%" rx="8" fill="#0d1117"/>
<g font-family="ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="13">
${body.join('\n')}
</g>
</svg>
`,
);
