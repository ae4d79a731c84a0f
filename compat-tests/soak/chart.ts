/** Samples over time, as a picture. */
import type { Sample, Series } from './sampler.ts'

interface Panel {
  readonly title: string
  readonly unit: string
  /** What a unit is in the samples' own. */
  readonly scale: number
  readonly lines: readonly { readonly series: Series; readonly name: string }[]
}

const MB = 2 ** 20
const PANELS: readonly Panel[] = [
  {
    title: 'Memory',
    unit: 'MB',
    scale: MB,
    lines: [
      { series: 'residentBytes', name: 'resident' },
      { series: 'heapUsedBytes', name: 'heap' },
      { series: 'externalBytes', name: 'buffers' },
    ],
  },
  {
    title: 'Open',
    unit: '',
    scale: 1,
    lines: [
      { series: 'descriptors', name: 'descriptors' },
      { series: 'connections', name: 'connections' },
      { series: 'fetchSessions', name: 'fetch sessions' },
    ],
  },
  {
    title: 'Coordinated',
    unit: '',
    scale: 1,
    lines: [
      { series: 'timers', name: 'timers' },
      { series: 'groups', name: 'groups' },
      { series: 'transactionalIds', name: 'transactional ids' },
    ],
  },
  { title: 'Disk', unit: 'MB', scale: MB, lines: [{ series: 'diskBytes', name: 'files' }] },
  {
    title: 'Latency of a probe, p99',
    unit: 'ms',
    scale: 1,
    lines: [
      { series: 'produceP99Ms', name: 'Produce' },
      { series: 'fetchP99Ms', name: 'Fetch' },
    ],
  },
  {
    title: 'CPU of the broker',
    unit: 'cores',
    scale: 1,
    lines: [{ series: 'cores', name: 'all its threads' }],
  },
]
const COLORS = ['#2a7f62', '#c0562f', '#4a6fa5']
const PX = { width: 400, height: 130, left: 60, top: 46, rowGap: 90, columnGap: 90 }
const COLUMNS = 2
const QUARTERS = 4

/** Counts from zero on; the dashes part the quarters of which the second and the last are compared. */
export function soakChart(samples: readonly Sample[]): string {
  const rows = Math.ceil(PANELS.length / COLUMNS)
  const width = PX.left + COLUMNS * (PX.width + PX.columnGap)
  const height = PX.top + rows * (PX.height + PX.rowGap)
  const minutes = (samples.at(-1)?.seconds ?? 0) / 60
  const panels = PANELS.map((panel, index) => {
    const x = PX.left + (index % COLUMNS) * (PX.width + PX.columnGap)
    const y = PX.top + Math.floor(index / COLUMNS) * (PX.height + PX.rowGap)
    return `<g transform="translate(${x} ${y})">${drawn(panel, samples, minutes)}</g>`
  })
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" font-family="sans-serif" font-size="12" role="img">`,
    '<title>Memory, descriptors, disk and latency of a broker under mixed load over time</title>',
    '<rect width="100%" height="100%" fill="white"/>',
    ...panels,
    '</svg>',
    '',
  ].join('\n')
}

function drawn({ title, unit, scale, lines }: Panel, samples: readonly Sample[], minutes: number): string {
  const { width, height } = PX
  const highest = Math.max(
    ...samples.flatMap((sample) => lines.map(({ series }) => sample[series] / scale)),
    1e-9,
  )
  const point = (sample: Sample, series: Series) =>
    `${((width * sample.seconds) / 60 / minutes).toFixed(1)},${(height * (1 - sample[series] / scale / highest)).toFixed(1)}`
  const curves = lines.map(({ series, name }, index) => {
    const color = COLORS[index]!
    const points = samples.map((sample) => point(sample, series)).join(' ')
    return (
      `<polyline points="${points}" fill="none" stroke="${color}" stroke-width="1.5"/>` +
      `<text x="${index * 120}" y="-8" fill="${color}">${name}</text>`
    )
  })
  const quarters = Array.from({ length: QUARTERS - 1 }, (_, index) => {
    const x = (width * (index + 1)) / QUARTERS
    return `<line x1="${x}" x2="${x}" y1="0" y2="${height}" stroke="#bbb" stroke-dasharray="3 4"/>`
  })
  return [
    `<text x="0" y="-26" font-weight="bold">${title}${unit === '' ? '' : ` (${unit})`}</text>`,
    ...quarters,
    `<path d="M0 0V${height}H${width}" fill="none" stroke="#999"/>`,
    `<text x="-6" y="10" text-anchor="end">${highest.toFixed(highest < 10 ? 2 : 0)}</text>`,
    `<text x="-6" y="${height}" text-anchor="end">0</text>`,
    `<text x="${width}" y="${height + 16}" text-anchor="end">${minutes.toFixed(minutes < 5 ? 1 : 0)} min</text>`,
    ...curves,
  ].join('')
}
