/**
 * Sees to it that places go on: holders are told, those that give way are cancelled, and what an ended run left is given on.
 *
 * Invariants:
 * 1. A place is taken from a run only when Temporal says that the newest execution under its id has ended, or is of another place.
 * 2. All of it may be done twice, by whoever: a run told twice goes on once, one asked to cancel twice is cancelled once.
 */
import { memoKey } from '../../core/contracts.js';
import { type FoundRun, isAbandoned, type PlaceRequest, placeSignalName } from '../../core/places.js';
import type { Ledger } from '../openLedger.js';
import {
  duePlaces,
  holdersToCheck,
  leavePlace,
  markTold,
  type PlaceKey,
  type PlaceOfRun,
  type PlaceOwner,
  takePlace,
  type Taken,
  untoldHolders,
  type WatchedPlace,
} from './places.js';

/** What is needed of Temporal's client. */
export interface TemporalRuns {
  readonly workflow: {
    getHandle(
      workflowId: string,
      runId?: string,
      options?: { firstExecutionRunId?: string },
    ): {
      signal(name: string, placeId: string): Promise<void>;
      cancel(): Promise<unknown>;
      describe(): Promise<RunDescription>;
    };
  };
}

interface RunDescription {
  readonly status: { readonly name: string };
  readonly memo?: Record<string, unknown>;
  readonly raw: {
    readonly workflowExecutionInfo?: { readonly firstRunId?: string | null } | null;
    readonly workflowExtendedInfo?: { readonly cancelRequested?: boolean | null } | null;
  };
}

/** Newcomers do not look at a holder more often than this. */
const checkedMs = 1_000;

export class PlaceKeeper {
  constructor(
    private readonly ledger: Ledger,
    private readonly temporal: TemporalRuns,
  ) {}

  /**
   * Ask for a place of a run: by the client before it starts the run, then by the run itself. Holders that ended without a word
   * are found here, so that nobody waits for them or is refused because of them.
   */
  async take(place: PlaceRequest, owner: PlaceOwner, by: 'run' | 'client'): Promise<Taken> {
    const key = { tenant: owner.tenant, key: place.key };
    const taken = await takePlace(this.ledger, place, owner, by);
    if (taken.state === 'refused') {
      return (await this.clear(key, 0)) ? takePlace(this.ledger, place, owner, by) : taken;
    }
    if (by === 'client') return taken;
    for (const older of taken.givingWay) await this.cancel(older);
    // It was to give way before it had begun.
    if (taken.cancelled) await this.cancel({ id: place.id, workflowId: owner.workflowId });
    if (taken.cancelled || taken.state === 'holding') return taken;
    return (await this.clear(key, checkedMs)) ? takePlace(this.ledger, place, owner, by) : taken;
  }

  async leave(key: PlaceKey, id: string): Promise<void> {
    await leavePlace(this.ledger, key, id);
    await this.tellHolders(key);
  }

  /** What somebody has to do now and then, as long as places are taken. */
  async lookAfter(): Promise<void> {
    const keys = new Map<string, PlaceKey>();
    for (const place of await duePlaces(this.ledger)) {
      if (await this.check(place)) keys.set(JSON.stringify([place.tenant, place.key]), place);
    }
    for (const key of keys.values()) await this.tellHolders(key);
  }

  /** @returns whether a place of the key was given on */
  private async clear(key: PlaceKey, uncheckedForMs: number): Promise<boolean> {
    let cleared = false;
    const holders = await holdersToCheck(this.ledger, key, { uncheckedForMs });
    for (const holder of holders) cleared = (await this.check(holder)) || cleared;
    if (cleared) await this.tellHolders(key);
    return cleared;
  }

  /** @returns whether it was abandoned, and is given on */
  private async check(place: WatchedPlace): Promise<boolean> {
    const found = await this.find(place.workflowId);
    if (isAbandoned(place, found)) {
      await leavePlace(this.ledger, place, place.id);
      return true;
    }
    if (found?.placeId !== place.id) return false;
    if (place.cancelled) await this.cancel(place);
    else if (place.holding && !place.told) await this.tell(place);
    return false;
  }

  private async tellHolders(key: PlaceKey): Promise<void> {
    for (let again = true; again;) {
      again = false;
      for (const place of await untoldHolders(this.ledger, key)) {
        if (await this.tell(place)) continue;
        if (!isAbandoned(place, undefined)) continue;
        await leavePlace(this.ledger, key, place.id);
        again = true;
      }
    }
  }

  /** @returns false when there is no such run */
  private async tell({ id, workflowId }: PlaceOfRun): Promise<boolean> {
    try {
      await this.temporal.workflow.getHandle(workflowId).signal(placeSignalName, id);
    } catch (error) {
      if (isGone(error)) return false;
      throw error;
    }
    await markTold(this.ledger, id);
    return true;
  }

  private async cancel({ id, workflowId }: PlaceOfRun): Promise<void> {
    const found = await this.find(workflowId);
    // One that has not begun yet learns it when it asks for its place.
    if (!found?.running || found.placeId !== id || found.cancelRequested) return;
    const { firstRunId } = found;
    const handle = this.temporal.workflow.getHandle(
      workflowId,
      undefined,
      firstRunId === undefined ? {} : { firstExecutionRunId: firstRunId },
    );
    await handle.cancel().catch((error: unknown) => {
      if (!isGone(error)) throw error;
    });
  }

  private async find(
    workflowId: string,
  ): Promise<(FoundRun & { cancelRequested: boolean; firstRunId: string | undefined }) | undefined> {
    try {
      const { status, memo, raw } = await this.temporal.workflow.getHandle(workflowId).describe();
      const carried = memo?.[memoKey] as { place?: PlaceRequest } | undefined;
      return {
        running: status.name === 'RUNNING',
        placeId: carried?.place?.id,
        cancelRequested: raw.workflowExtendedInfo?.cancelRequested ?? false,
        firstRunId: raw.workflowExecutionInfo?.firstRunId ?? undefined,
      };
    } catch (error) {
      if (isGone(error)) return undefined;
      throw error;
    }
  }
}

/** gRPC: NOT_FOUND, with or without the client's own error around it. */
function isGone(error: unknown): boolean {
  const { code, name } = error as { code?: number; name?: string };
  return code === 5 || name === 'WorkflowNotFoundError';
}
