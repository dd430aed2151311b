/**
 * Finders of personal data. Each proposes candidates by a pattern without backtracking, and has a library judge them.
 *
 * Invariant: the work of each is bounded by the length of the text times a constant. Candidates have a greatest length.
 */
import { isIP } from 'node:net';
import type { CountryCode } from 'libphonenumber-js/min';
import type { PersonalDataKind } from '../../core/guardrails.js';
import { findEmails } from './findEmails.js';
import type { Span } from './spans.js';

export type Finder = (text: string) => Span[];

/** Libraries are loaded when the first rule needs them. */
export async function personalDataFinders(
  kinds: readonly PersonalDataKind[],
  country: string | undefined,
): Promise<Finder[]> {
  const made: Record<PersonalDataKind, () => Promise<Finder>> = {
    email: () => Promise.resolve(findEmails),
    phone: () => phoneFinder(country),
    creditCard: cardFinder,
    iban: ibanFinder,
    ipAddress: () => Promise.resolve(findIpAddresses),
    ssn: () => Promise.resolve(findSocialSecurityNumbers),
  };
  return Promise.all(kinds.map((kind) => made[kind]()));
}

async function phoneFinder(country: string | undefined): Promise<Finder> {
  const { parsePhoneNumberFromString } = await import('libphonenumber-js/min');
  const international = /(?<![\d+])\+\(?\d(?:[ ().\-/\u00a0]{0,3}\d){6,16}(?!\d)/g;
  // At most five groups, and no more judged than have the digits of a number.
  const national = /(?<![\w.,+/-])(?=(\(?\d{1,12}\)?(?:[ .\-/\u00a0]{1,2}\(?\d{1,8}){0,4}))/g;
  const isPhone = (candidate: string, from?: CountryCode): boolean => {
    const parsed = parsePhoneNumberFromString(candidate, { extract: false, ...(from && { defaultCountry: from }) });
    return parsed !== undefined && (from === undefined ? parsed.isPossible() : parsed.isValid());
  };
  return (text) => [
    ...matches(text, international, 'phone').flatMap((span) => shortened(text, span, (part) => isPhone(part))),
    ...(country === undefined
      ? []
      : matches(text, national, 'phone')
          .filter(({ start, end }) => isNational(text.slice(start, end)))
          .flatMap((span) => shortened(text, span, (part) => isPhone(part, country as CountryCode)))),
  ];
}

function isNational(candidate: string): boolean {
  const isDate = /^\d{4}[-/.]\d\d?[-/.]\d\d?\b/.test(candidate);
  return !isDate && candidate.replace(/\D/g, '').length >= 7;
}

/** The longest beginning that is one: groups of digits may follow a number that belong to something else. */
function shortened(text: string, { start, end, label }: Span, is: (part: string) => boolean): Span[] {
  for (let last = end; last - start >= 8; last -= 1) {
    if (/\d/.test(text[last - 1]!) && !/\d/.test(text[last] ?? '') && is(text.slice(start, last))) {
      return [{ start, end: last, label }];
    }
  }
  return [];
}

const cardDigits = { least: 13, most: 19 };

/** In every run of digits, spaces and hyphens: from the start of a group to the end of one. */
async function cardFinder(): Promise<Finder> {
  const { default: validator } = await import('validator');
  return (text) =>
    matches(text, /\d(?:[ -]?\d){12,}/g, 'creditCard').flatMap((run) => {
      const digits: number[] = [];
      for (let at = run.start; at < run.end; at += 1) if (/\d/.test(text[at]!)) digits.push(at);
      const found: Span[] = [];
      for (let first = 0; first + cardDigits.least <= digits.length; first += 1) {
        if (first > 0 && digits[first - 1] === digits[first]! - 1) continue;
        for (let length = Math.min(cardDigits.most, digits.length - first); length >= cardDigits.least; length -= 1) {
          const last = first + length - 1;
          if (digits[last + 1] === digits[last]! + 1 || !hasCheckDigit(text, digits, first, length)) continue;
          const [start, end] = [digits[first]!, digits[last]! + 1];
          if (!validator.isCreditCard(text.slice(start, end).replace(/\D/g, ''))) continue;
          found.push({ start, end, label: 'creditCard' });
          first = last;
          break;
        }
      }
      return found;
    });
}

/** Luhn's; spares nine of ten candidates the library. */
function hasCheckDigit(text: string, digits: readonly number[], first: number, length: number): boolean {
  let sum = 0;
  for (let back = 0; back < length; back += 1) {
    const digit = text.charCodeAt(digits[first + length - 1 - back]!) - 48;
    const weighed = back % 2 === 0 ? digit : digit * 2;
    sum += weighed > 9 ? weighed - 9 : weighed;
  }
  return sum % 10 === 0;
}

async function ibanFinder(): Promise<Finder> {
  const { default: validator } = await import('validator');
  return (text) =>
    matches(text, /(?<![A-Za-z0-9])(?=([A-Za-z]{2}\d{2}(?:[ -]?[A-Za-z0-9]){11,30}))/g, 'iban').flatMap(
      ({ start, end }) => {
        const candidate = text.slice(start, end);
        const letters: { char: string; end: number }[] = [];
        for (let at = 0; at < candidate.length; at += 1) {
          if (/[A-Za-z0-9]/.test(candidate[at]!))
            letters.push({ char: candidate[at]!.toUpperCase(), end: start + at + 1 });
        }
        for (const length of validLengths(letters.map(({ char }) => char))) {
          const iban = letters
            .slice(0, length)
            .map(({ char }) => char)
            .join('');
          if (validator.isIBAN(iban)) return [{ start, end: letters[length - 1]!.end, label: 'iban' }];
        }
        return [];
      },
    );
}

/** Lengths at which the check digits are right, the longest first; spares the library all others. */
function validLengths(letters: readonly string[]): number[] {
  const [head, lengths]: [readonly string[], number[]] = [letters.slice(0, 4), []];
  let sum = 0;
  const add = (remainder: number, char: string): number => {
    const value = Number.parseInt(char, 36);
    return (remainder * (value > 9 ? 100 : 10) + value) % 97;
  };
  for (let length = 5; length <= letters.length; length += 1) {
    sum = add(sum, letters[length - 1]!);
    if (length >= 15 && head.reduce(add, sum) === 1) lengths.unshift(length);
  }
  return lengths;
}

function findIpAddresses(text: string): Span[] {
  return [
    ...matches(text, /(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w]|\.\d)/g, 'ipAddress'),
    ...matches(text, /(?<![\w:])[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7}(?![\w:])/g, 'ipAddress'),
  ].filter(({ start, end }) => isIP(text.slice(start, end)) !== 0 && /[0-9A-Fa-f]/.test(text.slice(start, end)));
}

function findSocialSecurityNumbers(text: string): Span[] {
  return matches(text, /(?<![\d-])(?!000|666|9)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\d-])/g, 'ssn');
}

/** Of a pattern that only looks ahead, so that its matches may overlap, what its group has seen. */
function matches(text: string, pattern: RegExp, label: string): Span[] {
  return [...text.matchAll(pattern)].map(({ index, 0: whole, 1: ahead = whole }) => {
    return { start: index, end: index + ahead.length, label };
  });
}
