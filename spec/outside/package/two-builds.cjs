const assert = require('node:assert/strict')

// Both builds of this copy and of a second copy, in one process.
async function main() {
  const faces = {
    require: require('faas-cache-dict'),
    import: await import('faas-cache-dict'),
    'require of a second copy': require('second-copy'),
    'import of a second copy': await import('second-copy'),
  }
  const advisors = {
    require: require('faas-cache-dict/advisor'),
    import: await import('faas-cache-dict/advisor'),
    'require of a second copy': require('second-copy/advisor'),
    'import of a second copy': await import('second-copy/advisor'),
  }
  for (const [made, maker] of Object.entries(faces)) {
    const cache = new maker.FaaSCacheDict({}, { foo: 'first' })
    for (const [user, face] of Object.entries(faces)) {
      const message = `made by ${made}, used by ${user}`
      assert.equal(face.controllerOf(cache), maker.controllerOf(cache), message)
      assert.equal(cache instanceof face.FaaSCacheDict, true, message)
      assert.throws(
        () => maker.controllerOf(cache).getOrThrow('absent'),
        (error) => error.name === 'KeyError' && error.key === 'absent',
        message,
      )
    }
    for (const [user, { advise }] of Object.entries(advisors)) {
      const message = `made by ${made}, advised by ${user}`
      const { sizeBytes } = maker.controllerOf(cache)
      const advisor = advise(cache, { sample: 1 })
      for (const other of Object.values(advisors)) {
        assert.throws(() => other.advise(cache), TypeError, message)
      }
      assert.equal(cache.foo, 'first', message)
      assert.equal(cache.absent, undefined, message)
      const { uses, points } = advisor.report()
      assert.deepEqual([uses, points[2].hitRate], [2, 0.5], message)
      advisor.close()
      assert.equal(maker.controllerOf(cache).sizeBytes, sizeBytes, message)
    }
  }
}

main()
