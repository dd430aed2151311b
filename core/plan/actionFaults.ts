import { longestKey, nameFaults } from '../event.js';
import { latestMomentMs, momentMs } from '../moment.js';
import { reservedPeers } from '../peers.js';
import { reservedRoutes } from '../route.js';
import type { PlanCatalogue } from './catalogue.js';
import { decideFaults } from './decideFaults.js';
import { isFault, malformed, type OutputSchemas } from './outputSchemas.js';
import { isCall, kindOf, mostElements, planLimits } from './plan.js';
import { type PlacedAction, referencesOf, valuesOf } from './planGraph.js';
import { type DocumentPath, formatPath, isReference } from './references.js';
import { schemaFaults } from './schemaFaults.js';

const called = { agent: 'agents', tool: 'tools', workflow: 'workflows' } as const;
const toldNames = 20;

/** What is wrong with one action, without those in it: what it names, refers to, and gives to what it calls. */
export function actionFaults(placed: PlacedAction, catalogue: PlanCatalogue, schemas: OutputSchemas): string[] {
  const { action, at, nesting } = placed;
  if (nesting > planLimits.nesting) return [`${formatPath(at)}: actions are nested over ${planLimits.nesting} deep`];
  return [
    ...valuesOf(action, at).flatMap(({ value, at: place }) => malformed(value, place)),
    ...referenceFaults(placed, schemas),
    ...callFaults(placed, catalogue, schemas),
    ...mapFaults(placed),
    ...superviseFaults(placed),
    ...routeFaults(placed),
    ...decideFaults(placed),
    ...peerFaults(placed),
    ...eventFaults(placed),
    ...sleepFaults(placed),
    ...overFaults(placed, schemas),
  ];
}

/** References to steps that are not there are faults of the graph. */
function referenceFaults({ action, at, locals }: PlacedAction, schemas: OutputSchemas): string[] {
  return referencesOf(action, at).flatMap(({ path, at: place }) => {
    const [root = '', id] = path;
    const where = formatPath(place);
    if (root === 'steps') {
      if (id === undefined) return [`${where}: steps must be followed by the id of a step: steps.ID`];
      const found = schemas.resolve(path);
      return isFault(found) ? [`${where}: ${found.fault}`] : [];
    }
    const known = ['input', 'steps', ...locals];
    return known.includes(root) ? [] : [`${where}: there is no ${root} here; there are: ${known.join(', ')}`];
  });
}

function callFaults({ action, at }: PlacedAction, catalogue: PlanCatalogue, schemas: OutputSchemas): string[] {
  const kind = kindOf(action);
  if (kind !== 'agent' && kind !== 'tool' && kind !== 'workflow')
    return action.input === undefined
      ? []
      : [`${formatPath([...at, 'input'])}: only an agent, a tool or a workflow takes input`];
  const name = action[kind]!;
  const known = catalogue[called[kind]];
  if (!Object.hasOwn(known, name))
    return [`${formatPath([...at, kind])}: no ${kind} is named ${name}; there are: ${told(Object.keys(known))}`];
  const { input } = known[name]!;
  if (!input) return [];
  return schemaFaults(action.input ?? null, input, [...at, 'input'], ({ $ref }) => {
    const found = schemas.resolve(String($ref).split('.'));
    return isFault(found) ? undefined : found;
  });
}

function mapFaults({ action: { map }, at }: PlacedAction): string[] {
  if (!map) return [];
  const { do: body, maxItems = planLimits.items, minimum, onFailure, gives } = map;
  const where = (part: string): string => formatPath([...at, 'map', part]);
  const most = mostElements(body);
  return [
    ...(maxItems > most
      ? [`${where('maxItems')}: at most ${most}, for do is not one call of an agent, a tool or a workflow`]
      : []),
    ...(minimum !== undefined && onFailure !== 'continue'
      ? [`${where('minimum')}: only with onFailure: continue`]
      : []),
    ...(minimum !== undefined && minimum > maxItems
      ? [`${where('minimum')}: there are at most ${maxItems} elements`]
      : []),
    ...(gives === 'document' && !isCall(body)
      ? [`${where('gives')}: a document, only when do is one call of an agent, a tool or a workflow`]
      : []),
  ];
}

function superviseFaults({ action: { supervise }, at }: PlacedAction): string[] {
  if (!supervise || !Object.hasOwn(supervise.escalate, 'worker')) return [];
  return [`${formatPath([...at, 'supervise', 'escalate', 'worker'])}: this name is reserved`];
}

function routeFaults({ action: { route }, at }: PlacedAction): string[] {
  if (!route) return [];
  const { rules = [], classify, routes } = route;
  const where = (...part: DocumentPath): string => formatPath([...at, 'route', ...part]);
  return [
    ...(rules.length === 0 && !classify ? [`${where()}: neither rules nor classify say which way it goes`] : []),
    ...reservedRoutes
      .filter((name) => Object.hasOwn(routes, name))
      .map((name) => `${where('routes', name)}: this name is reserved`),
    ...rules.flatMap(({ to }, index) =>
      Object.hasOwn(routes, to)
        ? []
        : [`${where('rules', index, 'to')}: there is no route ${to}; there are: ${told(Object.keys(routes))}`],
    ),
  ];
}

function peerFaults({ action: { handoff, mesh, debate }, at }: PlacedAction): string[] {
  const placed = (kind: string, where: string, names: readonly string[], most: number): string[] => [
    ...(names.length >= 2 && names.length <= most
      ? []
      : [`${formatPath([...at, kind, where])}: there are ${names.length}, not 2 to ${most}`]),
    ...(where === 'peers' ? names : [])
      .filter((name) => reservedPeers.includes(name))
      .map((name) => `${formatPath([...at, kind, where, name])}: this name is reserved`),
  ];
  const beginning = (kind: string, place: DocumentPath, name: string, peers: object): string[] =>
    Object.hasOwn(peers, name)
      ? []
      : [`${formatPath([...at, kind, ...place])}: there is no peer ${name}; there are: ${told(Object.keys(peers))}`];
  return [
    ...(handoff
      ? [
          ...placed('handoff', 'peers', Object.keys(handoff.peers), planLimits.peers),
          ...beginning('handoff', ['start'], handoff.start, handoff.peers),
        ]
      : []),
    ...(mesh
      ? [
          ...placed('mesh', 'peers', Object.keys(mesh.peers), planLimits.peers),
          ...(mesh.start ?? []).flatMap((name, index) => beginning('mesh', ['start', index], name, mesh.peers)),
        ]
      : []),
    ...(debate ? placed('debate', 'sides', Object.keys(debate.sides), planLimits.sides) : []),
  ];
}

function eventFaults({ action: { waitForEvent }, at }: PlacedAction): string[] {
  if (!waitForEvent || isReference(waitForEvent.key)) return [];
  return nameFaults(waitForEvent.name, waitForEvent.key).length === 0
    ? []
    : [
        `${formatPath([...at, 'waitForEvent', 'key'])}: neither a reference nor a text of 1 to ${longestKey} characters`,
      ];
}

function sleepFaults({ action: { sleepUntil }, at }: PlacedAction): string[] {
  if (sleepUntil === undefined || isReference(sleepUntil)) return [];
  const ms = typeof sleepUntil === 'string' ? momentMs(sleepUntil) : undefined;
  const where = formatPath([...at, 'sleepUntil']);
  if (ms === undefined)
    return [`${where}: neither a reference nor a moment such as "2027-01-31T09:00:00Z" or "2027-01-31"`];
  return ms < latestMomentMs ? [] : [`${where}: it is not before the year 3000`];
}

function overFaults({ action, at }: PlacedAction, schemas: OutputSchemas): string[] {
  if (!action.map) return [];
  return schemaFaults(action.map.over, { type: 'array' }, [...at, 'map', 'over'], ({ $ref }) => {
    const found = schemas.resolve(String($ref).split('.'));
    return isFault(found) ? undefined : found;
  });
}

function told(names: readonly string[]): string {
  const sorted = [...names].sort();
  const more = sorted.length > toldNames ? `, … ${sorted.length - toldNames} more` : '';
  return `${sorted.slice(0, toldNames).join(', ') || 'none'}${more}`;
}
