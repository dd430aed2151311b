/** How to start one of the package's own processes: compiled from dist/, or its TypeScript source through tsx. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** @param path from the package's root without extension, for example `ledger/pgliteServer`; @returns arguments for node */
export function entryPoint(path: string): string[] {
  const file = fileURLToPath(new URL(`../../${path}`, import.meta.url));
  if (existsSync(`${file}.js`)) return [`${file}.js`];
  return ['--import', import.meta.resolve('tsx'), `${file}.ts`];
}
