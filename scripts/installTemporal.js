/** Have Temporal's server on this machine before anything needs it, found the way `segno dev` finds it. */
import { findTemporal } from '../dist/workers/embedded/temporalBinary.js';

const everyMs = 30_000;
let nextMs = 0;

const temporal = await findTemporal({
  onProgress: ({ elapsedMs, message }) => {
    if (elapsedMs < nextMs) return;
    nextMs = elapsedMs + everyMs;
    console.log(message);
  },
});
console.log(`${temporal.version} from ${temporal.source}: ${temporal.path}`);
