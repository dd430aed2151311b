/** The examples that ship with the package: one folder each, described by its example.json. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

const exampleFile = 'example.json';

const exampleSchema = z.strictObject({
  /** One line. */
  summary: z.string().min(1).max(160),
  /** The patterns it shows, as they are named in docs/patterns/. */
  patterns: z.array(z.string()).min(1),
  /** Scripts of a project made from it, beside the usual ones. */
  scripts: z.record(z.string(), z.string()).default({}),
});

export interface Example extends z.output<typeof exampleSchema> {
  name: string;
  dir: string;
}

/** @param packageDir the folder that holds `examples/` */
export function listExamples(packageDir: string): Example[] {
  const folder = join(packageDir, 'examples');
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .sort()
    .filter((name) => existsSync(join(folder, name, exampleFile)))
    .map((name) => {
      const dir = join(folder, name);
      return { name, dir, ...exampleSchema.parse(JSON.parse(readFileSync(join(dir, exampleFile), 'utf8'))) };
    });
}

/** The files a project made from it starts with, as paths in its folder; what runs and scripts have left there is none of it. */
export function exampleFiles({ dir }: Pick<Example, 'dir'>): string[] {
  const left = existsSync(join(dir, 'sample.ts')) ? /^(\.segno|out|sample)[\\/]/ : /^(\.segno|out)[\\/]/;
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(dir.length + 1))
    .filter((path) => path !== exampleFile && !left.test(path))
    .sort();
}
