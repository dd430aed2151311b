/** Have Temporal's server on this machine before anything needs it, found the way `segno dev` finds it. */
import { findTemporal } from '../dist/workers/embedded/temporalBinary.js';

const path = await findTemporal({ onProgress: (line) => console.log(line) });
console.log(`Temporal: ${typeof path === 'string' ? path : JSON.stringify(path)}`);
