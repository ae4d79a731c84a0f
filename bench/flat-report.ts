/** Costs over sizes: a table, a picture, and the place that they have on a page. */

export interface Curve {
  readonly name: string
  /** From the smallest count on. */
  readonly points: readonly { readonly count: number; readonly micros: number }[]
}

/** What a request may cost at the largest size, as a multiple of what it costs at the smallest. */
const FLAT = 1.3

/** The highest cost as a multiple of that at the smallest size. */
export function growth({ points }: Curve): number {
  return Math.max(...points.map(({ micros }) => micros)) / points[0]!.micros
}

export function flatTable(curves: readonly Curve[]): string {
  const lines = curves.map((curve) => {
    const costs = curve.points.map(
      ({ count, micros }) => `${micros.toFixed(1)} (${count.toLocaleString('en')})`,
    )
    const verdict = growth(curve) <= FLAT ? 'reached' : 'missed'
    return `| ${[curve.name, ...costs, growth(curve).toFixed(2), `≤ ${FLAT}`, verdict].join(' | ')} |`
  })
  return [
    '| CPU µs of a request (at how many) | smallest | | largest | growth | target | |',
    '|---|---:|---:|---:|---:|---:|---:|',
    ...lines,
  ].join('\n')
}

const PANEL_PX = { width: 300, height: 180, left: 60, top: 40, gap: 60 }
const COLORS = ['#2a7f62', '#c0562f']

/** A panel for each pair of curves; counts are spread evenly, costs from zero on. */
export function chart(curves: readonly Curve[]): string {
  const { width, height, left, top, gap } = PANEL_PX
  const highest = Math.max(...curves.flatMap(({ points }) => points.map(({ micros }) => micros))) * 1.15
  const y = (micros: number) => (top + height * (1 - micros / highest)).toFixed(1)
  const parts = curves.map((curve, index) => {
    const panel = left + (index >> 1) * (width + gap)
    const x = (place: number) => panel + (width * (place + 0.5)) / curve.points.length
    const color = COLORS[index % 2]!
    const line = curve.points.map(({ micros }, place) => `${x(place)},${y(micros)}`).join(' ')
    const marks = curve.points.map(({ count, micros }, place) =>
      [
        `<circle cx="${x(place)}" cy="${y(micros)}" r="3.5" fill="${color}"/>`,
        `<text x="${x(place)}" y="${Number(y(micros)) - 8}" text-anchor="middle">${micros.toFixed(0)}</text>`,
        `<text x="${x(place)}" y="${top + height + 18}" text-anchor="middle">${count.toLocaleString('en')}</text>`,
      ].join(''),
    )
    return [
      `<line x1="${panel}" x2="${panel + width}" y1="${top + height}" y2="${top + height}" stroke="#999"/>`,
      `<text x="${panel}" y="${18 + (index % 2) * 16}" fill="${color}">${curve.name}</text>`,
      `<polyline points="${line}" fill="none" stroke="${color}" stroke-width="2"/>`,
      ...marks,
    ].join('')
  })
  const panels = Math.ceil(curves.length / 2)
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${left + panels * (width + gap)}" height="${top + height + 50}" font-family="sans-serif" font-size="12" role="img">`,
    '<title>What a request costs over the number of partitions and of connections</title>',
    '<rect width="100%" height="100%" fill="white"/>',
    ...parts,
    `<text x="${left}" y="${top + height + 40}" fill="#555">CPU µs of the broker for one request</text>`,
    '</svg>',
    '',
  ].join('\n')
}

/** Puts `content` between the marks `<!-- name -->` and `<!-- /name -->` of a page, which has to have both. */
export function replaceSection(page: string, name: string, content: string): string {
  const begin = `<!-- ${name} -->`
  const end = `<!-- /${name} -->`
  const from = page.indexOf(begin)
  const to = page.indexOf(end)
  if (from < 0 || to < from) throw new Error(`the page has no section ${name}`)
  return `${page.slice(0, from + begin.length)}\n${content}\n${page.slice(to)}`
}
