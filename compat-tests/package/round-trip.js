// What an application does with a broker: one record there and back.
import assert from 'node:assert/strict'
import kafkajs from 'kafkajs'

export async function roundTrip(bootstrapServers) {
  const kafka = new kafkajs.Kafka({ brokers: [bootstrapServers], logLevel: kafkajs.logLevel.ERROR })
  const producer = kafka.producer()
  await producer.connect()
  await producer.send({ topic: 'email.send', messages: [{ key: 'user-1', value: 'welcome' }] })
  await producer.disconnect()

  const consumer = kafka.consumer({ groupId: 'mailer' })
  await consumer.connect()
  await consumer.subscribe({ topic: 'email.send', fromBeginning: true })
  const received = await new Promise((resolve, reject) => {
    consumer.run({ eachMessage: async ({ message }) => resolve(message) }).catch(reject)
  })
  assert.equal(received.key.toString(), 'user-1')
  assert.equal(received.value.toString(), 'welcome')
  await consumer.disconnect()
}
