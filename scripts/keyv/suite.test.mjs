import suite, { keyvIteratorTests } from '@keyv/test-suite'
import { Keyv as Keyv5 } from 'keyv'
import { Keyv as Keyv6 } from 'keyv6'
import * as vitest from 'vitest'
import { FaaSCacheDict } from './dist/index.js'
import { createKeyv, KeyvCacheDict } from './dist/keyv.js'

const store = () => new KeyvCacheDict(new FaaSCacheDict())

// The suite is of Keyv 5, where one boolean answers for all keys; in Keyv 6 each has its own.
function itOfKeyv6(name, run) {
  if (name !== '.deleteMany([keys]) with nonexistent keys resolves to false') {
    return vitest.it(name, run)
  }
  return vitest.it(
    '.deleteMany([keys]) with nonexistent keys resolves to false for each',
    async () => {
      const removals = await new Keyv6({ store: store() }).deleteMany(['a', 'b'])
      vitest.expect(removals).toEqual([false, false])
    },
  )
}

vitest.describe('Keyv 5 over the adapter', () => {
  suite(vitest, Keyv5, store)
  keyvIteratorTests(vitest, Keyv5, store)
})

vitest.describe('Keyv 6 over the adapter', () => {
  suite({ ...vitest, it: itOfKeyv6 }, Keyv6, store)
  keyvIteratorTests(vitest, Keyv6, store)
})

vitest.describe('createKeyv', () => {
  // What the suite constructs is a Keyv; this one has nothing left to be told but the namespace.
  function Plain({ namespace } = {}) {
    return createKeyv(new FaaSCacheDict(), { namespace })
  }
  suite(vitest, Plain, store)
  keyvIteratorTests(vitest, Plain, store)
})
