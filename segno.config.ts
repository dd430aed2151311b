import { defineConfig } from 'segno';
import * as collectAndAggregateAgents from './examples/collect-and-aggregate/agents.js';
import * as collectAndAggregateTools from './examples/collect-and-aggregate/tools.js';
import * as investorReportAgents from './examples/investor-report/agents.js';
import * as investorReportTools from './examples/investor-report/tools.js';

/** Every example of this repository, run from here; each folder in examples/ is a project of its own, too. */
export default defineConfig({
  agents: [collectAndAggregateAgents, investorReportAgents],
  tools: [collectAndAggregateTools, investorReportTools],
  workflows: ['./examples/collect-and-aggregate/workflow.ts', './examples/investor-report/workflow.ts'],
});
