// dist/cli/procmem.cjs: the command line as one script, which src/cli/script.ts loads. A script and no module,
// because Node can keep the compiled code of scripts alone.
import { createHash } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Writes the script; what was compiled of the one before goes. */
export async function bundleCli(root) {
  const esbuild = await import('esbuild');
  const { outputFiles } = await esbuild.build({
    absWorkingDir: root,
    entryPoints: ['src/cli/program.ts'],
    outfile: 'dist/cli/procmem.cjs',
    write: false,
    bundle: true,
    format: 'cjs',
    platform: 'node',
    target: 'node20',
    charset: 'ascii',
    // Names stay: an error that nobody expected says its class.
    minifyWhitespace: true,
    legalComments: 'none',
    logLevel: 'silent',
    define: { 'import.meta.url': '__url' },
    // A script that a program compiles has no import().
    supported: { 'dynamic-import': false },
  });
  const { text } = outputFiles[0];
  const hash = createHash('sha256').update(text).digest('hex').slice(0, 16);
  const out = join(root, 'dist', 'cli');
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
  writeFileSync(join(out, 'procmem.cjs'), `// ${hash}\n${text}`);
}
