// The kafkajs side of the tests in which two independent implementations exchange records:
//   node kafkajs-codecs.js produce BOOTSTRAP TOPIC CODEC COUNT
//   node kafkajs-codecs.js consume BOOTSTRAP TOPIC COUNT
// Record n has the key `k<n>`, the header `n` = n and a value of its own (see content); `consume` prints one line with
// the number of records that came right, or fails on the first that did not.
import { crc32, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import kafkajs from 'kafkajs'
import lz4 from 'lz4-napi'
import snappyjs from 'snappyjs'

const { CompressionCodecs, CompressionTypes, Kafka, logLevel } = kafkajs

// kafkajs brings gzip only and lets an application add the others.
CompressionCodecs[CompressionTypes.Snappy] = () => ({
  compress: async ({ buffer }) => xerialFramed(buffer),
  decompress: async (buffer) => unsnap(buffer),
})
CompressionCodecs[CompressionTypes.LZ4] = () => ({
  compress: async ({ buffer }) => lz4.compressFrameSync(buffer),
  decompress: async (buffer) => lz4.decompressFrameSync(buffer),
})
CompressionCodecs[CompressionTypes.ZSTD] = () => ({
  compress: async ({ buffer }) => zstdCompressSync(buffer),
  decompress: async (buffer) => zstdDecompressSync(buffer),
})

// Java's clients frame snappy as the xerial library does: a magic, two versions, then blocks with their lengths.
const XERIAL = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00, 0, 0, 0, 1, 0, 0, 0, 1])
const XERIAL_BLOCK_BYTES = 32 * 1024

function xerialFramed(buffer) {
  const parts = [XERIAL]
  for (let at = 0; at < buffer.length; at += XERIAL_BLOCK_BYTES) {
    const block = Buffer.from(snappyjs.compress(buffer.subarray(at, at + XERIAL_BLOCK_BYTES)))
    const length = Buffer.alloc(4)
    length.writeUInt32BE(block.length)
    parts.push(length, block)
  }
  return Buffer.concat(parts)
}

function unsnap(buffer) {
  if (!buffer.subarray(0, 8).equals(XERIAL.subarray(0, 8))) return Buffer.from(snappyjs.uncompress(buffer))
  const parts = []
  for (let at = 16; at < buffer.length; ) {
    const length = buffer.readUInt32BE(at)
    parts.push(Buffer.from(snappyjs.uncompress(buffer.subarray(at + 4, at + 4 + length))))
    at += 4 + length
  }
  return Buffer.concat(parts)
}

// From one byte to a few hundred thousand, partly compressible; the same in every language of these tests.
function content(n) {
  if (n % 50 === 49) return 'x'.repeat(300_000)
  const word = crc32(`record ${n}`).toString(16).padStart(8, '0')
  return word.repeat(1 + (n % 40))
}

function client(bootstrap) {
  return new Kafka({ brokers: [bootstrap], clientId: 'cross', logLevel: logLevel.ERROR })
}

async function produce(bootstrap, topic, codec, count) {
  const compression = { none: 0, gzip: 1, snappy: 2, lz4: 3, zstd: 4 }[codec]
  if (compression === undefined) throw new Error(`no such codec: ${codec}`)
  const producer = client(bootstrap).producer()
  await producer.connect()
  for (let from = 0; from < count; from += 25) {
    const messages = []
    for (let n = from; n < Math.min(count, from + 25); n++) {
      messages.push({ key: `k${n}`, value: content(n), partition: 0, headers: { n: String(n) } })
    }
    await producer.send({ topic, compression, messages })
  }
  await producer.disconnect()
}

async function consume(bootstrap, topic, count) {
  const consumer = client(bootstrap).consumer({ groupId: `cross-${topic}` })
  await consumer.connect()
  await consumer.subscribe({ topics: [topic], fromBeginning: true })
  let next = 0
  const { promise, resolve, reject } = Promise.withResolvers()
  const giveUp = setTimeout(() => reject(new Error(`${next} of ${count} records came`)), 60_000)
  await consumer.run({
    eachMessage: async ({ message }) => {
      if (next === count) return
      const right =
        message.offset === String(next) &&
        message.key?.toString() === `k${next}` &&
        message.headers?.n?.toString() === String(next) &&
        message.value?.toString() === content(next)
      if (!right) reject(new Error(`record ${next} came as offset ${message.offset}, key ${message.key}`))
      if (++next === count) resolve()
    },
  })
  await promise
  clearTimeout(giveUp)
  await consumer.disconnect()
  console.log(`${next}`)
}

const [action, bootstrap, topic, ...rest] = process.argv.slice(2)
try {
  if (action === 'produce') await produce(bootstrap, topic, rest[0], Number(rest[1]))
  else if (action === 'consume') await consume(bootstrap, topic, Number(rest[0]))
  else throw new Error(`no such action: ${action}`)
  process.exit(0)
} catch (e) {
  console.error(e)
  process.exit(1)
}
