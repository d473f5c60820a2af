import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Every node of a tree of records that has what a page would ask for. */
const features = (node) =>
  Object.entries(node).flatMap(([name, child]) =>
    name === '__compat' || typeof child !== 'object' || child === null
      ? []
      : child.__compat
        ? [child]
        : features(child),
  )

const perLocale = (folder, path) =>
  readdirSync(folder).flatMap((locale) => {
    try {
      return [JSON.parse(readFileSync(join(folder, locale, path), 'utf8'))]
    } catch {
      return []
    }
  })

const sliced = (values, length) =>
  Array.from({ length: values.length / length }, (_, at) =>
    values.slice(at * length, (at + 1) * length),
  )

/** Real public JSON, each row of it as an API would answer it. `read` is of the packages' folder. */
export const dataSets = [
  {
    name: 'countries',
    shape: 'nested records',
    source: 'world-countries',
    rowsOf: (read) => read('world-countries/countries.json'),
  },
  {
    name: 'browser features',
    shape: 'deep trees',
    source: '@mdn/browser-compat-data',
    rowsOf: (read) => features(read('@mdn/browser-compat-data/data.json')),
  },
  {
    name: 'movies',
    shape: 'flat records',
    source: 'vega-datasets',
    rowsOf: (read) => read('vega-datasets/data/movies.json'),
  },
  {
    name: 'precipitation',
    shape: 'long arrays of integers',
    source: 'vega-datasets',
    rowsOf: (read) => {
      const { values, width } = read('vega-datasets/data/annual-precip.json')
      return sliced(values, width)
    },
  },
  {
    name: 'borders',
    shape: 'pairs of integers',
    source: 'world-atlas',
    rowsOf: (read) => read('world-atlas/countries-50m.json').arcs,
  },
  {
    name: 'coastlines',
    shape: 'pairs of doubles',
    source: '@geo-maps/countries-land-10km',
    rowsOf: (read) =>
      read('@geo-maps/countries-land-10km/map.geo.json').features.flatMap(
        ({ geometry }) => geometry.coordinates,
      ),
  },
  {
    name: 'emoji',
    shape: 'short texts in 25 languages',
    source: 'emojibase-data',
    rowsOf: (_, folder) => perLocale(join(folder, 'emojibase-data'), 'data.json').flat(),
  },
  {
    name: 'languages',
    shape: 'tables of hundreds of keys, in all scripts',
    source: 'cldr-localenames-full',
    rowsOf: (_, folder) => perLocale(join(folder, 'cldr-localenames-full/main'), 'languages.json'),
  },
  {
    name: 'licences',
    shape: 'long strings',
    source: 'spdx-license-list',
    rowsOf: (read) => Object.values(read('spdx-license-list/spdx-full.json')),
  },
  {
    name: 'media types',
    shape: 'small records',
    source: 'mime-db',
    rowsOf: (read) => Object.values(read('mime-db/db.json')),
  },
]

/** The rows as JSON texts. */
export function textsOf({ rowsOf }, folder) {
  const read = (path) => JSON.parse(readFileSync(join(folder, path), 'utf8'))
  return rowsOf(read, folder).map((row) => JSON.stringify(row))
}
