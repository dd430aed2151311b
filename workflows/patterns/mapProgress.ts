import { defineSignal, setHandler } from '@temporalio/workflow';
import { showProgress } from '../progress.js';
import { mapProgressSignal, type MapProgress } from './mapState.js';

const followed = new Map<string, (counts: MapProgress['counts']) => void>();
let listening = false;

/** Show how far the map at `path` is, as its own workflow tells it. */
export function followMap(path: string, items: number): { end(): void } {
  const show = (counts: MapProgress['counts']): void => showProgress(path, { pattern: 'mapReduce', counts });
  show({ completed: 0, failed: 0, pending: items });
  followed.set(path, show);
  if (!listening) {
    listening = true;
    setHandler(defineSignal<[MapProgress]>(mapProgressSignal), ({ path: of, counts }) => followed.get(of)?.(counts));
  }
  return { end: () => void followed.delete(path) };
}
