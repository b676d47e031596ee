import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import asc from 'assemblyscript/asc';

/** `npm run kernel`: compiles the kernel and writes it, as text, where the product reads it. */

const FROM = fileURLToPath(new URL('kernel.ts', import.meta.url));
export const TO = fileURLToPath(new URL('../src/reports/kernel/kernel-bytes.ts', import.meta.url));

/** The module that {@link TO} should hold. @throws Error with what the compiler said */
export async function kernelSource() {
  const { error, stderr } = await asc.main(
    [
      ...[FROM, '--outFile', 'kernel.wasm', '-O3', '--runtime', 'stub', '--noAssert'],
      ...['--enable', 'simd', '--enable', 'bulk-memory'],
    ],
    {
      readFile: (name) => readOrNull(name),
      writeFile: (name, contents) => {
        if (name.endsWith('.wasm')) wasm = Buffer.from(contents);
      },
      listFiles: () => [],
    },
  );
  if (error) throw new Error(stderr.toString());
  const base64 = wasm.toString('base64');
  const lines = base64.match(/.{1,92}/g).map((line) => `  '${line}'`);
  return `/** Compiled from \`wasm/\` by \`npm run kernel\`; a test keeps the two equal. */\nexport const KERNEL_BASE64 =\n${lines.join(' +\n')};\n`;
}

let wasm = Buffer.alloc(0);

function readOrNull(name) {
  try {
    return readFileSync(name, 'utf8');
  } catch {
    return null;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(TO, await kernelSource());
