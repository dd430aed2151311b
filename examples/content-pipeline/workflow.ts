import type { DocumentRef, ErrorType } from 'segno';
import { fail, proxyAgents, proxyTools, sequential, type SequenceResult, withFallback } from 'segno/workflow';
import type { Analysis, Enhancement } from './agents.js';

const { analyzer, enhancer, publisher } = proxyAgents<typeof import('./agents.js')>({ timeout: '10m' });
const { addContent, saveEnhancedContent, publishToCms } = proxyTools<typeof import('./tools.js')>();

export interface ContentPipelineInput {
  /** The article, Markdown. */
  document: DocumentRef;
}

export interface Publication {
  published: boolean;
  url: string;
  socialPosts: string[];
}

interface Published {
  analysis: Analysis;
  enhancement: Enhancement;
  publication: Publication;
}

export interface ContentPipelineResult extends Pick<SequenceResult<Published>, 'steps' | 'error' | 'failedStep'> {
  /** `partial`: analyzed, not published. `error` and `failedStep` say why. */
  status: 'completed' | 'partial';
  contentId: string;
  output: Pick<Published, 'analysis'> & Partial<Published>;
  durationMs: number;
}

/**
 * Analyze, enhance and publish an article; when that fails, keep at least the analysis.
 *
 * @throws ApplicationFailure of what failed first, when there is no analysis either
 */
export async function contentPipeline({ document }: ContentPipelineInput): Promise<ContentPipelineResult> {
  const startedAtMs = Date.now();
  const { contentId } = await addContent({ document });
  const full = await sequential<string>()
    .step('analyze', (id) => analyzer({ contentId: id }))
    .step('enhance', ({ keywords, suggestions }) => enhance({ contentId, keywords, suggestions }))
    .step('publish', async ({ enhancement, version }, { outputs: { analyze: analysis } }): Promise<Published> => {
      const publication = await publish({ contentId, version, text: enhancement.enhancedText, ...analysis });
      return { analysis, enhancement, publication };
    })
    .settle(contentId, { timeout: '45m' });
  const { used, output } = await withFallback({
    full: async () => outputOf(full),
    analysisOnly: async () => ({ analysis: analysisIn(full) ?? (await analyzer({ contentId })) }),
  });
  const { steps, error, failedStep } = full;
  return {
    status: used === 'full' ? 'completed' : 'partial',
    contentId,
    output,
    steps,
    ...(error && { error }),
    ...(failedStep !== undefined && { failedStep }),
    durationMs: Date.now() - startedAtMs,
  };
}

interface Enhanced {
  enhancement: Enhancement;
  version: number;
}

async function enhance(input: { contentId: string; keywords: string[]; suggestions: string[] }): Promise<Enhanced> {
  const enhancement = await enhancer(input);
  const { enhancedText: text, improvements } = enhancement;
  const { version } = await saveEnhancedContent({ contentId: input.contentId, text, improvements });
  return { enhancement, version };
}

/** An agent writes the posts; that the article is published is what the store says, not a model. */
async function publish(input: {
  contentId: string;
  version: number;
  text: string;
  keywords: string[];
}): Promise<Publication> {
  const { contentId, version, text, keywords } = input;
  const { socialPosts } = await publisher({ text, keywords });
  return publishToCms({ contentId, version, socialPosts });
}

function outputOf({ output, error }: SequenceResult<Published>): Published {
  if (output) return output;
  throw fail(error?.type as ErrorType, error?.message ?? 'no output', error?.step);
}

/** What the full pipeline found out before it failed is not asked for again. */
function analysisIn({ steps }: SequenceResult<Published>): Analysis | undefined {
  const result = steps['analyze'];
  return result?.status === 'completed' ? (result.output as Analysis) : undefined;
}
