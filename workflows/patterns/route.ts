import type { StepError } from '../../core/results.js';
import {
  chooseByLabel,
  chooseByRule,
  type Classification,
  compileRoutes,
  fallbackRoute,
  type RouteChoice,
  type RouteRule,
} from '../../core/route.js';
import type { Duration } from '../deadline.js';
import { fail } from '../failure.js';
import { branchPath, nextPath } from '../scope.js';
import { complete, failureOf, startStep } from '../settle.js';

export type Routes<Input> = Readonly<Record<string, (input: Input) => Promise<unknown>>>;

/** Why neither rules nor classifier have decided. */
export interface Unrouted {
  reason: string;
  /** What the classifier said, if it was asked. */
  label?: string;
  confidence?: number;
  /** The classifier's failure, with `onFailure: 'fallback'`. */
  error?: StepError;
}

export interface RouteOptions<Input, R extends Routes<Input>, Fallback> {
  /** Asked first, in their order; the first that is true decides. */
  rules?: readonly RouteRule<NoInfer<keyof R & string>>[];
  /** An agent or a function, asked when no rule is true. */
  classify?: (input: Input) => Promise<Classification>;
  /** Confidence the classifier must have. Default 0.5. */
  minConfidence?: number;
  routes: R;
  /** For what is unclear: no label, an unknown one, too little confidence, a rule that cannot be evaluated. */
  fallback: (input: Input, why: Unrouted) => Promise<Fallback>;
  /** `fallback`: a classifier that fails leaves the input unclear. Default `fail`. */
  onFailure?: 'fail' | 'fallback';
  /** Limit of it all. Default: none. */
  timeout?: Duration;
}

interface Chosen {
  /** Why: the rule, the label, or what was unclear. */
  reason: string;
  /** The classifier's, if it was asked and gave one. */
  confidence?: number;
}

export type Routed<R extends Routes<never>, Fallback> =
  | {
      [Name in keyof R]: Chosen & { route: Name; by: 'rule' | 'classifier'; output: Awaited<ReturnType<R[Name]>> };
    }[keyof R]
  | (Chosen & { route: 'fallback'; by: 'fallback'; output: Fallback });

/**
 * Send an input one of several ways: rules decide first, then a classifier, and what stays unclear goes to the fallback.
 *
 * @throws ApplicationFailure of the classifier, the route or the fallback; `Step.DeadlineExceeded`; `Pattern.InvalidSteps`, before
 *   anything runs, with everything that is wrong
 */
export function route<Input, const R extends Routes<Input>, Fallback>(
  input: Input,
  options: RouteOptions<Input, R, Fallback>,
): Promise<Routed<R, Fallback>> {
  return routeBy({ input }, input, options);
}

/** {@link route}, with rules that see `variables`. */
export async function routeBy<Input, const R extends Routes<Input>, Fallback>(
  variables: Readonly<Record<string, unknown>>,
  input: Input,
  options: RouteOptions<Input, R, Fallback>,
): Promise<Routed<R, Fallback>> {
  const { rules = [], minConfidence = 0.5, routes, fallback, timeout } = options;
  const names = Object.keys(routes);
  const compiled = compileRoutes({ rules, routes: names, minConfidence, variables: Object.keys(variables) });
  if (compiled.faults.length > 0) throw fail('Pattern.InvalidSteps', `route:\n${compiled.faults.join('\n')}`);
  const path = nextPath('route');
  const routed = await complete(
    path,
    async () => {
      const { by, choice, ...said } = await choose(path, input, chooseByRule(compiled.rules, variables), {
        ...options,
        minConfidence,
      });
      const confidence = said.confidence === undefined ? {} : { confidence: said.confidence };
      if ('unclear' in choice) {
        const why: Unrouted = { reason: choice.unclear, ...said };
        const output = await complete(branchPath(path, fallbackRoute), () => fallback(input, why));
        return { route: fallbackRoute, by: 'fallback', reason: choice.unclear, ...confidence, output };
      }
      const output = await complete(branchPath(path, choice.route), () => routes[choice.route]!(input));
      return { route: choice.route, by, reason: choice.reason, ...confidence, output };
    },
    { timeout },
  );
  return routed as Routed<R, Fallback>;
}

interface Choice extends Omit<Unrouted, 'reason'> {
  by: 'rule' | 'classifier';
  choice: RouteChoice;
}

async function choose<Input, R extends Routes<Input>, Fallback>(
  path: string,
  input: Input,
  choice: RouteChoice | undefined,
  { classify, routes, minConfidence, onFailure }: RouteOptions<Input, R, Fallback> & { minConfidence: number },
): Promise<Choice> {
  if (choice) return { by: 'rule', choice };
  if (!classify) return { by: 'rule', choice: { unclear: 'no rule is true of it' } };
  const step = startStep(branchPath(path, 'classify'), () => classify(input));
  const result = await step.result;
  if (result.status === 'completed') {
    const { label, confidence } = result.output;
    return {
      by: 'classifier',
      choice: chooseByLabel(Object.keys(routes), result.output, minConfidence),
      label,
      confidence,
    };
  }
  const { error } = result;
  if (onFailure !== 'fallback') throw step.thrown() ?? failureOf(result);
  return { by: 'classifier', choice: { unclear: `the classifier failed: ${error.type}: ${error.message}` }, error };
}
