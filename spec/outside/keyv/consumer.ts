import { FaaSCacheDict } from 'faas-cache-dict'
import { createKeyv, KeyvCacheDict } from 'faas-cache-dict/keyv'
import { Keyv } from 'keyv'

const cache = new FaaSCacheDict<{ foo: string }>()
const ready: Keyv = createKeyv(cache, { namespace: 'ns' })
const own: Keyv = new Keyv(new KeyvCacheDict(cache))
const named: Keyv = new Keyv({ store: new KeyvCacheDict(cache), namespace: 'own' })
export const foo: Promise<string | undefined> = ready.get<string>('foo')
export { named, own }
