import { defineConfig } from 'segno';
import * as collectAndAggregateAgents from './examples/collect-and-aggregate/agents.js';
import * as collectAndAggregateTools from './examples/collect-and-aggregate/tools.js';
import * as contentPipelineAgents from './examples/content-pipeline/agents.js';
import * as contentPipelineTools from './examples/content-pipeline/tools.js';
import * as incidentResponseAgents from './examples/incident-response/agents.js';
import * as incidentResponseTools from './examples/incident-response/tools.js';
import * as investorReportAgents from './examples/investor-report/agents.js';
import * as investorReportTools from './examples/investor-report/tools.js';
import * as filingsDigestAgents from './examples/filings-digest/agents.js';
import * as filingsDigestTools from './examples/filings-digest/tools.js';
import * as newsroomAgents from './examples/newsroom/agents.js';
import * as orderSagaAgents from './examples/order-saga/agents.js';
import * as orderSagaTools from './examples/order-saga/tools.js';
import * as patternTourAgents from './examples/pattern-tour/agents.js';
import * as patternTourTools from './examples/pattern-tour/tools.js';
import * as researchDeskAgents from './examples/research-desk/agents.js';
import * as researchDeskTools from './examples/research-desk/tools.js';
import * as reviewBoardAgents from './examples/review-board/agents.js';
import * as supportTriageAgents from './examples/support-triage/agents.js';

/** Every example of this repository, run from here; each folder in examples/ is a project of its own, too. */
export default defineConfig({
  agents: [
    collectAndAggregateAgents,
    contentPipelineAgents,
    investorReportAgents,
    filingsDigestAgents,
    researchDeskAgents,
    supportTriageAgents,
    reviewBoardAgents,
    orderSagaAgents,
    incidentResponseAgents,
    newsroomAgents,
    patternTourAgents,
  ],
  tools: [
    collectAndAggregateTools,
    contentPipelineTools,
    investorReportTools,
    filingsDigestTools,
    researchDeskTools,
    orderSagaTools,
    incidentResponseTools,
    patternTourTools,
  ],
  workflows: [
    './examples/collect-and-aggregate/workflow.ts',
    './examples/content-pipeline/workflow.ts',
    './examples/investor-report/workflow.ts',
    './examples/support-triage/workflow.ts',
    './examples/review-board/workflow.ts',
    './examples/incident-response/workflow.ts',
    './examples/newsroom/workflow.ts',
    './examples/research-desk/workflow.ts',
    './examples/filings-digest/workflow.ts',
    './examples/order-saga/workflow.ts',
    './examples/pattern-tour/workflow.ts',
  ],
  plans: {
    quick_analysis: './examples/content-pipeline/plans/quick_analysis.json',
    analysis_and_enhancement: './examples/content-pipeline/plans/analysis_and_enhancement.json',
    full_pipeline: './examples/content-pipeline/plans/full_pipeline.json',
  },
});
