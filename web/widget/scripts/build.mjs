// Builds the loader, who watches, the dialog, who shows calls, and what they say. What is imported has its content in its name: it is kept for ever.
import { build } from 'esbuild';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { brotliCompressSync, gzipSync } from 'node:zlib';

const common = { bundle: true, write: false, minify: true, target: ['es2022'], legalComments: 'none', charset: 'utf8' };
const made = async (entry, format, plugins = [], define = {}) => {
  const { outputFiles } = await build({ ...common, entryPoints: [`src/${entry}.ts`], format, plugins, define });
  return outputFiles[0].text;
};

/** A style sheet as text, made small. */
const styles = {
  name: 'styles',
  setup(on) {
    on.onLoad({ filter: /\.css$/ }, async ({ path }) => {
      const { outputFiles } = await build({ entryPoints: [path], minify: true, write: false, charset: 'utf8' });
      return { contents: `export default ${JSON.stringify(outputFiles[0].text.trim())}`, loader: 'js' };
    });
  },
};

rmSync('dist', { recursive: true, force: true });
mkdirSync('dist');
const named = (name, text) => {
  const file = `${name}-${createHash('sha256').update(text).digest('hex').slice(0, 10)}.js`;
  writeFileSync(`dist/${file}`, text);
  writeFileSync(`dist/${file}.gz`, gzipSync(text, { level: 9 }));
  writeFileSync(`dist/${file}.br`, brotliCompressSync(text));
  return file;
};

const at = (name) => `/w/a/${name}`;
/** What is said in a language; it knows the file that shows calls in it. */
const words = async (language) => {
  const call = named(`call.${language}`, await made(`call.${language}`, 'esm', [styles]));
  return named(language, await made(language, 'esm', [], { CALL: JSON.stringify(at(call)) }));
};

const files = { watch: named('watch', await made('watch', 'esm')), dialog: named('dialog', await made('dialog', 'esm', [styles])), ru: await words('ru'), en: await words('en') };
writeFileSync('dist/loader.js', await made('loader', 'iife', [styles]));
writeFileSync('dist/files.json', JSON.stringify(files));
const preview = named('preview', await made('preview', 'esm', [styles]));
writeFileSync('dist/preview.html', `<!doctype html><html><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>CallBack</title><body><script type="module" src="${at(preview)}" data-dialog="${at(files.dialog)}" data-ru="${at(files.ru)}" data-en="${at(files.en)}"></script></body></html>`);
const size = (file) => gzipSync(readFileSync(`dist/${file}`), { level: 9 }).length;
for (const file of readdirSync('dist').filter((file) => file.endsWith('.js'))) console.log(`${file}: ${size(file)} bytes gz`);
