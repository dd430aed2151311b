/** `npm run docs`: write schemas/plan.v1.json anew. */
import { writeFileSync } from 'node:fs';
import { planSchemaFile } from './planSchemaFile.js';

writeFileSync(new URL('../schemas/plan.v1.json', import.meta.url), await planSchemaFile());
