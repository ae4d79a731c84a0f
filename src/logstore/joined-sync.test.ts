import { describe, expect, it } from 'vitest'
import { FaultyFileSystem } from './faulty-fs.ts'
import { JoinedSync } from './joined-sync.ts'
import { MemoryFileSystem } from './memory-fs.ts'

function directory() {
  const memory = new MemoryFileSystem()
  memory.makeDirectory('d')
  memory.syncDirectory('')
  const fs = new FaultyFileSystem(memory)
  const make = (name: string) => fs.open(`d/${name}`, 'create').close()
  return { memory, fs, make, sync: new JoinedSync(fs, 'd') }
}

describe('a sync that is shared', () => {
  it('covers what was made before each call, in no more than two syncs for those that come at once', async () => {
    const { memory, fs, make, sync } = directory()
    const syncs = fs.inject({ operations: ['syncDirectory'] })
    const all: Promise<void>[] = []
    for (const name of ['a', 'b', 'c', 'd']) {
      make(name)
      all.push(sync.sync())
    }
    await Promise.all(all)
    expect(syncs.calls).toBe(2)
    memory.crash()
    expect(memory.readDirectory('d')).toEqual(['a', 'b', 'c', 'd'])
  })

  it('does not take a sync that began before the call for enough', async () => {
    const { fs, make, sync } = directory()
    const { promise: late, resolve: goOn } = Promise.withResolvers<void>()
    fs.inject({ operations: ['syncDirectory'], times: 1, until: late })
    make('a')
    const first = sync.sync()
    make('b')
    const second = sync.sync()
    fs.inject({ operations: ['syncDirectory'], code: 'EIO' })
    goOn()
    await first.catch(() => {})
    await expect(second).rejects.toThrow('EIO')
  })

  it('tells a failure to those whose sync it was, and the next call tries again', async () => {
    const { fs, make, sync } = directory()
    const fault = fs.inject({ operations: ['syncDirectory'], code: 'EIO', times: 1 })
    make('a')
    const first = sync.sync()
    const second = sync.sync()
    await expect(first).rejects.toThrow('EIO')
    await second
    expect(fault.calls).toBe(2)
  })
})
