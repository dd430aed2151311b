import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The package this command belongs to: installed, or this repository. */
export interface OwnPackage {
  dir: string;
  version: string;
  dependencies: Readonly<Record<string, string>>;
  devDependencies: Readonly<Record<string, string>>;
}

export function ownPackage(): OwnPackage {
  for (let dir = dirname(fileURLToPath(import.meta.url)); dir !== dirname(dir); dir = dirname(dir)) {
    const path = join(dir, 'package.json');
    if (!existsSync(path)) continue;
    const manifest = JSON.parse(readFileSync(path, 'utf8')) as Partial<OwnPackage> & { name?: string };
    const { name, version = 'unknown', dependencies = {}, devDependencies = {} } = manifest;
    if (name === 'segno') return { dir, version, dependencies, devDependencies };
  }
  return { dir: process.cwd(), version: 'unknown', dependencies: {}, devDependencies: {} };
}
