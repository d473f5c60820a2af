import { test } from 'node:test'
import { consumerOf, copyInto, manifest } from './install.mjs'
import { chromium } from './runtimes/chromium.mjs'
import { conform } from './runtimes/conform.mjs'
import { denoUnpermitted } from './runtimes/deno.mjs'
import { cloudFunctions, lambda } from './runtimes/node-hosts.mjs'
import { runSpecs, specRuntimes } from './runtimes/specs.mjs'
import { LATEST, OLDEST, WITH_NODE, workerd } from './runtimes/workerd.mjs'

const platforms = {
  'deno-unpermitted': denoUnpermitted,
  workerd: (consumer) => workerd(consumer, LATEST),
  'workerd-node': (consumer) =>
    workerd(consumer, WITH_NODE, { compatibilityFlags: ['nodejs_compat'] }),
  'workerd-oldest': (consumer) => workerd(consumer, OLDEST),
  chromium,
  'cloud-functions': cloudFunctions,
  lambda,
}
const all = [...specRuntimes, ...Object.keys(platforms)]
const names = process.argv.length > 2 ? process.argv.slice(2) : all
for (const name of names) {
  if (!all.includes(name)) throw new Error(`${name} is not one of ${all.join(', ')}`)
}

const consumer = consumerOf({ keyv: manifest.devDependencies.keyv })
copyInto(`${consumer}/conformance`, 'spec/outside/conformance')
for (const name of names) {
  if (specRuntimes.includes(name)) {
    test(`${name} passes the specs`, (t) => runSpecs(t, name, consumer))
  } else {
    test(`${name} passes the conformance program`, async (t) =>
      conform(t, await platforms[name](consumer)))
  }
}
