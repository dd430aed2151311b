import { Context } from '@temporalio/activity';
import type { PlaceActivities } from '../core/places.js';
import { PlaceKeeper } from '../ledger/index.js';
import type { ActivityDependencies } from './dependencies.js';

const defaultTenant = 'default';

export function createTakePlace({ ledger }: Pick<ActivityDependencies, 'ledger'>): PlaceActivities['takePlace'] {
  return async ({ place, tenant = defaultTenant }) => {
    const { client, info } = Context.current();
    const { workflowId } = info.workflowExecution!;
    const taken = await new PlaceKeeper(ledger, client).take(place, { tenant, workflowId }, 'run');
    return { holding: taken.state === 'holding' && !taken.cancelled };
  };
}

export function createLeavePlace({ ledger }: Pick<ActivityDependencies, 'ledger'>): PlaceActivities['leavePlace'] {
  return async ({ place, tenant = defaultTenant }) => {
    await new PlaceKeeper(ledger, Context.current().client).leave({ tenant, key: place.key }, place.id);
  };
}
