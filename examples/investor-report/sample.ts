/**
 * The sample: TechCorp India's report on Q3 2024, a company that does not exist. `npm run sample` writes it to
 * `sample/techcorp-q3-2024.pdf`, always the same bytes.
 */
import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { DocumentStore } from 'segno';
import { renderReport } from 'segno/tools';
import type { Report } from 'segno/tools';

const fileName = 'techcorp-q3-2024.pdf';

const report: Report = {
  title: 'TechCorp India',
  subtitle: 'Quarterly report, Q3 2024 (unaudited)',
  author: 'TechCorp India',
  source: 'TechCorp India – Report on Q3 2024',
  sections: [
    {
      heading: 'To our shareholders',
      paragraphs: [
        'TechCorp India had a strong third quarter. In Q3 2024 revenue grew 22% on the same quarter of the year before, to ₹5,200 crore, carried by demand for cloud services and by large renewals in banking and retail.',
        'Net profit was ₹820 crore, an increase of 15%. Profit grew more slowly than revenue because we chose to invest: operating expenses rose 18%, mainly for hiring and for research and development.',
        'We won 45 new enterprise clients in the quarter. Cloud revenue reached ₹1,800 crore, up 38%, and is now our fastest-growing business.',
        'We thank our clients for their trust, our colleagues for their work, and you, our shareholders, for your patience with investments that take time to bear fruit.',
        'Meera Krishnan, Chief Executive Officer',
      ],
    },
    {
      heading: 'Key figures',
      newPage: true,
      paragraphs: ['All amounts in ₹ crore. Growth is measured against the same quarter of the year before.'],
      table: {
        columns: [{ label: 'Particulars' }, { label: 'Q3 2024' }, { label: 'Growth' }],
        rows: [
          ['Revenue', '₹5,200', '+22%'],
          ['of which cloud revenue', '₹1,800', '+38%'],
          ['Net profit', '₹820', '+15%'],
        ],
        note: 'Unaudited. The amount of operating expenses is published with the annual accounts.',
      },
      chart: {
        title: 'Growth on the same quarter of the year before',
        unit: 'percent',
        series: ['Growth'],
        groups: [
          { label: 'Revenue', values: [22] },
          { label: 'Cloud revenue', values: [38] },
          { label: 'Net profit', values: [15] },
          { label: 'Operating expenses', values: [18] },
        ],
      },
    },
    {
      heading: 'Discussion of the quarter',
      newPage: true,
      paragraphs: [
        'Revenue. Growth of 22% came from all regions. Cloud revenue of ₹1,800 crore grew 38%, as clients moved core systems; two of the country’s largest insurers are among our new clients.',
        'Operating expenses. Expenses increased by 18% on hiring for delivery centres in Pune and Coimbatore and on research and development for our analytics platform.',
        'Net profit. At ₹820 crore, net profit grew by 15%.',
        'Outlook. We expect cloud to remain our fastest-growing business and expense growth to slow once hiring for the new delivery centres is complete.',
      ],
    },
    {
      heading: 'Risks',
      bullets: [
        {
          lead: 'Supply chain disruption:',
          text: 'late deliveries of servers and network equipment could delay client projects and the revenue from them.',
        },
        {
          lead: 'Currency:',
          text: 'a stronger rupee against the US dollar reduced our dollar revenue by 3% in the quarter, and could do so again.',
        },
        {
          lead: 'Competition:',
          text: 'new entrants in software as a service (SaaS) put pressure on prices and on renewals of licensed products.',
        },
      ],
    },
  ],
};

/** The sample's bytes. */
export async function buildSample(): Promise<Uint8Array> {
  let drawn = new Uint8Array();
  const documents: DocumentStore = {
    read: () => Promise.reject(new Error('Nothing is read here.')),
    write: (bytes, mediaType, name) => {
      drawn = new Uint8Array(bytes);
      const sha256 = createHash('sha256').update(bytes).digest('hex');
      return Promise.resolve({ sha256, mediaType, bytes: bytes.byteLength, ...(name !== undefined && { name }) });
    },
  };
  await renderReport.execute(
    { report, fileName },
    {
      documents,
      idempotencyKey: 'sample',
      signal: new AbortController().signal,
      heartbeat: () => undefined,
      deps: undefined,
      fetch,
    },
  );
  return drawn;
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const folder = new URL('./sample/', import.meta.url);
  await mkdir(folder, { recursive: true });
  const path = fileURLToPath(new URL(fileName, folder));
  await writeFile(path, await buildSample());
  console.log(path);
}
