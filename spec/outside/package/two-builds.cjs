const assert = require('node:assert/strict')

// Both module systems of this copy, and of a second one, in one process.
async function main() {
  const faces = {
    require: require('faas-cache-dict'),
    import: await import('faas-cache-dict'),
    'require of a second copy': require('second-copy'),
    'import of a second copy': await import('second-copy'),
  }
  let checks = 0
  for (const [made, maker] of Object.entries(faces)) {
    const cache = new maker.FaaSCacheDict({}, { foo: 'first' })
    for (const [asked, face] of Object.entries(faces)) {
      const told = `made by ${made}, asked of ${asked}`
      assert.equal(face.controllerOf(cache), maker.controllerOf(cache), told)
      assert.equal(cache instanceof face.FaaSCacheDict, true, told)
      assert.throws(
        () => maker.controllerOf(cache).getOrThrow('absent'),
        (error) => error.name === 'KeyError' && error.key === 'absent',
        told,
      )
      checks += 3
    }
  }
  console.log(`${checks} checks`)
}

main()
