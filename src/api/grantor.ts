import type { Principal } from '../principals/principal.ts';
import type { Grantor } from '../sales/discount-line.ts';

/** Who grants discounts, as policies name them: a member's roles, `key`, or an operator. */
export function grantorOf(principal: Principal): Grantor {
  switch (principal.kind) {
    case 'member':
      return principal.roles;
    case 'key':
      return ['key'];
    case 'operator':
      return null;
  }
}
