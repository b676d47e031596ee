import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Item } from '../../src/agent/item.ts';
import { Spool } from '../../src/agent/spool.ts';
import { temporaryFolder } from './support/agents.ts';

let folder: ReturnType<typeof temporaryFolder>;
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(() => folder.remove());

const open = (source = 'a source', most = 1e9) => Spool.open(folder.path, source, most);

function rows(name: string, kind: Item['kind'] = 'rows', parts = 1): Item {
  const of = (i: number) => ({ id: `${name}.${i}`, bytes: Buffer.from([0, 10, i, 255]), rows: 2 });
  return {
    ...{ kind, position: name, parts: Array.from({ length: parts }, (_, i) => of(i)) },
    step: { snapshot: name },
  };
}

describe('the spool', () => {
  it('keeps every byte of a batch, also across a restart', async () => {
    await (await open()).add(rows('one', 'rows', 3));
    const spool = await open();
    const first = await spool.first();
    expect(first?.item).toEqual(rows('one', 'rows', 3));
    expect(spool.readPlace.snapshot).toBe('one');
    expect(spool.state.place.snapshot).toBeNull();
  });

  it('holds the same batches in order whenever the process ends between two steps', async () => {
    const steps = fc.array(fc.constantFrom('add', 'accept', 'restart'), { maxLength: 25 });
    await fc.assert(
      fc.asyncProperty(steps, async (deeds) => {
        const own = temporaryFolder();
        try {
          let spool = await Spool.open(own.path, 's', 1e9);
          const model: string[] = [];
          let made = 0;
          let accepted: string | null = null;
          for (const deed of deeds) {
            if (deed === 'add') {
              const name = `batch ${++made}`;
              await spool.add(rows(name));
              model.push(name);
            } else if (deed === 'restart') {
              spool = await Spool.open(own.path, 's', 1e9);
            } else {
              const first = await spool.first();
              expect(first?.item.position).toBe(model[0]);
              if (first === null) continue;
              await spool.acceptPart(first, null);
              accepted = model.shift() as string;
            }
            expect(spool.waiting).toBe(model.length);
            expect(spool.state.place.snapshot).toBe(accepted);
            expect(spool.readPlace.snapshot).toBe(model.at(-1) ?? accepted);
          }
        } finally {
          own.remove();
        }
      }),
      { numRuns: 25 },
    );
  });

  it('does not send again what was accepted when only its removal was cut off', async () => {
    const spool = await open();
    await spool.add(rows('one'));
    await spool.add(rows('two'));
    const path = join(folder.path, readdirSync(folder.path).sort()[0]);
    const bytes = readFileSync(path);
    await spool.acceptPart((await spool.first())!, null);
    writeFileSync(path, bytes);
    const after = await open();
    expect((await after.first())?.item.position).toBe('two');
    expect(after.waiting).toBe(1);
  });

  it('remembers which parts of a batch were accepted', async () => {
    const spool = await open();
    await spool.add(rows('one', 'rows', 2));
    await spool.acceptPart((await spool.first())!, null);
    const after = await open();
    expect(after.state).toMatchObject({ parts: 1, sequence: 0, accepted: { rows: 2, batches: 1 } });
    await after.acceptPart((await after.first())!, null);
    expect(after.state).toMatchObject({ parts: 0, sequence: 1, accepted: { rows: 4, batches: 2 } });
  });

  it('loses nothing that is added while the oldest is being accepted', async () => {
    const spool = await open();
    await spool.add(rows('one'));
    const first = await spool.first();
    await Promise.all([spool.acceptPart(first!, null), spool.add(rows('two'))]);
    expect((await spool.first())?.item.position).toBe('two');
    expect((await (await open()).first())?.item.position).toBe('two');
  });

  it('sends no snapshot that is not whole, and forgets it with the process that read it', async () => {
    const spool = await open();
    spool.hold();
    await spool.add(rows('begin', 'mirror_begin'));
    await spool.add(rows('rows', 'mirror_rows'));
    expect(await spool.first()).toBeNull();
    expect((await open()).waiting).toBe(0);
    expect(readdirSync(folder.path)).toEqual([]);
  });

  it('takes back a snapshot, and drops one that Daybook no longer knows', async () => {
    const spool = await open();
    spool.hold();
    await spool.add(rows('begin', 'mirror_begin'));
    await spool.takeBack();
    expect(spool.waiting).toBe(0);
    spool.hold();
    for (const kind of ['mirror_begin', 'mirror_rows', 'mirror_commit'] as const) {
      await spool.add(rows(kind, kind));
    }
    spool.release();
    await spool.acceptPart((await spool.first())!, 'snapshot 1');
    expect((await open()).state.snapshot).toBe('snapshot 1');
    await spool.dropMirror();
    expect(spool.waiting).toBe(0);
    expect(spool.readPlace.snapshot).toBe('mirror_begin');
    await spool.add(rows('next'));
    expect((await (await open()).first())?.item.position).toBe('next');
  });

  it('is not opened for another source, and says which folder is meant', async () => {
    const spool = await open();
    await spool.add(rows('one'));
    await spool.acceptPart((await spool.first())!, null);
    await expect(open('another')).rejects.toThrow(/state\.json is of another source/);
  });

  it('is full at its bound, and has room again when something was accepted', async () => {
    const spool = await open('a source', 100);
    await spool.add(rows('one'));
    await spool.add(rows('two'));
    expect(spool.isFull).toBe(true);
    await spool.acceptPart((await spool.first())!, null);
    await spool.acceptPart((await spool.first())!, null);
    expect(spool.isFull).toBe(false);
    expect(spool.bytes).toBe(0);
  });
});
