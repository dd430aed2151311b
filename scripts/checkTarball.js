/**
 * Are the types of the packed package right (attw), and its package.json (publint)? `node scripts/checkTarball.js FOLDER`
 * checks the one .tgz in FOLDER.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';

const folder = process.argv[2] ?? '.';
const tarball = readdirSync(folder).find((name) => name.endsWith('.tgz'));
if (!tarball) {
  console.error(`No .tgz in ${folder}.`);
  process.exit(1);
}
const bin = (name) => join(import.meta.dirname, '..', 'node_modules', '.bin', name);
const checks = [
  [bin('attw'), '--profile', 'esm-only', '--format', 'ascii', join(folder, tarball)],
  [bin('publint'), '--strict', join(folder, tarball)],
];
const codes = checks.map(([file, ...args]) => spawnSync(file, args, { stdio: 'inherit' }).status);
process.exit(codes.every((code) => code === 0) ? 0 : 1);
