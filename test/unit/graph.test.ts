import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { graphFaults, type GraphStep, inOrder, shapeOf } from '../../core/graph.js';
import { type EndState, GraphSchedule, type ScheduledStep } from '../../core/graphSchedule.js';

const step = (name: string, ...after: string[]): GraphStep => ({ name, after });
const messages = (steps: readonly GraphStep[]): string[] => graphFaults(steps).map(({ message }) => message);

/** Steps that come after earlier ones only, in shuffled order. */
const graphs = fc.array(fc.array(fc.nat(), { maxLength: 4 }), { minLength: 1, maxLength: 40 }).chain((edges) => {
  const steps = edges.map((before, index) =>
    step(`s${index}`, ...new Set(index === 0 ? [] : before.map((other) => `s${other % index}`))),
  );
  return fc.shuffledSubarray(steps, { minLength: steps.length, maxLength: steps.length });
});

describe('the faults of a graph', () => {
  it('are none when every step comes after steps there are', () => {
    fc.assert(
      fc.property(graphs, (steps) => {
        expect(graphFaults(steps)).toEqual([]);
      }),
    );
  });

  it('name a second step of a name, and a step that is not there', () => {
    expect(graphFaults([step('a'), step('b', 'a', 'x'), step('a')])).toEqual([
      { step: 2, message: 'a is the name of step 0 already' },
      { step: 1, after: 1, message: 'there is no step x' },
    ]);
  });

  it('name a cycle with the steps it goes through', () => {
    expect(graphFaults([step('a', 'b'), step('b', 'c'), step('c', 'a'), step('d', 'a')])).toEqual([
      { step: 2, after: 0, message: 'a cycle: a → b → c → a' },
    ]);
    expect(messages([step('a', 'a')])).toEqual(['a cycle: a → a']);
    expect(messages([step('a', 'b'), step('b', 'a'), step('c', 'd'), step('d', 'c')])).toHaveLength(2);
  });

  it('are found wherever one edge closes a cycle', () => {
    fc.assert(
      fc.property(graphs, fc.nat(), (steps, at) => {
        const target = steps[at % steps.length]!;
        const behind = new Set([target.name]);
        for (const { name, after } of inOrder(steps)) if (after.some((before) => behind.has(before))) behind.add(name);
        const last = [...behind].at(-1)!;
        const closed = steps.map((one) => (one === target ? { ...one, after: [...one.after, last] } : one));
        expect(messages(closed)[0]).toContain('a cycle');
      }),
    );
  });

  it('are found in ten thousand steps in a row, and in a ring of them, without recursion', () => {
    const row = Array.from({ length: 10_000 }, (_, index) => step(`s${index}`, ...(index ? [`s${index - 1}`] : [])));
    expect(graphFaults(row)).toEqual([]);
    expect(shapeOf(row)).toEqual({ steps: 10_000, depth: 10_000, width: 1 });
    const [message = ''] = messages([step('s0', 's9999'), ...row.slice(1)]);
    expect(message).toBe(
      'a cycle: s0 → s9999 → s9998 → s9997 → s9996 → s9995 → s9994 → s9993 → s9992 → … 9991 more … → s0',
    );
  });

  it('take one look at each edge', () => {
    let looks = 0;
    const counted = (names: string[]): readonly string[] =>
      new Proxy(names, {
        get(target, key) {
          if (typeof key === 'string' && /^\d+$/.test(key)) looks += 1;
          return Reflect.get(target, key) as unknown;
        },
      });
    const size = 200;
    const steps = Array.from({ length: size }, (_, index) => ({
      name: `s${index}`,
      after: counted(Array.from({ length: index }, (__, before) => `s${before}`)),
    }));
    expect(graphFaults(steps)).toEqual([]);
    const edges = (size * (size - 1)) / 2;
    expect(looks).toBeGreaterThanOrEqual(edges);
    expect(looks).toBeLessThan(3 * edges);
  });
});

describe('the shape of a graph', () => {
  it('is its longest way and its widest level', () => {
    expect(shapeOf([step('d', 'b', 'c'), step('b', 'a'), step('c', 'a'), step('a')])).toEqual({
      steps: 4,
      depth: 3,
      width: 2,
    });
  });
});

interface Played {
  order: string[];
  ends: Map<string, EndState>;
}

/** Runs a schedule to its end, with `lanes` steps at once and the ends `endOf` chooses. */
function play(steps: readonly ScheduledStep[], lanes: number, endOf: (turn: number) => EndState): Played {
  const schedule = new GraphSchedule(steps);
  const order: string[] = [];
  const ends = new Map<string, EndState>();
  const running: string[] = [];
  for (let turn = 0; ; turn += 1) {
    for (let name = running.length < lanes && schedule.take(); name; name = running.length < lanes && schedule.take()) {
      order.push(name);
      running.push(name);
    }
    const [name] = running.splice(turn % Math.max(1, running.length), 1);
    if (name === undefined) return { order, ends };
    const state = endOf(turn);
    ends.set(name, state);
    for (const skip of schedule.end(name, state)) ends.set(skip.name, 'skipped');
  }
}

describe('a schedule', () => {
  const ends = fc.infiniteStream(fc.constantFrom<EndState>('completed', 'completed', 'completed', 'failed', 'skipped'));
  const scheduled = graphs.chain((steps) =>
    fc
      .array(fc.constantFrom<'completed' | 'ended'>('completed', 'ended'), {
        minLength: steps.length,
        maxLength: steps.length,
      })
      .map((needs): ScheduledStep[] => steps.map((one, index) => ({ ...one, needs: needs[index] }))),
  );

  it('runs every step once, after those it comes after, when all complete', () => {
    fc.assert(
      fc.property(graphs, fc.integer({ min: 1, max: 5 }), (steps, lanes) => {
        const { order } = play(steps, lanes, () => 'completed');
        expect([...order].sort()).toEqual(steps.map(({ name }) => name).sort());
        for (const { name, after } of steps)
          for (const before of after) expect(order.indexOf(before)).toBeLessThan(order.indexOf(name));
      }),
    );
  });

  it('ends every step whatever becomes of the others, and skips just those that need one which did not complete', () => {
    fc.assert(
      fc.property(scheduled, fc.integer({ min: 1, max: 5 }), ends, (steps, lanes, outcomes) => {
        const played = play(steps, lanes, () => outcomes.next().value as EndState);
        for (const { name, after, needs } of steps) {
          const ran = played.order.includes(name);
          expect(played.ends.has(name)).toBe(true);
          const mayRun = needs === 'ended' || after.every((before) => played.ends.get(before) === 'completed');
          expect(ran).toBe(mayRun);
        }
      }),
    );
  });

  it('says because of which step another is skipped', () => {
    const schedule = new GraphSchedule([step('a'), step('b', 'a'), step('c', 'b'), step('d')]);
    expect([schedule.take(), schedule.take(), schedule.take()]).toEqual(['a', 'd', undefined]);
    expect(schedule.counts()).toEqual({ pending: 2, running: 2 });
    expect(schedule.end('a', 'failed')).toEqual([
      { name: 'b', because: 'a', state: 'failed' },
      { name: 'c', because: 'b', state: 'skipped' },
    ]);
    expect(schedule.end('d', 'completed')).toEqual([]);
    expect(schedule.counts()).toEqual({ completed: 1, failed: 1, skipped: 2 });
  });

  it('does not run what was done before, and goes on behind it', () => {
    const schedule = new GraphSchedule([step('a'), step('b', 'a'), step('c', 'b')], new Set(['b']));
    expect([schedule.take(), schedule.take(), schedule.take()]).toEqual(['a', 'c', undefined]);
  });

  it('gives up what has not begun', () => {
    const schedule = new GraphSchedule([step('a'), step('b', 'a'), step('c')]);
    expect(schedule.take()).toBe('a');
    expect(schedule.skipRest()).toEqual(['b', 'c']);
    expect(schedule.take()).toBeUndefined();
  });
});
