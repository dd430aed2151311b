import { defineConfig } from 'segno';
import * as investorReportAgents from './examples/investor-report/agents.js';
import * as investorReportTools from './examples/investor-report/tools.js';

/** Every example of this repository, run from here; each folder in examples/ is a project of its own, too. */
export default defineConfig({
  agents: [investorReportAgents],
  tools: [investorReportTools],
  workflows: ['./examples/investor-report/workflow.ts'],
});
