/** `npm run docs`: write docs/errors.md anew. */
import { writeFileSync } from 'node:fs';
import { errorKinds } from '../core/errors.js';
import { errorDocs } from './errorDocs.js';

writeFileSync(new URL('../docs/errors.md', import.meta.url), await errorDocs(errorKinds));
