/**
 * Compile to dist/, take away what no longer has a source, and make the command executable.
 *
 *   node scripts/build.js           fails on type errors
 *   node scripts/build.js --prepare what npm runs after an install: a type error is printed and does not stop the
 *                                   install (types, lint and CI stop on it), and without TypeScript there is nothing to do
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const dist = join(root, 'dist');
const command = join(dist, 'cli', 'main.js');

/** @returns {string | undefined} the compiler's script, or undefined where devDependencies were not installed */
function compiler() {
  try {
    return createRequire(import.meta.url).resolve('typescript/bin/tsc');
  } catch {
    return undefined;
  }
}

/** A file renamed in the sources must not live on in the package. */
function removeOrphans() {
  if (!existsSync(dist)) return;
  for (const entry of readdirSync(dist, { recursive: true, withFileTypes: true })) {
    const output = join(entry.parentPath, entry.name);
    const suffix = /\.(d\.ts|js)$/.exec(entry.name)?.[0];
    if (!entry.isFile() || !suffix) continue;
    const source = join(root, relative(dist, output).slice(0, -suffix.length));
    if (!existsSync(`${source}.ts`) && !existsSync(`${source}.tsx`)) rmSync(output);
  }
}

/** `npx segno` looks into node_modules/.bin first; npm links the bins of dependencies there, never the project's own. */
function linkCommand() {
  const bin = join(root, 'node_modules', '.bin');
  const link = join(bin, 'segno');
  if (process.platform === 'win32' || !existsSync(command)) return;
  chmodSync(command, 0o755);
  mkdirSync(bin, { recursive: true });
  rmSync(link, { force: true });
  symlinkSync(relative(bin, command), link);
}

const preparing = process.argv.includes('--prepare');
const tsc = compiler();
if (!tsc) {
  if (preparing) process.exit(0);
  console.error('TypeScript is not installed. Run `npm ci` with devDependencies.');
  process.exit(1);
}
const compiled = spawnSync(process.execPath, [tsc, '-p', join(root, 'tsconfig.build.json')], { stdio: 'inherit' });
removeOrphans();
linkCommand();
if (compiled.status !== 0 && preparing) {
  console.error('dist/ was built although there are type errors (above). `npm run verify` stops on them.');
  process.exit(0);
}
process.exit(compiled.status ?? 1);
