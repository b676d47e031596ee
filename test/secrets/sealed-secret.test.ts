import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { installationKeys } from '../../src/delivery/installation-secret.ts';
import { openKey, sealKey } from '../../src/ingest/signed/secret.ts';
import { openBytes, openSecret, sealBytes, sealSecret } from '../../src/secrets/sealed-secret.ts';

const keys = installationKeys('a secret of thirty-two characters');
const others = installationKeys('another one of thirty-two letters');

describe('what is sealed', () => {
  it('opens as it was for the same thing under the same secret, and never else', () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.string(), fc.nat(), (bytes, about, place) => {
        const secret = Buffer.from(bytes);
        const sealed = sealBytes(keys, about, secret);
        expect(openBytes(keys, about, sealed)?.equals(secret)).toBe(true);
        expect(openBytes(keys, `${about} `, sealed)).toBeNull();
        expect(openBytes(others, about, sealed)).toBeNull();
        const changed = Buffer.from(sealed);
        changed[place % changed.length] ^= 1;
        expect(openBytes(keys, about, changed)).toBeNull();
        expect(openBytes(keys, about, sealed.subarray(0, -1))).toBeNull();
      }),
    );
  });

  it('is never twice the same', () => {
    const sealed = () => sealSecret(keys, 'source 1', 'a password').bytes.toString('hex');
    expect(sealed()).not.toBe(sealed());
  });

  it('under another secret of the installation says so', () => {
    const sealed = sealSecret(others, 'source 1', 'a password');
    expect(() => openSecret(keys, 'source 1', sealed)).toThrow('another DAYBOOK_SECRET sealed it');
  });
});

describe('what was sealed before', () => {
  it('of a source opens', () => {
    const bytes = Buffer.from(
      '0179f1ca195d42174b7cd982a0f43664696fe2fd74f381280140b5ed2dc5ff05510b28f3c7be33',
      'hex',
    );
    expect(openSecret(keys, 'source 1', { bytes, keyId: '7f5ba71a0b77' })).toBe('a password');
  });

  const place = {
    ...{ tenantId: '11111111-1111-4111-8111-111111111111', keyId: 'dbi_0123456789abcdef' },
  };
  it('of a key that signs opens at its place, and at no other', () => {
    const sealed = Buffer.from(
      'd9a83cc1f7b246cc5cac44aa791a147f1d90936dd66be8b07dcf9144f3972aa122b565493158304b978bfab81c523a21fdb80d12c700792f189d7719',
      'hex',
    );
    expect(openKey(keys, place, sealed).toString()).toBe('a signing secret of the old form');
    const elsewhere = { ...place, tenantId: '22222222-2222-4222-8222-222222222222' };
    expect(() => openKey(keys, elsewhere, sealed)).toThrow('cannot be opened');
  });

  it('and what is too short to sign with opens no more than what is not there', () => {
    const sealed = sealKey(keys, place, Buffer.from('short'));
    expect(() => openKey(keys, place, sealed)).toThrow('cannot be opened');
    expect(() => openKey(keys, place, Buffer.alloc(0))).toThrow('cannot be opened');
  });
});
