import suite, { keyvIteratorTests } from '@keyv/test-suite'
import { FaaSCacheDict } from 'faas-cache-dict'
import { createKeyv, KeyvCacheDict } from 'faas-cache-dict/keyv'
import { Keyv } from 'keyv'
import * as vitest from 'vitest'

const store = () => new KeyvCacheDict(new FaaSCacheDict())
const isKeyv6 = !('useKeyPrefix' in Keyv.prototype)

// The suite calls a constructor of Keyv, and passes options that `createKeyv` does not take.
function Plain({ namespace } = {}) {
  return createKeyv(new FaaSCacheDict(), { namespace })
}

// The suite is for Keyv 5, where deleteMany returns one boolean. Keyv 6 returns one for each key, so
// this case of the suite would fail with every adapter.
function it(name, run) {
  if (!isKeyv6 || name !== '.deleteMany([keys]) with nonexistent keys resolves to false') {
    return vitest.it(name, run)
  }
  return vitest.it(
    '.deleteMany([keys]) with nonexistent keys resolves to false for each',
    async () => {
      for (const keyv of [new Keyv({ store: store() }), new Plain()]) {
        vitest.expect(await keyv.deleteMany(['a', 'b'])).toEqual([false, false])
      }
    },
  )
}

for (const [name, Kind] of Object.entries({ 'a Keyv over the adapter': Keyv, createKeyv: Plain })) {
  vitest.describe(name, () => {
    suite({ ...vitest, it }, Kind, store)
    keyvIteratorTests(vitest, Kind, store)
  })
}
