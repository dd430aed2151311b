import { createHash, timingSafeEqual } from 'node:crypto';

/** Whether an `authorization` header carries the key; without a key everybody may pass. */
export function createAccessCheck(apiKey: string | undefined): (authorization: string | undefined) => boolean {
  if (apiKey === undefined) return () => true;
  const wanted = digest(`Bearer ${apiKey}`);
  return (authorization) => timingSafeEqual(digest(authorization ?? ''), wanted);
}

/** Equal lengths are what `timingSafeEqual` asks for. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
