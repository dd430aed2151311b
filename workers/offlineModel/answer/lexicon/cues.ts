/** Words that speak for a category, as stems are too coarse for them: whole words, matched without case. */
const list = (words: string): RegExp =>
  new RegExp(
    `\\b(?:${words
      .trim()
      .split(/\s*,\s*/)
      .join('|')})\\b`,
    'gi',
  );

export const positiveWords = list(
  'good, great, excellent, strong\\w*, strength\\w*, grew, grow\\w*, growth, increas\\w*, improv\\w*, record, gain\\w*, profit\\w*, success\\w*, win\\w*, won, love\\w*, happy, delight\\w*, best, benefit\\w*, positive\\w*, robust, exceed\\w*, outperform\\w*, satisf\\w*, recommend\\w*, thank\\w*, amazing, perfect\\w*, easy, fast, helpful, friendly, momentum, up, higher, innovat\\w*, efficient\\w*, pleased, enjoy\\w*, wonderful, fantastic, reliable, resilient',
);
export const negativeWords = list(
  'bad, poor\\w*, weak\\w*, declin\\w*, decreas\\w*, fell, fall\\w*, drop\\w*, loss, losses, lost, losing, fail\\w*, problem\\w*, issue\\w*, risk\\w*, concern\\w*, disappoint\\w*, terrible, awful, hate\\w*, angry, slow\\w*, broken, worst, worse, negative\\w*, advers\\w*, difficult\\w*, delay\\w*, complain\\w*, unhappy, frustrat\\w*, bug\\w*, crash\\w*, refund\\w*, uncertain\\w*, disrupt\\w*, down, lower, impair\\w*, litigation, threat\\w*, shortage\\w*, rude, useless, damaged, defect\\w*, unacceptable',
);

/** Cues of themes that fields ask for; the keys are stems of field words. */
export const themes: readonly { readonly field: RegExp; readonly cue: RegExp }[] = [
  { field: /^(?:risk|threat|hazard|exposure|vulnerabilit)/, cue: list('risk\\w*, uncertain\\w*, advers\\w*, disrupt\\w*, threat\\w*, litigation, competit\\w*, shortage\\w*, volatil\\w*, fluctuat\\w*, inflation\\w*, tariff\\w*, recession\\w*, breach\\w*, depend\\w*, exposure, exposed, currency, downturn, delay\\w*, fail\\w*, regulat\\w*, cyber\\w*, harm\\w*, default\\w*, supply chain, headwind\\w*, pressure\\w*, may not, could') },
  { field: /^(?:opportunit|strength|highlight|positive|pro|achievement|win|driver|benefit)/, cue: list('grew, growth, increas\\w*, record, strong\\w*, improv\\w*, expand\\w*, launch\\w*, new, won, win\\w*, gain\\w*, higher, opportunit\\w*, benefit\\w*, momentum, exceed\\w*, up') },
  { field: /^(?:weakness|con|negative|challenge|problem|issue|concern|headwind|complaint|pain)/, cue: negativeWords },
  { field: /^(?:action|task|todo|step|next|recommendation|suggestion|improvement|mitigation|remed)/, cue: list('should, must, need\\w*, recommend\\w*, please, plan\\w*, will, action\\w*, follow\\w* up, schedule\\w*, send, review\\w*, fix\\w*, update\\w*, prepare\\w*, deliver\\w*, by monday, by friday, deadline, assign\\w*, mitigat\\w*, reduc\\w*, improv\\w*, diversif\\w*, hedg\\w*') },
  { field: /^(?:question|quer|unknown|open)/, cue: /\?/g },
  { field: /^(?:decision|agreement|resolution|outcome|conclusion)/, cue: list('decid\\w*, decision\\w*, agree\\w*, approv\\w*, resolv\\w*, conclu\\w*, chose\\w*, select\\w*, therefore') },
  { field: /^(?:trend|change|development|movement|growth)/, cue: list('increas\\w*, decreas\\w*, grew, growth, declin\\w*, rose, fell, up, down, higher, lower, compared, versus, expand\\w*, shrank, improv\\w*') },
  { field: /^(?:cause|reason|why|factor)/, cue: list('because, due to, driven by, caus\\w*, result\\w* (?:of|from), owing to, attributable, led by, as a result') },
  { field: /^(?:outlook|guidance|forecast|expectation|future)/, cue: list('expect\\w*, outlook, guidance, forecast\\w*, anticipat\\w*, will, plan\\w*, target\\w*, project\\w*, next quarter, next year') },
  { field: /^(?:deadline|due|date)/, cue: list('deadline, due, by, until, before, monday, tuesday, wednesday, thursday, friday') },
]; // prettier-ignore

/** What speaks for the usual values of enums; the keys are the values' own words. */
export const valueCues: Readonly<Record<string, RegExp>> = {
  urgent: list('urgent\\w*, immediate\\w*, asap, emergency, emergencies, critical\\w*, outage\\w*, down, right away, right now, as soon as possible, security breach, breach\\w*, data loss, today, deadline, escalat\\w*, crash\\w*, cannot access, production, now'),
  critical: list('critical\\w*, severe\\w*, outage\\w*, emergency, breach\\w*, catastroph\\w*, immediate\\w*, urgent\\w*, data loss, insolven\\w*, going concern, bankrupt\\w*, material weakness'),
  high: list('high\\w*, severe\\w*, significant\\w*, material\\w*, major, substantial\\w*, serious\\w*, critical\\w*, urgent\\w*, advers\\w*, sharp\\w*, disrupt\\w*, breach\\w*'),
  medium: list('medium, moderate\\w*, some, may, could, partial\\w*, competit\\w*, pressure\\w*, fluctuat\\w*, currency'),
  low: list('low, minor, slight\\w*, limited, small, minimal\\w*, routine, whenever, no rush, no hurry, when you have time'),
  normal: list('normal\\w*, regular, routine, standard, question, information, wondering'),
  analysis: list('analy\\w*, report\\w*, trend\\w*, compar\\w*, data, figures, metric\\w*, statistic\\w*, evaluat\\w*, assess\\w*, breakdown, insight\\w*, forecast\\w*, why'),
  general: list('general\\w*, hello, hours, information, info, opening, thank\\w*, question'),
  billing: list('bill\\w*, invoice\\w*, payment\\w*, charge\\w*, refund\\w*, price\\w*, subscription\\w*, credit card, overcharged'),
  technical: list('technical\\w*, error\\w*, bug\\w*, crash\\w*, install\\w*, login, log in, api, server\\w*, code, stack trace, exception\\w*, password, not working, database, timeout\\w*, deploy\\w*'),
  support: list('support\\w*, help\\w*, issue\\w*, problem\\w*, cannot, can’t, can\'t, broken, trouble'),
  sales: list('sales, buy\\w*, purchas\\w*, quote\\w*, pricing, demo\\w*, upgrade\\w*, plan\\w*, discount\\w*, order\\w*'),
  account: list('account\\w*, profile, password, login, sign in, username, email address'),
  complaint: list('complain\\w*, unhappy, disappoint\\w*, angry, terrible, unacceptable, frustrat\\w*, rude, refund\\w*'),
  legal: list('legal\\w*, contract\\w*, lawsuit\\w*, litigation, law, liabilit\\w*, court\\w*, complian\\w*, terms'),
  finance: list('financ\\w*, revenue\\w*, profit\\w*, earnings, invoice\\w*, budget\\w*, cost\\w*, income, bank\\w*, investment\\w*, market\\w*'),
  technology: list('technolog\\w*, software, cloud, api, computer\\w*, ai, artificial intelligence, data, digital, platform\\w*, app, apps, code, model\\w*'),
  health: list('health\\w*, patient\\w*, medical\\w*, hospital\\w*, doctor\\w*, disease\\w*, clinical\\w*, treatment\\w*'),
  science: list('scien\\w*, research\\w*, stud\\w*, experiment\\w*, physic\\w*, biolog\\w*, chemist\\w*'),
  marketing: list('marketing, campaign\\w*, brand\\w*, advert\\w*, seo, social media, audience\\w*, content'),
  operational: list('operation\\w*, supply chain, suppl\\w*, logistic\\w*, manufactur\\w*, production, capacity, hiring, outage\\w*'),
  market: list('market\\w*, competit\\w*, demand, currency, inflation\\w*, interest rate\\w*, econom\\w*, pricing'),
  financial: list('financ\\w*, currency, debt, liquidity, credit, interest, cash, margin\\w*, impairment\\w*, cost\\w*'),
  regulatory: list('regulat\\w*, complian\\w*, law\\w*, legislation, privacy, antitrust, tax\\w*, sanction\\w*'),
  competitive: list('competit\\w*, rival\\w*, market share, pricing pressure'),
}; // prettier-ignore

/** Values that mean the same cue list. */
export const valueSynonyms: Readonly<Record<string, string>> = {
  immediate: 'urgent', emergency: 'urgent', p1: 'critical', p0: 'critical', severe: 'high', major: 'high', serious: 'high',
  moderate: 'medium', minor: 'low', info: 'general', information: 'general', inquiry: 'general', other: 'general', general_inquiry: 'general',
  tech: 'technical', engineering: 'technical', bug: 'technical', incident: 'critical', payment: 'billing', payments: 'billing', invoice: 'billing', refund: 'billing',
  analytical: 'analysis', analytics: 'analysis', analyst: 'analysis', research: 'analysis', operations: 'operational', compliance: 'regulatory', competition: 'competitive',
  help: 'support', business: 'finance', healthcare: 'health',
}; // prettier-ignore

export function countCues(text: string, cue: RegExp): number {
  cue.lastIndex = 0;
  return text.match(cue)?.length ?? 0;
}

/** Below −0.15 negative, above 0.15 positive; the difference of cues over their sum. */
export function sentimentOf(text: string): number {
  const sample = text.slice(0, 200_000);
  const positive =
    countCues(sample, positiveWords) -
    countCues(
      sample,
      /\b(?:not|no|never|isn['’]t|wasn['’]t|hardly)\s+(?:a |very |at all )?(?:good|great|happy|satisf\w*|recommend\w*|easy|helpful|reliable)\b/gi,
    ) *
      2;
  const negative =
    countCues(sample, negativeWords) -
    countCues(sample, /\b(?:no|without|not)\s+(?:any )?(?:problems?|issues?|complaints?|bad|delays?|risks?)\b/gi) * 2;
  return positive + negative <= 0 ? 0 : (positive - negative) / (Math.abs(positive) + Math.abs(negative));
}
