import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  isAllowedDomain,
  parseAllowedDomains,
  parseMailAddress,
} from '../../src/reports/mail-address.ts';

const accepted = (text: string): string | null => {
  try {
    return parseMailAddress(text, 'email').address;
  } catch {
    return null;
  }
};

describe('an address', () => {
  it.each([
    ['ana@example.com', 'ana@example.com'],
    ['Ana.Silva+daybook@EXAMPLE.Com', 'Ana.Silva+daybook@example.com'],
    ["o'neil@example.com", "o'neil@example.com"],
    ['a@münchen.example', 'a@xn--mnchen-3ya.example'],
    ['a@xn--mnchen-3ya.example', 'a@xn--mnchen-3ya.example'],
    ['a@почта.рф', 'a@xn--80a1acny.xn--p1ai'],
    ['a@例え.jp', 'a@xn--r8jz45g.jp'],
  ])('%s is the mailbox %s', (text, address) => {
    expect(accepted(text)).toBe(address);
  });

  it.each([
    'ana@example.com,eve@evil.example',
    'ana@example.com;eve@evil.example',
    'ana@example.com eve@evil.example',
    'friends:ana@example.com,eve@evil.example;',
    'a:b:ana@example.com;;',
    'Ana <ana@example.com>',
    '<ana@example.com>',
    '"ana@evil.example"@example.com',
    '"ana eve"@example.com',
    'ana(eve@evil.example)@example.com',
    'ana@example.com(comment)',
    '@evil.example:ana@example.com',
    'ana%evil.example@example.com',
    'evil.example!ana@example.com',
    'ana|eve@example.com',
    'ana@example.com\r\nRCPT TO:<eve@evil.example>',
    'ana@example.com\nBcc: eve@evil.example',
    'ana\u0000@example.com',
    'ana@example.com\u0085',
    'ana@exam\u2028ple.com',
    'ana@exam\u00adple.com',
    'ana\u200b@example.com',
    'ana\u202e@example.com',
    'ana@example.com\u007f',
    ' ana@example.com',
    '.ana@example.com',
    'ana.@example.com',
    'a..na@example.com',
    'ana@@example.com',
    'ana@eve@example.com',
    '@example.com',
    'ana@',
    'ana',
    '',
    'ana@localhost',
    'ana@[192.0.2.1]',
    'ana@192.0.2.1',
    'ana@[IPv6:2001:db8::1]',
    'ana@-example.com',
    'ana@example-.com',
    'ana@example..com',
    'ana@example.com.',
    'ana@exam_ple.com',
    'añ@example.com',
    `${'a'.repeat(65)}@example.com`,
    `a@${'a'.repeat(64)}.com`,
    `a@${'abcdefgh.'.repeat(28)}com`,
  ])('%j is refused', (text) => {
    expect(() => parseMailAddress(text, 'recipients.0.email')).toThrow(
      /^recipients\.0\.email: got/,
    );
  });

  it.each([
    ['Cyrillic letters that look Latin', 'а@аррӏе.com'.replace('а@', 'a@')],
    ['the same in its ASCII form', 'a@xn--80ak6aa92e.com'],
    ['one Cyrillic letter among Latin ones', 'a@exаmple.com'],
    ['Greek and Latin letters', 'a@gοοgle.com'],
    ['wide letters', 'a@ｅxample.com'],
    ['an ideographic full stop', 'a@example。com'],
    ['a dotless i', 'a@mıcrosoft.com'],
    ['a ligature', 'a@ﬁnance.example'],
    ['circled letters', 'a@ⓔxample.com'],
    ['a slash that is none', 'a@example.com⁄.evil.example'],
    ['an ASCII form of nothing', 'a@xn--a.com'],
  ])('with a domain of %s is refused', (_, text) => {
    expect(accepted(text)).toBeNull();
  });

  it('of a megabyte, or made to be slow, is refused', () => {
    const texts = [
      'a'.repeat(1_000_000),
      `${'a'.repeat(1_000_000)}@example.com`,
      `${'a.'.repeat(126)}@x`,
      `a@${'a-'.repeat(120)}`,
      `${'('.repeat(100_000)}a@example.com`,
      `${'"'.repeat(253)}@`,
    ];
    // What tries all ways to read them would not come to an end.
    for (const text of texts) expect(accepted(text)).toBeNull();
  });

  it('that passes has one @, no character that a server or header could read otherwise', () => {
    const hostile = fc.constantFrom(
      ...[
        '@',
        ',',
        ';',
        ':',
        '<',
        '>',
        '"',
        '\\',
        '\r\n',
        '\0',
        ' ',
        '.',
        '-',
        '%',
        'а',
        '。',
        'ß',
      ],
    );
    const piece = fc.oneof(hostile, fc.string({ maxLength: 4 }), fc.constantFrom('ana', 'example'));
    const text = fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(''));
    fc.assert(
      fc.property(
        fc.oneof(
          text,
          text.map((start) => `${start}@example.com`),
        ),
        (given) => {
          const address = accepted(given);
          if (address === null) return;
          expect(address).toMatch(/^[!#$&'*+\-/=?^_`{}~.0-9A-Za-z]+@[a-z0-9.-]+$/);
          expect(address.length).toBeLessThanOrEqual(254);
        },
      ),
      { numRuns: 3_000 },
    );
  });
});

describe('allowed domains', () => {
  it('allow the domain itself, and what is below one that begins with a star, nothing else', () => {
    const allowed = parseAllowedDomains(
      ['Example.com', '*.acme.example', 'example.com'],
      'domains',
    );
    expect(allowed).toEqual(['*.acme.example', 'example.com']);
    expect(isAllowedDomain('example.com', allowed)).toBe(true);
    expect(isAllowedDomain('mail.acme.example', allowed)).toBe(true);
    for (const domain of ['acme.example', 'evilexample.com', 'x.example.com', 'evilacme.example']) {
      expect(isAllowedDomain(domain, allowed)).toBe(false);
    }
    expect(isAllowedDomain('anything.example', null)).toBe(true);
    expect(isAllowedDomain('anything.example', [])).toBe(false);
  });
});
