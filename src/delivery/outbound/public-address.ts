import { BlockList, isIP } from 'node:net';

/**
 * Which addresses belong to the open internet. Judged by the address that is connected to and never
 * by how a URL spells it. From the registries of special-purpose addresses (RFC 6890 and what IANA
 * added since).
 */

const NOT_PUBLIC_V4 = [
  ...['0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16'],
  ...['172.16.0.0/12', '192.0.0.0/24', '192.0.2.0/24', '192.31.196.0/24', '192.52.193.0/24'],
  ...['192.88.99.0/24', '192.168.0.0/16', '192.175.48.0/24', '198.18.0.0/15', '198.51.100.0/24'],
  ...['203.0.113.0/24', '224.0.0.0/4', '240.0.0.0/4'],
];
/** Within 2000::/3, outside of which nothing is public: other forms of IPv4 above all. */
const NOT_PUBLIC_V6 = ['2001::/23', '2001:db8::/32', '2002::/16', '2620:4f:8000::/48', '3fff::/20'];

const v4 = blockList(NOT_PUBLIC_V4, 'ipv4');
const v6 = blockList(NOT_PUBLIC_V6, 'ipv6');
const global = blockList(['2000::/3'], 'ipv6');

/** False for anything that is no address, too. */
export function isPublicAddress(address: string): boolean {
  switch (isIP(address)) {
    case 4:
      return !v4.check(address, 'ipv4');
    case 6:
      return !address.includes('%') && global.check(address, 'ipv6') && !v6.check(address, 'ipv6');
    default:
      return false;
  }
}

function blockList(ranges: readonly string[], family: 'ipv4' | 'ipv6'): BlockList {
  const list = new BlockList();
  for (const range of ranges) {
    const [network, prefix] = range.split('/');
    list.addSubnet(network, Number(prefix), family);
  }
  return list;
}
