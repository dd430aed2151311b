import { defineConfig } from 'segno';
import * as agents from './agents.js';
import * as tools from './tools.js';

/** No provider: the offline model answers. Add `models` and `providers` to use a real one; see the README. */
export default defineConfig({ agents, tools, workflows: './workflow.ts' });
