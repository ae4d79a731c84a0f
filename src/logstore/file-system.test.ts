import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { FaultyFileSystem } from './faulty-fs.ts'
import type { FileSystem } from './file-system.ts'
import { MemoryFileSystem } from './memory-fs.ts'
import { NodeFileSystem } from './node-fs.ts'

const scratch = mkdtempSync(join(tmpdir(), 'sluice-fs-'))
afterAll(() => rmSync(scratch, { recursive: true, force: true }))

let directories = 0
const kinds: [string, () => { fs: FileSystem; directory: string }][] = [
  ['node', () => ({ fs: new NodeFileSystem(), directory: join(scratch, `d${directories++}`) })],
  ['memory', () => ({ fs: new MemoryFileSystem(), directory: '/data' })],
  ['faulty without faults', () => ({ fs: new FaultyFileSystem(new MemoryFileSystem()), directory: 'data' })],
]

function setUp(make: () => { fs: FileSystem; directory: string }) {
  const { fs, directory } = make()
  fs.makeDirectory(directory)
  return { fs, directory }
}

function code(action: () => unknown): string | undefined {
  try {
    action()
  } catch (error) {
    return (error as { code?: string }).code
  }
  return undefined
}

function textOf(fs: FileSystem, path: string): string {
  const file = fs.open(path, 'read')
  const target = Buffer.alloc(file.size())
  expect(file.read(target, 0, target.length, 0)).toBe(target.length)
  file.close()
  return target.toString('latin1')
}

describe.each(kinds)('the %s file system', (_name, make) => {
  it('reads back what was written, at any position, in one buffer or many', async () => {
    const { fs, directory } = setUp(make)
    const file = fs.open(`${directory}/a`, 'create')
    file.write([Buffer.from('hello')], 0)
    file.write([Buffer.from(' '), Buffer.alloc(0), Buffer.from('world')], 5)
    const many = Array.from({ length: 3000 }, (_, i) => Buffer.from(String(i % 10)))
    file.write(many, 11)
    expect(file.size()).toBe(3011)
    const target = Buffer.alloc(20)
    expect(file.read(target, 2, 8, 3)).toBe(8)
    expect(target.toString('latin1', 2, 10)).toBe('lo world')
    expect(file.read(target, 0, 20, 3000)).toBe(11)
    expect(await file.readAsync(target, 0, 20, 2996)).toBe(15)
    expect(target.toString('latin1', 0, 15)).toBe('567890123456789')
    expect(await file.readAsync(target.fill(0x2e), 3, 8, 3)).toBe(8)
    expect(target.toString('latin1', 0, 13)).toBe('...lo world..')
    await file.syncAsync()
    file.sync()
    file.close()
    file.close()
    expect(code(() => file.size())).toBe('EBADF')
  })

  it('lets others have their turn while someone reads on and on', async () => {
    const { fs, directory } = setUp(make)
    const file = fs.open(`${directory}/a`, 'create')
    file.write([Buffer.alloc(8192)], 0)
    let isOthersTurn = false
    setImmediate(() => {
      isOthersTurn = true
    })
    const target = Buffer.alloc(8192)
    for (let i = 0; i < 200; i++) await file.readAsync(target, 0, target.length, 0)
    // What is in memory needs no turn of its own.
    expect(isOthersTurn).toBe(fs instanceof NodeFileSystem)
    file.close()
  })

  it('fills what lies between the end and a later write with zeros, and cuts and grows by truncate', () => {
    const { fs, directory } = setUp(make)
    const file = fs.open(`${directory}/a`, 'create')
    file.write([Buffer.from('abcdef')], 0)
    file.truncate(3)
    file.truncate(70_000)
    file.write([Buffer.from('z')], 140_000)
    expect(file.size()).toBe(140_001)
    const target = Buffer.alloc(140_001, 1)
    expect(file.read(target, 0, target.length, 0)).toBe(140_001)
    expect(target.subarray(0, 4)).toEqual(Buffer.from('abc\0'))
    expect(target.subarray(4, 140_000).every((byte) => byte === 0)).toBe(true)
    file.close()
  })

  it('names files: lists sorted, renames over an existing file, removes; an open file outlives its name', () => {
    const { fs, directory } = setUp(make)
    for (const name of ['b', 'a']) fs.open(`${directory}/${name}`, 'create').close()
    const file = fs.open(`${directory}/b`, 'write')
    file.write([Buffer.from('kept')], 0)
    fs.rename(`${directory}/b`, `${directory}/c`)
    fs.rename(`${directory}/c`, `${directory}/a`)
    expect(fs.readDirectory(directory)).toEqual(['a'])
    fs.makeDirectory(`${directory}/x/y`)
    fs.makeDirectory(`${directory}/x/y`)
    fs.rename(`${directory}/x`, `${directory}/w`)
    fs.open(`${directory}/w/y/f`, 'create').close()
    expect(fs.readDirectory(directory)).toEqual(['a', 'w'])
    expect(fs.stat(`${directory}/w`).isDirectory).toBe(true)
    expect(fs.stat(`${directory}/a`)).toMatchObject({ size: 4, isDirectory: false })
    fs.removeFile(`${directory}/a`)
    fs.removeDirectory(`${directory}/w`)
    fs.removeDirectory(`${directory}/w`)
    fs.syncDirectory(directory)
    expect(fs.readDirectory(directory)).toEqual([])
    const target = Buffer.alloc(4)
    expect(file.read(target, 0, 4, 0)).toBe(4)
    expect(target.toString()).toBe('kept')
    file.close()
  })

  it('fails with the code of the operating system', () => {
    const { fs, directory } = setUp(make)
    expect(code(() => fs.open(`${directory}/none`, 'read'))).toBe('ENOENT')
    expect(code(() => fs.open(`${directory}/no/where`, 'write'))).toBe('ENOENT')
    expect(code(() => fs.stat(`${directory}/none`))).toBe('ENOENT')
    expect(code(() => fs.removeFile(`${directory}/none`))).toBe('ENOENT')
    expect(code(() => fs.rename(`${directory}/none`, `${directory}/b`))).toBe('ENOENT')
    expect(code(() => fs.readDirectory(`${directory}/none`))).toBe('ENOENT')
    fs.open(`${directory}/file`, 'create').close()
    expect(code(() => fs.makeDirectory(`${directory}/file/x`))).toBe('ENOTDIR')
    const file = fs.open(`${directory}/file`, 'read')
    expect(code(() => file.write([Buffer.from('x')], 0))).toBe('EBADF')
    file.close()
  })

  it('locks a file once until it is released', () => {
    const { fs, directory } = setUp(make)
    const lock = fs.lock(`${directory}/.lock`)
    expect(lock).toBeDefined()
    expect(fs.lock(`${directory}/.lock`)).toBeUndefined()
    lock?.release()
    lock?.release()
    const again = fs.lock(`${directory}/.lock`)
    expect(again).toBeDefined()
    again?.release()
  })

  it('a read under way when the file is closed still completes', async () => {
    const { fs, directory } = setUp(make)
    const file = fs.open(`${directory}/a`, 'create')
    file.write([Buffer.from('content')], 0)
    const target = Buffer.alloc(7)
    const reading = file.readAsync(target, 0, 7, 0)
    file.close()
    expect(await reading).toBe(7)
    expect(target.toString()).toBe('content')
  })
})

describe('the lock of the operating system', () => {
  it('is free at once after its holder was killed', async () => {
    const path = join(scratch, 'kill.lock')
    const child = spawn(
      process.execPath,
      [
        '--input-type=module',
        '-e',
        `import { NodeFileSystem } from ${JSON.stringify(new URL('./node-fs.ts', import.meta.url).href)}
         if (new NodeFileSystem().lock(${JSON.stringify(path)})) process.stdout.write('locked')
         process.stdin.resume()`,
      ],
      { stdio: ['pipe', 'pipe', 'inherit'] },
    )
    const said = await new Promise<string>((resolve) =>
      child.stdout.once('data', (data) => resolve(String(data))),
    )
    expect(said).toBe('locked')
    expect(new NodeFileSystem().lock(path)).toBeUndefined()
    const gone = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGKILL')
    await gone
    const lock = new NodeFileSystem().lock(path)
    expect(lock).toBeDefined()
    lock?.release()
  })
})

function seeded(seed: number) {
  let state = seed
  return {
    bytes(length: number): Buffer {
      const bytes = Buffer.alloc(length)
      for (let i = 0; i < length; i++) {
        state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
        bytes[i] = state >>> 16
      }
      return bytes
    },
  }
}

describe('a crash of the memory file system', () => {
  it('forgets bytes and names that were not synced', () => {
    const fs = new MemoryFileSystem()
    fs.makeDirectory('d')
    fs.syncDirectory('.')
    const file = fs.open('d/a', 'create')
    file.write([Buffer.from('synced')], 0)
    file.sync()
    fs.syncDirectory('d')
    file.write([Buffer.from(' lost')], 6)
    file.write([Buffer.from('S')], 0)
    fs.open('d/b', 'create').close()
    fs.rename('d/a', 'd/c')
    fs.crash()
    expect(fs.readDirectory('d')).toEqual(['a'])
    expect(textOf(fs, 'd/a')).toBe('synced')
    expect(code(() => file.write([Buffer.from('x')], 0))).toBe('EBADF')
  })

  it('brings a removed file back when the removal was not synced', () => {
    const fs = new MemoryFileSystem()
    const file = fs.open('a', 'create')
    file.write([Buffer.from('back')], 0)
    file.sync()
    fs.syncDirectory('.')
    fs.removeFile('a')
    fs.crash()
    expect(textOf(fs, 'a')).toBe('back')
    fs.removeFile('a')
    fs.syncDirectory('.')
    fs.crash()
    expect(fs.exists('a')).toBe(false)
  })

  it('does not count what was written while a sync was under way as synced', async () => {
    const fs = new MemoryFileSystem()
    const file = fs.open('a', 'create')
    fs.syncDirectory('.')
    file.write([Buffer.from('one')], 0)
    const syncing = file.syncAsync()
    file.write([Buffer.from('two')], 3)
    await syncing
    fs.crash()
    expect(textOf(fs, 'a')).toBe('one')
  })

  it('undoes a truncation that was not synced', () => {
    const fs = new MemoryFileSystem()
    const file = fs.open('a', 'create')
    fs.syncDirectory('.')
    file.write([Buffer.alloc(200_000, 'x')], 0)
    file.sync()
    file.truncate(10)
    file.write([Buffer.from('y')], 5)
    fs.crash()
    expect(textOf(fs, 'a')).toBe('x'.repeat(200_000))
  })

  it('with a seed, leaves any part of what was not synced, and all of what was', () => {
    const outcomes = new Set<string>()
    for (let seed = 0; seed < 60; seed++) {
      const fs = new MemoryFileSystem()
      const file = fs.open('a', 'create')
      fs.syncDirectory('.')
      file.write([Buffer.alloc(1000, 's')], 0)
      file.sync()
      file.write([Buffer.alloc(3000, 'u')], 1000)
      fs.crash(seeded(seed))
      const text = textOf(fs, 'a')
      expect(text.slice(0, 1000)).toBe('s'.repeat(1000))
      expect(text.length).toBeGreaterThanOrEqual(1000)
      expect(text.length).toBeLessThanOrEqual(4000)
      outcomes.add(
        text.length === 1000 ? 'none' : text === `${'s'.repeat(1000)}${'u'.repeat(3000)}` ? 'all' : 'part',
      )
    }
    expect([...outcomes].sort()).toEqual(['all', 'none', 'part'])
  })

  it('a kill keeps everything written and frees the locks', () => {
    const fs = new MemoryFileSystem()
    fs.lock('l')
    const file = fs.open('a', 'create')
    file.write([Buffer.from('kept')], 0)
    fs.kill()
    expect(textOf(fs, 'a')).toBe('kept')
    expect(fs.lock('l')).toBeDefined()
    expect(code(() => file.size())).toBe('EBADF')
  })
})

describe('the faulty file system', () => {
  it('fails the chosen calls by operation and path, and no others', () => {
    const fs = new FaultyFileSystem(new MemoryFileSystem())
    const fault = fs.inject({
      operations: ['write'],
      path: /b$/,
      after: 1,
      times: 1,
      code: 'ENOSPC',
      partialBytes: 2,
    })
    const a = fs.open('a', 'create')
    const b = fs.open('b', 'create')
    a.write([Buffer.from('fine')], 0)
    b.write([Buffer.from('fine')], 0)
    expect(code(() => b.write([Buffer.from('1'), Buffer.from('23')], 4))).toBe('ENOSPC')
    expect(textOf(fs, 'b')).toBe('fine12')
    b.write([Buffer.from('again')], 0)
    expect(fault.calls).toBe(3)
    fs.inject({ operations: ['create', 'rename'], code: 'EROFS' })
    expect(code(() => fs.open('c', 'write'))).toBe('EROFS')
    expect(code(() => fs.rename('a', 'c'))).toBe('EROFS')
    fs.clearFaults()
    fs.open('c', 'write').close()
  })

  it('holds asynchronous calls back until it is told to go on', async () => {
    const fs = new FaultyFileSystem(new MemoryFileSystem())
    const file = fs.open('a', 'create')
    const gate = Promise.withResolvers<void>()
    fs.inject({ operations: ['sync', 'read'], until: gate.promise })
    let synced = false
    const syncing = file.syncAsync().then(() => {
      synced = true
    })
    await Promise.resolve()
    expect(synced).toBe(false)
    gate.resolve()
    await syncing
    fs.clearFaults()
    fs.inject({ operations: ['read'], code: 'EIO' })
    await expect(file.readAsync(Buffer.alloc(1), 0, 1, 0)).rejects.toMatchObject({ code: 'EIO' })
  })
})
