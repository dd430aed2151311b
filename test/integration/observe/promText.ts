/** Reads Prometheus' text format as strictly as Prometheus itself: what is not allowed there throws here. */

export interface Family {
  readonly type: string;
  readonly help: string;
  readonly samples: Sample[];
}

export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const sampleLine = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/;
const labelPair = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)/;

export function readPromText(text: string): Map<string, Family> {
  if (!text.endsWith('\n')) throw new Error('the last line does not end');
  const families = new Map<string, Family>();
  const seen = new Set<string>();
  let help: { name: string; text: string } | undefined;
  let current: { name: string; family: Family } | undefined;
  for (const line of text.split('\n').slice(0, -1)) {
    const [, keyword, name = '', rest = ''] = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line) ?? [];
    if (keyword === 'HELP') help = { name, text: rest };
    else if (keyword === 'TYPE') {
      if (families.has(name)) throw new Error(`${name} has two groups`);
      if (!/^(counter|gauge|histogram|summary|untyped)$/.test(rest)) throw new Error(`unknown type: ${line}`);
      current = { name, family: { type: rest, help: help?.name === name ? help.text : '', samples: [] } };
      families.set(name, current.family);
    } else {
      const sample = readSample(line);
      const series = JSON.stringify([sample.name, Object.entries(sample.labels).sort()]);
      if (seen.has(series)) throw new Error(`twice: ${line}`);
      seen.add(series);
      if (!current || !belongs(sample.name, current.name, current.family.type))
        throw new Error(`without TYPE: ${line}`);
      current.family.samples.push(sample);
    }
  }
  for (const [name, family] of families) if (family.type === 'histogram') checkHistogram(name, family);
  return families;
}

/** The sum of a metric's samples that carry these labels. */
export function valueOf(families: Map<string, Family>, name: string, labels: Record<string, string> = {}): number {
  const samples = families.get(name.replace(/_(sum|count)$/, ''))?.samples ?? families.get(name)?.samples ?? [];
  return samples
    .filter(
      (sample) => sample.name === name && Object.entries(labels).every(([key, value]) => sample.labels[key] === value),
    )
    .reduce((sum, { value }) => sum + value, 0);
}

function readSample(line: string): Sample {
  const [, name = '', inBraces = '', number = ''] = sampleLine.exec(line) ?? [];
  const value = number === '+Inf' ? Infinity : Number(number);
  if (name === '' || number === '' || Number.isNaN(value)) throw new Error(`no sample: ${line}`);
  const labels: Record<string, string> = {};
  for (let rest = inBraces; rest !== '';) {
    const [pair = '', label = '', text = ''] = labelPair.exec(rest) ?? [];
    if (pair === '' || label in labels) throw new Error(`bad labels: ${line}`);
    labels[label] = text;
    rest = rest.slice(pair.length);
  }
  return { name, labels, value };
}

function belongs(sample: string, family: string, type: string): boolean {
  if (sample === family) return type !== 'histogram';
  return type === 'histogram' && ['_bucket', '_sum', '_count'].some((suffix) => sample === `${family}${suffix}`);
}

/** Buckets only rise, and the last one is the count. */
function checkHistogram(name: string, { samples }: Family): void {
  const seriesOf = ({ le: _, ...labels }: Sample['labels']): string => JSON.stringify(labels);
  const last = new Map<string, { le: number; value: number }>();
  for (const { labels, value } of samples.filter((sample) => sample.name === `${name}_bucket`)) {
    const series = seriesOf(labels);
    const le = labels['le'] === '+Inf' ? Infinity : Number(labels['le']);
    const before = last.get(series) ?? { le: -Infinity, value: 0 };
    if (!(le > before.le) || value < before.value) throw new Error(`${name}: buckets do not rise in ${series}`);
    last.set(series, { le, value });
  }
  for (const { labels, value } of samples.filter((sample) => sample.name === `${name}_count`)) {
    const end = last.get(seriesOf(labels));
    if (end?.le !== Infinity || end.value !== value) throw new Error(`${name}: the count is not the last bucket`);
  }
}
