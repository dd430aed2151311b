import type { LoadedDataConverter, Payload } from '@temporalio/common';

/** A run's arguments, read back out of its history. */
export async function decodeInput(payloads: readonly Payload[], converter: LoadedDataConverter): Promise<unknown[]> {
  let decoded = [...payloads];
  for (const codec of [...converter.payloadCodecs].reverse()) decoded = await codec.decode(decoded);
  return decoded.map((payload) => converter.payloadConverter.fromPayload(payload));
}
