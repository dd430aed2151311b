import { defineConfig } from 'segno';
import * as agents from './agents.js';

/**
 * No provider: the offline model answers. For a real model, add
 *
 *     providers: { openai: { apiKeyEnv: 'OPENAI_API_KEY' } },
 *     models: { default: { provider: 'openai', model: '…' } },
 */
export default defineConfig({ agents, workflows: './workflow.ts' });
