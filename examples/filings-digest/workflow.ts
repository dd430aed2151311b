import type { DocumentRef } from 'segno';
import { fail, mapReduce, proxyAgents, proxyTools } from 'segno/workflow';
import type { Note } from './agents.js';

const { filingAnalyst, digestEditor, digestCombiner } = proxyAgents<typeof import('./agents.js')>({ timeout: '10m' });
const { excerptFiling, renderReport } = proxyTools<typeof import('./tools.js')>({ timeout: '30m' });

/** Reports by any name: `--input q1=a.pdf --input q2=b.pdf`. */
export type FilingsInput = Record<string, DocumentRef>;

export interface FilingsDigest {
  overview: string;
  /** The digest, a PDF. */
  document: DocumentRef;
  /** Reports in the digest, and those that could not be read with the reason. */
  filings: { read: number; failed: { name: string; reason: string }[] };
}

/** The same for every report, then one digest of all: a report that cannot be read is named, and the others go on. */
export async function filingsDigest(input: FilingsInput): Promise<FilingsDigest> {
  const filings = Object.entries(input).map(([name, document]) => ({ document: { name, ...document } }));
  if (filings.length === 0) throw fail('Run.InvalidInput', 'name at least one report: --input q1=report.pdf');
  const excerpts = await mapReduce({
    items: filings,
    map: excerptFiling,
    reduce: (parts) => parts.flat(),
    combine: (parts) => parts.flat(),
    onFailure: 'continue',
    minimum: 1,
  });
  const { overview, notes } = await mapReduce({
    items: excerpts.output ?? [],
    map: filingAnalyst,
    reduce: digestOf,
    combine: combined,
  });
  const failed = excerpts.steps.failures.map(({ item, error }) => ({
    name: filings[item]?.document.name ?? String(item),
    reason: `${error.type}: ${error.message}`,
  }));
  const { document } = await renderReport({
    report: {
      title: 'Digest of reports',
      subtitle: `${excerpts.steps.completed} of ${excerpts.steps.total} reports`,
      sections: [
        { heading: 'Overview', paragraphs: [overview] },
        ...notes.map(({ company, period, keyResult, risk }) => ({
          heading: [company, period].filter((part) => part !== '').join(', ') || 'A report that names no company',
          paragraphs: [keyResult, ...(risk === null ? [] : [`Risk: ${risk}`])],
        })),
        ...(failed.length === 0
          ? []
          : [{ heading: 'Not read', paragraphs: failed.map(({ name, reason }) => `${name}: ${reason}`) }]),
      ],
    },
    fileName: 'filings-digest.pdf',
  });
  return { overview, document, filings: { read: excerpts.steps.completed, failed } };
}

interface Digest {
  overview: string;
  notes: Note[];
}

/** An agent writes the overview; the notes are kept as they are, whatever their number. */
async function digestOf(notes: Note[]): Promise<Digest> {
  return { ...(await digestEditor({ notes })), notes };
}

async function combined(digests: Digest[]): Promise<Digest> {
  const { overview } = await digestCombiner({ overviews: digests.map((digest) => digest.overview) });
  return { overview, notes: digests.flatMap(({ notes }) => notes) };
}
