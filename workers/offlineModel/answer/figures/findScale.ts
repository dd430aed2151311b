import { scaleOf, type Scale } from '../lexicon/money.js';

const inScale =
  /\(?\b(?:in|amounts?(?: are)?(?: expressed)?(?: stated)?(?: in)?|expressed in|stated in|figures in|rs\.?|inr|usd|eur|dollars|rupees|value in)[\s(]{0,3}(?:(?:us|u\.s\.|canadian|indian)\s)?(?:dollars |rupees |[$€£₹]\s?|rs\.?\s?|inr\s|usd\s|eur\s)?(?:in )?(thousands?|millions?|billions?|lakhs?|lacs?|crores?|cr\b|mn\b|000’?'?s)\b/i;
const signScale =
  /(?:[$€£₹]|\b(?:rs|inr|usd|eur))\.?\s?(?:in\s)?(?:\(?in\s)?(thousands?|millions?|billions?|lakhs?|lacs?|crores?|cr\b|mn\b|bn\b|000’?'?s?)(?:\b|(?=\)))/i;
const bracketed =
  /\(\s?(?:unaudited[,;]?\s)?(?:amounts |dollars |[$€£₹] )?(?:in )?(thousands|millions|billions|lakhs|crores)\b/i;
const dollars =
  /\(\s?(?:in |expressed in |amounts in )?(?:(?:us|u\.s\.) )?(?:dollars|rupees|euros)(?:,? except[^)]*)?\)/i;

/** The scale a heading announces: `(in millions, except per share amounts)`, `₹ crore`; null when it announces none. */
export function findScale(text: string): Scale | null {
  const word = inScale.exec(text)?.[1] ?? signScale.exec(text)?.[1] ?? bracketed.exec(text)?.[1];
  if (word) return scaleOf(word.replace(/[’']/g, ''));
  return dollars.test(text) ? 'one' : null;
}
