/** String formats of JSON schema: how to recognise them in a text, how to check them, and a placeholder of each. */
interface Format {
  readonly whole: RegExp;
  readonly inText: RegExp;
  /** Valid and plainly no real value: used only where the schema forbids both null and ''. */
  readonly placeholder: string;
}

const email = String.raw`[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,4}`;
const url = String.raw`https?:\/\/[^\s"'<>()[\]{}|\\^\u0060]{2,500}`;
const uuid = '[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}';
const date = String.raw`\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])`;
const time = String.raw`(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,9})?)?`;
const ipv4 = String.raw`(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?!$)|(?![\d.]))){4}`;

const format = (body: string, placeholder: string): Format => ({
  whole: new RegExp(`^${body}$`),
  inText: new RegExp(`(?<![A-Za-z0-9._%+-])${body}`, 'g'),
  placeholder,
});

const formats: Readonly<Record<string, Format>> = {
  email: format(email, 'unknown@example.invalid'),
  uri: format(url, 'https://example.invalid/'),
  url: format(url, 'https://example.invalid/'),
  uuid: format(uuid, '00000000-0000-0000-0000-000000000000'),
  date: format(date, '1970-01-01'),
  'date-time': format(String.raw`${date}[Tt ]${time}(?:[Zz]|[+-]\d\d:?\d\d)`, '1970-01-01T00:00:00Z'),
  time: format(String.raw`${time}(?:[Zz]|[+-]\d\d:?\d\d)?`, '00:00:00Z'),
  ipv4: format(ipv4, '0.0.0.0'),
  hostname: format(String.raw`[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,5}`, 'example.invalid'),
};

export function isFormat(value: string, name: string): boolean {
  const known = formats[name];
  return known === undefined || (value.length < 2_000 && known.whole.test(value));
}

export function findFormat(text: string, name: string): string[] {
  const known = formats[name];
  if (!known) return [];
  return [...text.matchAll(known.inText)].map((match) => match[0].replace(/[.,;:!?]+$/, ''));
}

export function placeholderOf(name: string): string | null {
  return formats[name]?.placeholder ?? null;
}
