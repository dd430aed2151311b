/** docs/errors.md from the registry in core/errors.ts. `npm run docs` writes it; a test holds the two together. */
import { format } from 'prettier';
import type { ErrorKind } from '../core/errors.js';

const intro = `# Errors

Every failure Segno reports has one of these types, in the run's result, in the log, in the API and in history. A type never
changes its meaning.

- **Tried again**: whether the same attempt, made once more, may succeed with nobody changing anything. Segno does so by
  itself, within the call's timeout.
- **HTTP**: the status the HTTP API answers with. It is not the provider's.

In a workflow, \`isFailure(error, 'Model.Refused')\` from \`segno/workflow\` recognizes a type; everywhere else a
\`SegnoError\` carries it as \`type\`.

This page is generated from \`core/errors.ts\` by \`npm run docs\`.
`;

/** @param kinds the registry, in its own order; types are grouped by what stands before the dot */
export function errorDocs(kinds: Readonly<Record<string, ErrorKind>>): Promise<string> {
  const groups = new Map<string, [string, ErrorKind][]>();
  for (const entry of Object.entries(kinds)) {
    const group = entry[0].split('.')[0] ?? entry[0];
    groups.set(group, [...(groups.get(group) ?? []), entry]);
  }
  const sections = [...groups].map(([group, rows]) =>
    [
      `## ${group}`,
      '',
      '| Type | Tried again | HTTP | What happened, and what to do |',
      '| --- | --- | --- | --- |',
      ...rows.map(
        ([type, kind]) =>
          `| \`${type}\` | ${kind.retryable ? 'yes' : 'no'} | ${kind.httpStatus} | ${cell(kind.help)} |`,
      ),
      '',
    ].join('\n'),
  );
  return format([intro, ...sections].join('\n'), { parser: 'markdown', printWidth: 120 });
}

const cell = (text: string): string => text.replaceAll('|', '\\|');
