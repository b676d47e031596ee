import { fail, type Json, objectAt } from './map-values.ts';

/** Maps for formats that many hold, by name. What stands beside `preset` counts instead of its own. */

const TIME = 'yyyy-MM-dd HH:mm:ss';

/** Asterisk's `Master.csv` (cdr_csv with uniqueid, userfield and what came after it). */
const ASTERISK: Json = {
  legs: true,
  zone: 'UTC',
  delimiter: ',',
  header: [
    ...['accountcode', 'src', 'dst', 'dcontext', 'clid', 'channel', 'dstchannel', 'lastapp'],
    ...['lastdata', 'start', 'answer', 'end', 'duration', 'billsec', 'disposition', 'amaflags'],
    ...['uniqueid', 'userfield', 'peeraccount', 'linkedid', 'sequence'],
  ],
  extra: ['clid', 'channel', 'accountcode'],
  fields: {
    call_id: 'linkedid',
    leg_id: { join: ['uniqueid', 'sequence'], with: '-' },
    leg_order: 'sequence',
    reached: 'dstchannel',
    started_at: { column: 'start', format: TIME },
    answered_at: {
      column: 'answer',
      format: TIME,
      when: { column: 'disposition', is: 'ANSWERED' },
    },
    ended_at: { column: 'end', format: TIME },
    direction: {
      column: 'dcontext',
      match: [
        ['^from-(pstn|trunk)', 'inbound'],
        ['', null],
      ],
    },
    caller: 'src',
    callee: 'dst',
    queue: {
      column: 'lastdata',
      when: { column: 'lastapp', is: 'Queue' },
      match: [['^([^,]+)', '$1']],
    },
    agent: {
      column: 'dstchannel',
      match: [
        ['^(?:PJ)?SIP/([^-]+)-', '$1'],
        ['^(?:Agent|IAX2|SCCP|DAHDI)/([^-]+)', '$1'],
        ['', null],
      ],
    },
    trunk: {
      column: 'channel',
      match: [
        ['^(?:PJ)?SIP/(.+)-[0-9a-f]+$', '$1'],
        ['', null],
      ],
    },
    disposition: {
      join: ['disposition', 'lastapp'],
      with: ' ',
      match: [
        ['^ANSWERED VoiceMail', 'voicemail'],
        ['^ANSWERED', 'answered'],
        ['^NO ANSWER', 'no_answer'],
        ['^BUSY', 'busy'],
        ['^(FAILED|CONGESTION)', 'failed'],
      ],
    },
    talk_seconds: 'billsec',
  },
};

/** FreeSWITCH's `cdr_csv` as its own template writes it. */
const FREESWITCH: Json = {
  legs: true,
  zone: 'UTC',
  delimiter: ',',
  header: [
    ...['caller_id_name', 'caller_id_number', 'destination_number', 'context', 'start_stamp'],
    ...['answer_stamp', 'end_stamp', 'duration', 'billsec', 'hangup_cause', 'uuid', 'bleg_uuid'],
    ...['accountcode', 'read_codec', 'write_codec'],
  ],
  extra: ['caller_id_name', 'context', 'hangup_cause', 'accountcode'],
  fields: {
    call_id: 'uuid',
    leg_id: { join: ['uuid', 'hangup_cause'], with: ' ' },
    leg_order: { value: 0 },
    joins: 'bleg_uuid',
    reached: 'destination_number',
    started_at: { column: 'start_stamp', formats: [TIME, 'yyyy/M/d H:mm'] },
    answered_at: { column: 'answer_stamp', formats: [TIME, 'yyyy/M/d H:mm'] },
    ended_at: { column: 'end_stamp', formats: [TIME, 'yyyy/M/d H:mm'] },
    caller: 'caller_id_number',
    callee: 'destination_number',
    agent: 'accountcode',
    disposition: {
      column: 'hangup_cause',
      match: [
        [
          '^(NORMAL_CLEARING|RECOVERY_ON_TIMER_EXPIRE|ATTENDED_TRANSFER|BLIND_TRANSFER)$',
          'answered',
        ],
        ['^(USER_BUSY|CALL_REJECTED)$', 'busy'],
        ['^(NO_ANSWER|NO_USER_RESPONSE|ALLOTTED_TIMEOUT)$', 'no_answer'],
        ['^(ORIGINATOR_CANCEL|LOSE_RACE|PICKED_OFF)$', 'abandoned'],
        ['', 'failed'],
      ],
    },
    talk_seconds: 'billsec',
  },
};

const PRESETS: Readonly<Record<string, Json>> = { asterisk: ASTERISK, freeswitch: FREESWITCH };
export const PRESET_NAMES = Object.keys(PRESETS);

/**
 * A map with its preset, if it names one, written out.
 * @throws DaybookError `E_MAP` for an unknown one
 */
export function expandPreset(map: Json): Json {
  const { preset: name, ...own } = map;
  if (name === undefined) return map;
  const preset = typeof name === 'string' && Object.hasOwn(PRESETS, name) ? PRESETS[name] : null;
  if (preset === null) return fail('preset', name, `one of ${PRESET_NAMES.join(', ')}`);
  const fields = own['fields'] === undefined ? {} : asObject('fields', own['fields']);
  return { ...preset, ...own, fields: { ...(preset['fields'] as Json), ...fields } };
}

function asObject(where: string, raw: unknown): Json {
  return objectAt(where, raw, Object.keys((raw ?? {}) as Json));
}
