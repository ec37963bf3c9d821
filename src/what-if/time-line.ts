/**
 * How many points a time line has at most
 */
const POINTS = 240

/**
 * What happened in some time
 */
export interface TimeLinePoint {
  /** When it begins, in ms since 1970 */
  time: number

  /** How many streams were open at most */
  streams: number

  /** How many connections were open at most */
  conns: number

  /** The most memory that was reserved at a time, in bytes */
  memory: number

  /** How much was refused by the limits that are tried out */
  refused: number

  /** How much was refused when the trace was recorded */
  recorded: number
}

/**
 * What happened over time, in a bounded number of points: when there is no room for more, each
 * two become one.
 */
export class TimeLine {
  #points: TimeLinePoint[] = []
  #begin?: number
  #width = 100
  readonly #held = { streams: 0, conns: 0, memory: 0 }

  /** How much time a point has, in ms */
  get width (): number {
    return this.#width
  }

  /**
   * The system holds this much now
   */
  hold (time: number, field: 'streams' | 'conns' | 'memory', value: number): void {
    this.#held[field] = value

    const point = this.#at(time)

    point[field] = Math.max(point[field], value)
  }

  count (time: number, field: 'refused' | 'recorded', count = 1): void {
    this.#at(time)[field] += count
  }

  list (): TimeLinePoint[] {
    return this.#points.map(point => ({ ...point }))
  }

  #at (time: number): TimeLinePoint {
    this.#begin ??= time

    let index = Math.floor((time - this.#begin) / this.#width)

    while (index >= POINTS) {
      this.#halve()
      index = Math.floor((time - this.#begin) / this.#width)
    }

    while (this.#points.length <= index) {
      this.#points.push({ time: this.#begin + this.#points.length * this.#width, ...this.#held, refused: 0, recorded: 0 })
    }

    return this.#points[index]
  }

  #halve (): void {
    const points = this.#points

    this.#width *= 2
    this.#points = points.filter((_, i) => i % 2 === 0).map((point, i) => {
      const other = points[2 * i + 1] ?? point

      return {
        time: point.time,
        streams: Math.max(point.streams, other.streams),
        conns: Math.max(point.conns, other.conns),
        memory: Math.max(point.memory, other.memory),
        refused: point.refused + (other === point ? 0 : other.refused),
        recorded: point.recorded + (other === point ? 0 : other.recorded)
      }
    })
  }
}
