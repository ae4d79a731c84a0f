/** An address in the form that sockets show, whichever way it was written; undefined for what is no address. */
export function canonicalIp(text: string): string | undefined {
  if (IPV4.test(text)) return text
  const inner = text.startsWith('[') && text.endsWith(']') ? text.slice(1, -1) : text
  if (!inner.includes(':') || !/^[\da-fA-F:.]+$/.test(inner)) return undefined
  const url = URL.parse(`http://[${inner}]`)
  if (url === null) return undefined
  const address = url.hostname.slice(1, -1)
  const mapped = MAPPED.exec(address)
  if (mapped === null) return address
  const [high, low] = [Number.parseInt(mapped[1]!, 16), Number.parseInt(mapped[2]!, 16)]
  return `${high >> 8}.${high & 0xff}.${low >> 8}.${low & 0xff}`
}

const IPV4 = /^(25[0-5]|2[0-4]\d|1?\d?\d)(\.(25[0-5]|2[0-4]\d|1?\d?\d)){3}$/
/** An IPv4 address within IPv6, which a socket of both families would show. */
const MAPPED = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/
