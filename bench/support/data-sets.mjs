import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { list } from './figures.mjs'
import { scratch } from './process.mjs'

const packages = join(scratch, 'node_modules')
const read = (path) => JSON.parse(readFileSync(join(packages, path), 'utf8'))

/** Every feature in a tree of them. */
const features = (node) =>
  Object.entries(node).flatMap(([name, child]) =>
    name === '__compat' || typeof child !== 'object' || child === null
      ? []
      : child.__compat
        ? [child]
        : features(child),
  )

const perLocale = (folder, path) =>
  readdirSync(join(packages, folder)).flatMap((locale) => {
    try {
      return [read(join(folder, locale, path))]
    } catch {
      return []
    }
  })

function precipitation() {
  const { values, width } = read('vega-datasets/data/annual-precip.json')
  return list(values.length / width, (at) => values.slice(at * width, (at + 1) * width))
}

/** Public JSON by name: the package, the shape of a row, and the rows as an API would answer them. */
export const dataSets = {
  countries: ['world-countries', 'nested records', () => read('world-countries/countries.json')],
  'browser features': [
    '@mdn/browser-compat-data',
    'deep trees',
    () => features(read('@mdn/browser-compat-data/data.json')),
  ],
  movies: ['vega-datasets', 'flat records', () => read('vega-datasets/data/movies.json')],
  precipitation: ['vega-datasets', 'long arrays of integers', precipitation],
  borders: ['world-atlas', 'pairs of integers', () => read('world-atlas/countries-50m.json').arcs],
  coastlines: [
    '@geo-maps/countries-land-10km',
    'pairs of doubles',
    () =>
      read('@geo-maps/countries-land-10km/map.geo.json').features.flatMap(
        ({ geometry }) => geometry.coordinates,
      ),
  ],
  emoji: [
    'emojibase-data',
    'short texts in 25 languages',
    () => perLocale('emojibase-data', 'data.json').flat(),
  ],
  languages: [
    'cldr-localenames-full',
    'tables of hundreds of keys, in all scripts',
    () => perLocale('cldr-localenames-full/main', 'languages.json'),
  ],
  licences: [
    'spdx-license-list',
    'long strings',
    () => Object.values(read('spdx-license-list/spdx-full.json')),
  ],
  'media types': ['mime-db', 'small records', () => Object.values(read('mime-db/db.json'))],
}

/** The rows of a data set as JSON texts. */
export const textsOf = (name) => dataSets[name][2]().map((row) => JSON.stringify(row))
