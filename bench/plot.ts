/**
 * One diagram of several, with the same sizes on its horizontal axis
 */
export interface Panel {
  title: string
  lines: Array<{ name: string, values: number[] }>
}

const WIDTH = 380
const HEIGHT = 240
const LEFT = 50
const RIGHT = 120
const TOP = 34
const BOTTOM = 34
const COLOURS = ['#0b6e99', '#c2410c', '#4d7c0f', '#7e22ce', '#b91c1c']

/**
 * The distance between two names at the end of lines
 */
const LINE_HEIGHT = 13
const STEPS = [1, 2, 2.5, 5, 10]

/**
 * A round number that is not less
 */
function roundUp (value: number): number {
  const power = 10 ** Math.floor(Math.log10(value))

  return power * (STEPS.find(step => step * power >= value) ?? 10)
}

function text (x: number, y: number, content: string, attributes = ''): string {
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" ${attributes}>${content.replace(/&/g, '&amp;').replace(/</g, '&lt;')}</text>`
}

function drawPanel ({ lines, title }: Panel, sizes: number[]): string {
  const top = roundUp(Math.max(...lines.flatMap(({ values }) => values)))
  const [first, last] = [Math.log10(sizes[0]), Math.log10(sizes[sizes.length - 1])]
  const x = (size: number): number => LEFT + (WIDTH - LEFT - RIGHT) * (Math.log10(size) - first) / (last - first)
  const y = (value: number): number => HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * value / top
  const parts = [text(LEFT, 18, title, 'font-weight="bold"')]

  for (const share of [0, 0.25, 0.5, 0.75, 1]) {
    const at = y(share * top)

    parts.push(`<path d="M${LEFT} ${at.toFixed(1)}H${WIDTH - RIGHT}" stroke="#ddd"/>`, text(LEFT - 6, at + 4, String(Number((share * top).toPrecision(3))), 'text-anchor="end"'))
  }

  sizes.forEach(size => { parts.push(text(x(size), HEIGHT - BOTTOM + 16, size.toLocaleString('en'), 'text-anchor="middle"')) })

  // names of lines that end in the same place must not be on top of one another
  let lowest = Infinity
  const ends = lines.map((line, i) => ({ ...line, colour: COLOURS[i], end: y(line.values[line.values.length - 1]) })).sort((a, b) => b.end - a.end)

  for (const { colour, end, name, values } of ends) {
    const points = values.map((value, i) => `${x(sizes[i]).toFixed(1)},${y(value).toFixed(1)}`)

    lowest = Math.min(end + 4, lowest - LINE_HEIGHT)
    parts.push(`<polyline points="${points.join(' ')}" fill="none" stroke="${colour}" stroke-width="2"/>`)
    parts.push(...points.map(point => `<circle cx="${point.split(',')[0]}" cy="${point.split(',')[1]}" r="3" fill="${colour}"/>`))
    parts.push(text(WIDTH - RIGHT + 8, lowest, name, `fill="${colour}"`))
  }

  return parts.join('\n')
}

/**
 * Diagrams in two columns, as SVG
 */
export function plot (panels: Panel[], sizes: number[]): string {
  const height = HEIGHT * Math.ceil(panels.length / 2)
  const drawn = panels.map((panel, i) => `<g transform="translate(${WIDTH * (i % 2)} ${HEIGHT * Math.floor(i / 2)})">\n${drawPanel(panel, sizes)}\n</g>`)

  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${2 * WIDTH} ${height}" font-family="sans-serif" font-size="11">
<rect width="100%" height="100%" fill="white"/>
${drawn.join('\n')}
</svg>
`
}
