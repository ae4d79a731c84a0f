// Makes dist: the declarations by the compiler, which checks all types on the way, and the program joined into a few
// files, which start in half the time of some three hundred. Plain JavaScript, so that it runs on whatever Node `npm ci`
// was called with.
import { spawnSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'rolldown'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
rmSync(join(root, 'dist'), { recursive: true, force: true })
const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
const { status } = spawnSync(process.execPath, [tsc, '-p', join(root, 'tsconfig.build.json')], {
  stdio: 'inherit',
})
if (status !== 0) process.exit(status ?? 1)

// All lie side by side in dist: what is found relative to `import.meta.url` lies one folder up, as it does from src.
await build({
  cwd: root,
  input: {
    main: 'src/main.ts',
    index: 'src/index.ts',
    // A thread begins with a file of its own, which WorkerRunner names.
    'cleaner-worker': 'src/logstore/compaction/cleaner-worker.ts',
  },
  platform: 'node',
  // What comes from npm stays what npm installed; parts of it are native and most of it is loaded when it is needed.
  external: (id) => /^[^./]/.test(id) && !id.startsWith(root),
  output: {
    dir: 'dist',
    format: 'esm',
    entryFileNames: '[name].js',
    chunkFileNames: ({ isDynamicEntry }) => (isDynamicEntry ? '[name].js' : 'program-[hash].js'),
  },
  checks: { ineffectiveDynamicImport: false },
})
