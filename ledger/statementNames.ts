/**
 * Prepared statements of many clients in one backend session: each client's names get its prefix, so that nobody binds to,
 * or collides with, another's. Message formats: PostgreSQL's frontend protocol 3, "Message Formats".
 */
const [parse, bind, describe, close] = ['P', 'B', 'D', 'C'].map((type) => type.charCodeAt(0)) as [
  number,
  number,
  number,
  number,
];
const ofStatement = 'S'.charCodeAt(0);

export interface Renamed {
  readonly bytes: Uint8Array;
  /** Names this exchange prepares, with the prefix. */
  readonly prepared: readonly string[];
}

/** @param bytes whole messages, as `readExchange` gives them */
export function prefixStatementNames(bytes: Uint8Array, prefix: string): Renamed {
  const source = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const added = Buffer.from(prefix);
  const parts: Buffer[] = [];
  const prepared: string[] = [];
  let copied = 0;
  for (let start = 0; start < source.byteLength;) {
    const end = start + 1 + source.readInt32BE(start + 1);
    const at = nameOffset(source, start);
    if (at !== undefined && source[at] !== 0) {
      const head = Buffer.from(source.subarray(start, start + 5));
      head.writeInt32BE(end - start - 1 + added.byteLength, 1);
      parts.push(source.subarray(copied, start), head, source.subarray(start + 5, at), added, source.subarray(at, end));
      copied = end;
      if (source[start] === parse) prepared.push(prefix + source.toString('utf8', at, source.indexOf(0, at)));
    }
    start = end;
  }
  if (parts.length === 0) return { bytes, prepared };
  return { bytes: new Uint8Array(Buffer.concat([...parts, source.subarray(copied)])), prepared };
}

/** Where the statement's name begins in the message at `start`; undefined when it names none. */
function nameOffset(source: Buffer, start: number): number | undefined {
  const body = start + 5;
  switch (source[start]) {
    case parse:
      return body;
    case bind:
      return source.indexOf(0, body) + 1;
    case describe:
    case close:
      return source[body] === ofStatement ? body + 1 : undefined;
    default:
      return undefined;
  }
}
