import { execFileSync } from 'node:child_process';

const READ = `
import email, email.policy, hashlib, json, sys
with open(sys.argv[1], 'rb') as f:
    mail = email.message_from_binary_file(f, policy=email.policy.default)
parts = [p for p in mail.walk() if not p.is_multipart()]
print(json.dumps({
    'defects': [str(d) for p in mail.walk() for d in p.defects],
    'names': [name.lower() for name in mail.keys()],
    'subject': mail['subject'],
    'to': [a.addr_spec for a in mail['to'].addresses],
    'from': [a.addr_spec for a in mail['from'].addresses],
    'id': mail['message-id'],
    'unsubscribe': mail['list-unsubscribe'],
    'auto': mail['auto-submitted'],
    'text': mail.get_body(('plain',)).get_content(),
    'html': mail.get_body(('html',)).get_content(),
    'attachments': [{
        'name': p.get_filename(), 'type': p.get_content_type(),
        'sha256': hashlib.sha256(p.get_payload(decode=True)).hexdigest(),
    } for p in parts if p.get_content_disposition() == 'attachment'],
    'images': [p['content-id'] for p in parts if p.get_content_type() == 'image/png'],
}))
`;

/** What Python's email package finds in a mail. */
export interface ReadMail {
  readonly defects: string[];
  readonly names: string[];
  readonly subject: string;
  readonly to: string[];
  readonly from: string[];
  readonly id: string;
  readonly unsubscribe: string;
  readonly auto: string;
  readonly text: string;
  readonly html: string;
  readonly attachments: { name: string; type: string; sha256: string }[];
  readonly images: string[];
}

/** Reads a mail with Python's email package, which shares no line with what made it. */
export function readMail(path: string): ReadMail {
  return JSON.parse(execFileSync('python3', ['-c', READ, path], { encoding: 'utf8' })) as ReadMail;
}
