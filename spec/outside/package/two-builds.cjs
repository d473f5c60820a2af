const assert = require('node:assert/strict')

// Both builds of this copy and of a second copy, in one process.
async function main() {
  const faces = {
    require: require('faas-cache-dict'),
    import: await import('faas-cache-dict'),
    'require of a second copy': require('second-copy'),
    'import of a second copy': await import('second-copy'),
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
  }
}

main()
