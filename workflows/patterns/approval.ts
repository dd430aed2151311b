import { type Decision, decisionFaults, requestFaults, type Verdict } from '../../core/approval.js';
import { awaitDecision } from '../awaitDecision.js';
import { Deadline, type Duration, waitFaults } from '../deadline.js';
import { fail } from '../failure.js';
import { nextPath } from '../scope.js';

export interface ApprovalOptions<Choice extends string = never> {
  /** One line that says what is asked. */
  title?: string;
  /** What the person must see to decide: JSON of at most 64,000 characters. */
  detail?: unknown;
  /** How long to wait. Default 7 days. */
  timeout?: Duration;
  /** Who approves has to choose one of these; it is the decision's `value`. Default: `value` is free. */
  choices?: readonly Choice[];
  /** The decision when nobody decides in time. Default: `Approval.Expired` is thrown. */
  onExpiry?: Verdict<NoInfer<Choice>> & { comment?: string };
}

/**
 * Wait for a person's decision, which `segno approve` or a client delivers:
 * `const { approved } = await approval('publish', { title: 'Publish the report?', detail: { report } });`
 *
 * It costs no worker anything while it waits. The first decision stands. Being rejected is an answer, not a failure.
 *
 * @param name what to call it by; 1 to 100 characters without `/`
 * @throws ApplicationFailure `Approval.Expired`; `Pattern.InvalidSteps` for a request that cannot be asked
 */
export async function approval<const Choice extends string = never>(
  name: string,
  options: ApprovalOptions<Choice> = {},
): Promise<Decision<Choice>> {
  const { title, detail, choices, timeout = '7d', onExpiry } = options;
  const asked = {
    name,
    ...(title !== undefined && { title }),
    ...(detail !== undefined && { detail }),
    ...(choices && { choices }),
  };
  const deadline = Deadline.after(timeout);
  const faults = [
    ...requestFaults(asked),
    ...waitFaults(timeout, deadline),
    ...(onExpiry
      ? decisionFaults(asked, { approval: name, by: 'deadline', ...onExpiry }).map((fault) => `onExpiry: ${fault}`)
      : []),
  ];
  if (faults.length > 0) throw fail('Pattern.InvalidSteps', `approval ${name}: ${faults.join('; ')}`);

  const path = nextPath(`approval/${name}`);
  const decision = await awaitDecision(path, asked, deadline);
  if (decision) return decision as Decision<Choice>;
  const until = new Date(deadline.atMs).toISOString();
  if (!onExpiry) throw fail('Approval.Expired', `${path}: nobody decided until ${until}`, path);
  return { ...onExpiry, by: 'deadline', expired: true, decidedAt: new Date().toISOString() };
}
